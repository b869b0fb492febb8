"""Played music: EMOPIA's piano clips, with the quadrant that listeners heard, and POP909's songs, without.

The test is rendered through a SoundFont of its own where one is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.shared import emopia
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from datamodules.shared.rendering import Part, parts_of
from datamodules.shared.splits import Groups, assign
from kmidi_lab.midi.reading import read_piece

POP909 = "pop909"
_SONGS = 400
_VAL, _TEST = 0.15, 0.15


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
