"""Played music, rendered in two keys each: EMOPIA's piano clips, with the quadrant that listeners heard, and POP909's songs, without.

The test is rendered through a SoundFont of its own where one is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.emotion_node.sounding import heard_of
from datamodules.shared import emopia
from datamodules.shared.library import Reading
from datamodules.shared.pool import survived
from datamodules.shared.rendering import Part, parts_of, render, render_all
from datamodules.shared.splits import Groups, assign
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.emotion_node.features import pair_of

POP909 = "pop909"
SECONDS = {"train": 10.0, "val": 20.0, "test": 20.0}
_GAP_S = 1.0
_PACES = (0.92, 1.08)
_SHIFTS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)
"""Semitones to the other key."""
_PROGRAMS = (
    4,
    5,
    6,
    11,
    16,
    19,
    24,
    25,
    26,
    32,
    40,
    42,
    46,
    48,
    49,
    52,
    56,
    60,
    61,
    66,
    68,
    71,
    73,
    75,
    80,
    88,
    104,
    108,
)
"""General MIDI programs that play instead of the piano."""
_NO_PIANO = {emopia.NAME: 0.3, POP909: 0.7}
"""Share of the training clips, so that the piano is not what feeling is heard by."""
_SONGS = 400
_VAL, _TEST = 0.15, 0.15
_TOGETHER, _MELODIC = 6, 15
_LIMITS = (900, 3072)


@dataclass(frozen=True)
class Piece:
    """Music to be rendered; `labels` as of Clip, `font` the path of a SoundFont or None for TimGM6mb."""

    id: str
    source: str
    group: str
    labels: dict[str, int]
    parts: tuple[Part, ...]
    split: str
    font: Path | None


def emopia_pieces(paths: list[Path], seed: int, fonts: Sequence[Path], test: Path | None) -> Reading[Piece]:
    """Every clip: the published validation part is the test, one in seven recordings of the training part the validation.

    Clips in neither list are left out; without lists recordings are dealt out.
    """
    reading = emopia.read(paths)
    listed = any(clip.published for clip in reading.items)
    clips = [clip for clip in reading.items if clip.published or not listed]
    out: Reading[Piece] = Reading(emopia.NAME, reading.licence, problems=reading.problems)
    for clip in reading.items if listed else []:
        if not clip.published:
            out.skip(clip.name, "", "in no list of the published split")
    groups = Groups(len(clips))
    groups.join_equal(clip.song for clip in clips)
    dealt = assign([clip.song for clip in clips], groups, seed, _VAL, 0.0 if listed else _TEST)
    for clip, place in zip(clips, dealt, strict=True):
        split = "test" if clip.published == "val" else place
        labels = {"quadrant": clip.quadrant}
        for font in [test] if split == "test" else [None, *fonts]:
            name = f"{clip.name}/{font.stem if font else 'TimGM6mb'}"
            out.items.append(Piece(name, emopia.NAME, clip.song, labels, (clip.piano,), split, font))
    return out


def pop909_files(root: Path) -> list[Path]:
    """The first songs by name; empty where the set is not there."""
    return sorted(path for path in (root / POP909).glob("*/*.mid") if path.stem == path.parent.name)[:_SONGS]


def pop909_pieces(paths: list[Path], fonts: Sequence[Path]) -> Reading[Piece]:
    """For training alone: nobody said what they express, but it is the same in another key."""
    every = [None, *fonts]
    reading: Reading[Piece] = Reading(POP909, "MIT")
    for i, path in enumerate(paths):
        with survived(reading, path, path.stem):
            parts = tuple(parts_of(read_piece(path))[:3])
            if parts:
                reading.items.append(Piece(path.stem, POP909, path.stem, {}, parts, "train", every[i % len(every)]))
            else:
                reading.skip(path, path.stem, "no notes")
    return reading


def clips_of(reading: Reading[Piece], seed: int, workers: int, progress: bool) -> Reading[Clip]:
    """A stretch of every piece, in its own key and in another, one behind the other. Raises LabError: one can't be rendered."""
    out: Reading[Clip] = Reading(reading.source, reading.licence, problems=reading.problems, note=reading.note)
    made = [(piece, *_cut(piece, np.random.default_rng([seed, i]))) for i, piece in enumerate(reading.items)]
    tasks = list(_together(made))
    done: dict[str, list[Clip]] = {}
    text = f"rendering {reading.source}"
    for _, clips in render_all(_play, tasks, lambda task: task[0][0].id, workers, _LIMITS, progress, text):
        for clip in clips:
            done.setdefault(pair_of(clip), []).append(clip)
    out.items = [clip for piece in reading.items for clip in done[f"{piece.source}/{piece.id}"]]
    return out


def _cut(piece: Piece, rng: np.random.Generator) -> tuple[list[list[Part]], int]:
    """The stretch in both keys, and how far they are apart."""
    seconds, trained = SECONDS[piece.split], piece.split == "train"
    pace = float(rng.uniform(*_PACES)) if trained else 1.0
    starts = sorted(note.start for part in piece.parts for note in part.notes)
    early = [start for start in starts if start <= starts[-1] - seconds * pace] or starts[:1]
    begin = float(rng.choice(early)) if trained else early[0]
    other = trained and rng.random() < _NO_PIANO[piece.source]
    programs = [int(rng.choice(_PROGRAMS)) if other else 0 for _ in piece.parts]
    shift = int(rng.choice(_SHIFTS))

    def stretch(by: int) -> list[Part]:
        return [
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
        ]  # fmt: skip

    return [stretch(0), stretch(shift)], shift


def _together(
    made: Sequence[tuple[Piece, list[list[Part]], int]],
) -> Iterator[list[tuple[Piece, list[list[Part]], int]]]:
    """Groups for one rendering each, of one SoundFont, since opening it takes longer than playing a clip."""
    for font in dict.fromkeys(piece.font for piece, *_ in made):
        group: list[tuple[Piece, list[list[Part]], int]] = []
        for entry in made:
            if entry[0].font != font:
                continue
            if len(group) == _TOGETHER or len(_programs([*group, entry])) > _MELODIC:
                yield group
                group = []
            group.append(entry)
        if group:
            yield group


def _programs(group: Sequence[tuple[Piece, list[list[Part]], int]]) -> set[int]:
    return {part.program for _, versions, _ in group for version in versions for part in version}


def _play(group: Sequence[tuple[Piece, list[list[Part]], int]]) -> list[Clip]:
    seconds = max(SECONDS[piece.split] for piece, *_ in group)
    played: dict[int, list[Any]] = {program: [] for program in sorted(_programs(group))}
    at = 0.0
    for _, versions, _ in group:
        for version in versions:
            for part in version:
                played[part.program] += [n._replace(start=n.start + at, end=n.end + at) for n in part.notes]
            at += seconds + _GAP_S
    wave = render([Part(program, sorted(notes)) for program, notes in played.items()], group[0][0].font)
    clips = []
    for i, (piece, versions, shift) in enumerate(group):
        for j, by in enumerate((0, shift)[: len(versions)]):
            frames = heard_of(wave, (2 * i + j) * (seconds + _GAP_S), SECONDS[piece.split])
            name = f"{piece.source}/{piece.id}/{by:+d}"
            clips.append(Clip(name, piece.source, piece.group, piece.labels, Sound(frames), piece.split))
    return clips
