"""Groove MIDI (Gillick et al., ICML 2019): takes of ten drummers to a click, so that every beat is known.

Drummers are held out whole: `TEST` and `VAL` are heard in no other split.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.feel.scores import Score
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from datamodules.shared.rendering import Note, Part
from kmidi_lab.midi.reading import read_piece

NAME = "groove_midi"
TEST, VAL = ("drummer3", "drummer5"), ("drummer4", "drummer6", "drummer10")
SHORTEST_S = 8.0
_KIT = {22: 42, 26: 46, 58: 43}
"""Notes of the Roland kit that General MIDI's map lacks, and what stands for them."""
_METRES = {"4-4": 4, "3-4": 3}


def files(root: Path) -> list[Path]:
    """The takes in 4/4 and 3/4 that are no fills, by name; empty where the set is not there."""
    paths = sorted((root / "groove").glob("drummer*/*/*_beat_*.mid"))
    return [path for path in paths if _metre(path) in _METRES]


def read(paths: list[Path]) -> Reading[Score]:
    """Every take of eight seconds or more."""
    reading: Reading[Score] = Reading(NAME, "CC BY 4.0")
    for path in paths:
        with survived(reading, path, path.stem):
            piece = read_piece(path)
            notes = []
            for track in piece.tracks:
                start = piece.seconds(track.notes["start"])
                end = piece.seconds(track.notes["start"] + track.notes["duration"])
                pitch = [_KIT.get(int(p), int(p)) for p in track.notes["pitch"]]
                notes += [Note(*row) for row in zip(start, end, pitch, map(int, track.notes["velocity"]), strict=True)]
            last = max((n.start for n in notes), default=0.0)
            if last < SHORTEST_S:
                reading.skip(path, path.stem, f"shorter than {SHORTEST_S:g} s")
                continue
            beats = piece.seconds(np.arange(0, float(piece.ticks(np.array(last))), piece.ticks_per_quarter))
            drummer = path.relative_to(path.parents[2]).parts[0]
            split = "test" if drummer in TEST else "val" if drummer in VAL else "train"
            part = Part(0, sorted(notes), drums=True)
            name = "/".join((NAME, drummer, path.parent.name, path.stem))
            downbeats = beats[:: _METRES[_metre(path)]]
            reading.items.append(Score(name, NAME, drummer, (part,), beats, downbeats, split=split))
    return reading


def _metre(path: Path) -> str:
    return path.stem.rsplit("_", 1)[-1]
