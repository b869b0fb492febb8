"""Excerpts of scores: stretches that are cut, arranged and rendered through a SoundFont."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datamodules.feel import emopia, groove_midi, patterns, pop909
from datamodules.feel.levels import loudest
from datamodules.feel.scores import Score, strokes_of, values_of
from datamodules.shared.rendering import Note, Part, render, render_all
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.models.feel.features import FULL_SCALE, Excerpt

SECONDS = 15.0
_GAP_S, _TOGETHER, _MELODIC = 1.0, 6, 15
_PACES = (0.75, 1.3)
_KITS = (0, 8, 16, 24, 25, 32, 40)
_KEYS, _LEADS = (0, 1, 4, 5, 7, 24, 25, 27, 46, 48), (0, 11, 26, 56, 65, 68, 71, 73, 80, 81)
"""General MIDI programs of chords and of melodies."""
_BACKED = 0.5
"""Share of songs that get drums by rule."""
_LIMITS = (600, 3072)


class Amounts(NamedTuple):
    """Excerpts of each source: for each training score, and scores at most of training, of validation and of test."""

    each: int
    train: int
    held_out: int


AMOUNTS = {
    groove_midi.NAME: Amounts(3, 1000, 100),
    pop909.NAME: Amounts(1, 500, 80),
    emopia.NAME: Amounts(1, 200, 60),
    patterns.NAME: Amounts(1, 300, 40),
}


def excerpts(scores: Sequence[Score], amounts: Amounts, amount: float, seed: int) -> Iterator[Score]:
    """Stretches of SECONDS: of training at another pace, of songs some with a band by rule, each with programs of its own."""
    left = {"train": amounts.train, "val": amounts.held_out, "test": amounts.held_out}
    left = {split: max(2, round(amount * most)) for split, most in left.items()}
    order = np.random.default_rng([seed, 5]).permutation(len(scores))
    for at in order:
        score = scores[at]
        if not left[score.split]:
            continue
        left[score.split] -= 1
        for i in range(amounts.each if score.split == "train" else 1):
            rng = np.random.default_rng([seed, int(at), i])
            own = score.source == patterns.NAME
            pace = float(rng.uniform(*_PACES)) if score.split == "train" and not own else 1.0
            last = max(n.start for part in score.parts for n in part.notes)
            room = last - SECONDS * pace
            begin = 0.0 if own or room <= 0 else float(rng.uniform(0, room))
            cut = _arranged(score, score.stretch(begin, SECONDS, pace), rng)
            if sum(len(part.notes) for part in cut.parts) >= 8:
                yield replace(cut, id=f"{score.id}/{i}")


def _arranged(score: Score, cut: Score, rng: np.random.Generator) -> Score:
    melodic = [p for p in cut.parts if not p.drums and p.notes]
    parts = [
        replace(p, program=int(rng.choice(_LEADS if i == 0 and len(melodic) > 1 else _KEYS)))
        for i, p in enumerate(melodic)
    ]
    if score.source == emopia.NAME:
        parts = [replace(p, program=int(rng.choice((0, 1)))) for p in melodic]
    drums = [p for p in cut.parts if p.drums and p.notes]
    if score.source == pop909.NAME and rng.random() < _BACKED and len(cut.downbeats) > 2:
        metre = round(float(np.median(np.diff(np.searchsorted(cut.beats, cut.downbeats - 1e-6)))))
        from_bar = cut.beats[cut.beats >= cut.downbeats[0] - 1e-6]
        drums = [patterns.drums(from_bar, 3 if metre == 3 else 4, 0.0, rng)]
    return replace(cut, parts=(*parts, *drums))


def rendered(scores: Sequence[Score], font: Path | None, workers: int, progress: bool) -> list[Excerpt]:
    """What is heard of each through a SoundFont, in order. Raises LabError: one could not be rendered."""
    rng = np.random.default_rng(len(scores))
    tasks = [(tuple(group), font, int(rng.choice(_KITS))) for group in _together(scores)]
    done: dict[str, Excerpt] = {}
    for _, made in render_all(_play, tasks, lambda task: task[0][0].id, workers, _LIMITS, progress, "rendering"):
        done |= {excerpt.id: excerpt for excerpt in made}
    return [done[score.id] for score in scores]


def _together(scores: Sequence[Score]) -> Iterator[list[Score]]:
    """Groups for one rendering each, since opening the SoundFont takes longer than playing an excerpt."""
    group: list[Score] = []
    for score in scores:
        melodic = sum(not p.drums for s in (*group, score) for p in s.parts)
        if group and (melodic > _MELODIC or len(group) == _TOGETHER):
            yield group
            group = []
        group.append(score)
    if group:
        yield group


def _play(task: tuple[tuple[Score, ...], Path | None, int]) -> list[Excerpt]:
    scores, font, kit = task
    parts: list[Part] = []
    struck: list[Note] = []
    for i, score in enumerate(scores):
        begin = i * (SECONDS + _GAP_S)
        for part in score.parts:
            notes = [n._replace(start=n.start + begin, end=n.end + begin) for n in part.notes]
            if part.drums:
                struck += notes
            else:
                parts.append(replace(part, notes=notes))
    if struck:
        parts.append(Part(kit, struck, drums=True))
    wave, out = render(parts, font), []
    whole = np.zeros(round(len(scores) * (SECONDS + _GAP_S) * RATE), np.float32)
    whole[: len(wave)] = wave[: len(whole)]
    for i, score in enumerate(scores):
        first = round(i * (SECONDS + _GAP_S) * RATE)
        heard = loudest(whole[first : first + round(SECONDS * RATE)])
        frames = log_mel(heard)
        strokes = strokes_of(score.parts)
        values = values_of(score, strokes, SECONDS) | {"flatness": flatness(frames)}
        out.append(
            Excerpt(
                score.id,
                score.source,
                score.group,
                frames.astype(np.float16),
                score.beats,
                score.downbeats,
                strokes,
                values,
                score.split,
                np.round(heard * FULL_SCALE).astype(np.int16) if score.split in ("val", "test") else None,
            )
        )
    return out


def flatness(frames: np.ndarray) -> float:
    """Mean over frames `[T, 128]` of the geometric by the arithmetic mean of the bands' amplitudes."""
    half = np.asarray(frames, np.float64) / 2
    return float(np.exp(half.mean(1) - np.log(np.exp(half).mean(1))).mean())
