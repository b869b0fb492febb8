"""Stretches of played music, rendered in two keys each: which notes, on which instruments, and what is heard of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from datamodules.emotion_node.played import POP909, Piece
from datamodules.emotion_node.sounding import heard_of
from datamodules.shared import emopia
from datamodules.shared.library import Reading
from datamodules.shared.rendering import Part, render, render_all
from kmidi_lab.audio.clips import Clip, Sound
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
Tell = Callable[[Piece, float], Mapping[str, int]]
"""What is known of a piece in its own key around a moment, in seconds, as labels of Clip."""


@dataclass(frozen=True)
class Stretch:
    """`versions` are the parts in each key, `shifts` semitones from the piece's own; `labels` as of Clip, by version."""

    name: str
    piece: Piece
    versions: tuple[tuple[Part, ...], ...]
    shifts: tuple[int, ...]
    labels: tuple[Mapping[str, int], ...]


def clips_of(
    reading: Reading[Piece], seed: int, times: int, tell: Tell | None, workers: int, progress: bool
) -> Reading[Clip]:
    """Stretches of every piece, in its own key and in another, one behind the other.

    Args:
        reading: the pieces.
        seed: of what is drawn.
        times: stretches of a piece to train on; of the others there is one.
        tell: what is to be known of training stretches beside the labels of their pieces; None for nothing.
        workers: processes that render.
        progress: whether a bar is shown.

    Raises:
        LabError: one can't be rendered.
    """
    out: Reading[Clip] = Reading(reading.source, reading.licence, problems=reading.problems, note=reading.note)
    made = [
        cut(piece, np.random.default_rng([seed, i, turn]), turn, tell)
        for i, piece in enumerate(reading.items)
        for turn in range(times if piece.split == "train" else 1)
    ]
    done: dict[str, list[Clip]] = {}
    text = f"rendering {reading.source}"
    for _, clips in render_all(_play, list(_together(made)), lambda g: g[0].name, workers, _LIMITS, progress, text):
        for clip in clips:
            done.setdefault(pair_of(clip), []).append(clip)
    out.items = [clip for stretch in made for clip in done[stretch.name]]
    return out


def cut(piece: Piece, rng: np.random.Generator, turn: int = 0, tell: Tell | None = None) -> Stretch:
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

    told = tell(piece, begin + seconds * pace / 2) if tell and trained else {}
    labels = tuple({**piece.labels, **told, **_moved(told, by)} for by in shifts)
    return Stretch(f"{piece.source}/{piece.id}/{turn}", piece, tuple(stretch(by) for by in shifts), shifts, labels)


def _moved(told: Mapping[str, int], by: int) -> dict[str, int]:
    """The key so many semitones away, where it is known."""
    return {KEY_BY_NOTES: (told[KEY_BY_NOTES] + 2 * by) % len(KEYS)} if KEY_BY_NOTES in told else {}


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


def _play(group: Sequence[Stretch]) -> list[Clip]:
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
        for by, labels in zip(stretch.shifts, stretch.labels, strict=True):
            frames = heard_of(wave, next(places) * (seconds + _GAP_S), SECONDS[piece.split])
            name = f"{stretch.name}/{by:+d}"
            clips.append(Clip(name, piece.source, piece.group, labels, Sound(frames), piece.split))
    return clips
