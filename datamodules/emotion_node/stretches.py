"""Stretches of played music, rendered in two keys each: which notes, on which instruments, and what is heard of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from datamodules.emotion_node.played import POP909, Piece
from datamodules.emotion_node.sounding import Hear, in_conditions, stretch_of
from datamodules.shared import emopia
from datamodules.shared.library import Reading
from datamodules.shared.rendering import Part, render, render_all
from kmidi_lab.audio.clips import Clip
from kmidi_lab.models.emotion_node.features import KEY_BY_NOTES, KEYS, pair_of

SECONDS = {"train": 7.0, "val": 20.0, "test": 20.0}
_GAP_S = 1.0
_PACES = (0.92, 1.08)
_SHIFTS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)
"""Semitones to the other key."""
_PROGRAMS = (
    4, 5, 6, 11, 16, 19, 24, 25, 26, 32, 40, 42, 46, 48, 49, 52, 56, 60, 61, 66, 68, 71, 73, 75, 80, 88, 104, 108,
)  # fmt: skip
"""General MIDI programs that play instead of the piano."""
_NO_PIANO = {emopia.NAME: 0.3, POP909: 0.7}
"""Share of the training clips, so that the piano is not what feeling is heard by."""
_TOGETHER, _MELODIC = 6, 15
_LIMITS = (900, 3072)
Tell = Callable[[Sequence[tuple[Piece, float]]], Sequence[Mapping[str, int]]]
"""What is known of pieces in their own keys around moments, in seconds, as labels of Clip."""


@dataclass(frozen=True)
class Stretch:
    """`versions` are the parts in each key, `shifts` semitones from the piece's own; `middle` its place there, seconds."""

    name: str
    piece: Piece
    versions: tuple[tuple[Part, ...], ...]
    shifts: tuple[int, ...]
    middle: float


def clips_of(
    reading: Reading[Piece], seed: int, times: int, tell: Tell | None, hear: Hear, workers: int, progress: bool
) -> Reading[Clip]:
    """Stretches of every piece, in its own key and in another, one behind the other.

    Args:
        reading: the pieces.
        seed: of what is drawn.
        times: stretches of a piece to train on; of the others there is one.
        tell: what is to be known of training stretches beside the labels of their pieces; None for nothing.
        hear: makes the sound of a clip.
        workers: processes that render.
        progress: whether a bar is shown.

    Raises:
        LabError: one can't be rendered.
    """
    out: Reading[Clip] = Reading(reading.source, reading.licence, problems=reading.problems, note=reading.note)
    made = [
        cut(piece, np.random.default_rng([seed, i, turn]), turn)
        for i, piece in enumerate(reading.items)
        for turn in range(times if piece.split == "train" else 1)
    ]
    trained = [stretch for stretch in made if stretch.piece.split == "train"] if tell else []
    known = tell([(stretch.piece, stretch.middle) for stretch in trained]) if tell and trained else []
    told = dict(zip((stretch.name for stretch in trained), known, strict=True))
    done: dict[str, list[Clip]] = {}
    text = f"rendering {reading.source}"
    for _, clips in render_all(
        partial(_play, hear), list(_together(made)), lambda g: g[0].name, workers, _LIMITS, progress, text
    ):
        for clip in clips:
            done.setdefault(pair_of(clip), []).append(clip)
    out.items = [
        replace(clip, labels={**clip.labels, **in_key(told.get(stretch.name, {}), by)})
        for stretch in made
        for clip, by in zip(done[stretch.name], stretch.shifts, strict=True)
    ]
    return out


def tested_in_conditions(pieces: Sequence[Piece], seed: int, workers: int, progress: bool) -> list[Clip]:
    """The stretches of the test in their own keys, with what is heard of them in each recording condition as variants.

    Args:
        pieces: all that `clips_of` had, since what is drawn for one depends on its place.
        seed: of what is drawn.
        workers: processes that render.
        progress: whether a bar is shown.
    """
    drawn = [cut(p, np.random.default_rng([seed, i, 0])) for i, p in enumerate(pieces) if p.split == "test"]
    made = [replace(one, versions=one.versions[:1], shifts=one.shifts[:1]) for one in drawn]
    play, groups = partial(_play, in_conditions), list(_together(made))
    done = render_all(play, groups, lambda g: g[0].name, workers, _LIMITS, progress, "rendering conditions")
    return sorted((clip for _, clips in done for clip in clips), key=lambda clip: clip.id)


def cut(piece: Piece, rng: np.random.Generator, turn: int = 0) -> Stretch:
    """The `turn`-th stretch of a piece in both keys; those of training begin anywhere, at a pace of their own."""
    seconds, trained = SECONDS[piece.split], piece.split == "train"
    pace = float(rng.uniform(*_PACES)) if trained else 1.0
    starts = sorted(note.start for part in piece.parts for note in part.notes)
    early = [start for start in starts if start <= starts[-1] - seconds * pace] or starts[:1]
    begin = float(rng.choice(early)) if trained else early[0]
    other = trained and rng.random() < _NO_PIANO[piece.source]
    programs = [int(rng.choice(_PROGRAMS)) if other else 0 for _ in piece.parts]
    shifts = (0, int(rng.choice(_SHIFTS)))

    def stretch(by: int) -> tuple[Part, ...]:
        return tuple(
            Part(
                program,
                [
                    note._replace(
                        start=max(0.0, (note.start - begin) / pace), end=min(seconds, (note.end - begin) / pace),
                        pitch=int(np.clip(note.pitch + by, 21, 108)),
                    )
                    for note in part.notes
                    if begin <= note.start < begin + seconds * pace
                ],
            )
            for part, program in zip(piece.parts, programs, strict=True)
        )  # fmt: skip

    middle = begin + seconds * pace / 2
    return Stretch(f"{piece.source}/{piece.id}/{turn}", piece, tuple(map(stretch, shifts)), shifts, middle)


def in_key(told: Mapping[str, int], by: int) -> dict[str, int]:
    """What is told of a stretch, in the key so many semitones away."""
    return {name: (label + 2 * by) % len(KEYS) if name == KEY_BY_NOTES else label for name, label in told.items()}


def _together(made: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Groups for one rendering each, of one SoundFont, since opening it takes longer than playing a clip."""
    for font in dict.fromkeys(stretch.piece.font for stretch in made):
        group: list[Stretch] = []
        for entry in made:
            if entry.piece.font != font:
                continue
            if len(group) == _TOGETHER or len(_programs([*group, entry])) > _MELODIC:
                yield group
                group = []
            group.append(entry)
        if group:
            yield group


def _programs(group: Sequence[Stretch]) -> set[int]:
    return {part.program for stretch in group for version in stretch.versions for part in version}


def _play(hear: Hear, group: Sequence[Stretch]) -> list[Clip]:
    seconds = max(SECONDS[stretch.piece.split] for stretch in group)
    played: dict[int, list[Any]] = {program: [] for program in sorted(_programs(group))}
    for place, version in enumerate(itertools.chain.from_iterable(stretch.versions for stretch in group)):
        at = place * (seconds + _GAP_S)
        for part in version:
            played[part.program] += [n._replace(start=n.start + at, end=n.end + at) for n in part.notes]
    wave = render([Part(program, sorted(notes)) for program, notes in played.items()], group[0].piece.font)
    clips, places = [], itertools.count()
    for stretch in group:
        piece = stretch.piece
        for by in stretch.shifts:
            samples = stretch_of(wave, next(places) * (seconds + _GAP_S), SECONDS[piece.split])
            name = f"{stretch.name}/{by:+d}"
            clips.append(
                Clip(name, piece.source, piece.group, piece.labels, hear(samples, name, piece.split), piece.split)
            )
    return clips
