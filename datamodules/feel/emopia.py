"""EMOPIA (Hung et al., ISMIR 2021): piano clips that listeners put in one of the four quadrants of valence and arousal.

Nobody marked beats in them: they teach valence, arousal, energy, density and texture. Clips of one recording share a split.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.feel.scores import Score
from datamodules.shared.library import Reading
from datamodules.shared.pool import survived
from datamodules.shared.rendering import Note, Part
from kmidi_lab.midi.reading import read_piece

NAME = "emopia"
FAR = 0.6
"""Valence and arousal of a quadrant are this far from 0."""
_QUADRANTS = {"Q1": (FAR, FAR), "Q2": (-FAR, FAR), "Q3": (-FAR, -FAR), "Q4": (FAR, -FAR)}
_SHORTEST_S = 8.0


def files(root: Path) -> list[Path]:
    """The clips by name; empty where the set is not there."""
    return sorted(path for path in (root / NAME / "midis").glob("Q?_*.mid") if path.stem[:2] in _QUADRANTS)


def read(paths: list[Path]) -> Reading[Score]:
    """Every clip of eight seconds or more."""
    reading: Reading[Score] = Reading(NAME, "CC BY 4.0")
    for path in paths:
        with survived(reading, path, path.stem):
            piece, notes = read_piece(path), list[Note]()
            for track in piece.tracks:
                start = piece.seconds(track.notes["start"])
                end = piece.seconds(track.notes["start"] + track.notes["duration"])
                rows = zip(start, end, map(int, track.notes["pitch"]), map(int, track.notes["velocity"]), strict=True)
                notes += [Note(*row) for row in rows]
            if not notes or max(n.start for n in notes) < _SHORTEST_S:
                reading.skip(path, path.stem, f"shorter than {_SHORTEST_S:g} s")
                continue
            song = path.stem.split("_", 1)[1].rsplit("_", 1)[0]
            valence, arousal = _QUADRANTS[path.stem[:2]]
            known, none = {"valence": valence, "arousal": arousal}, np.zeros(0)
            reading.items.append(Score(f"{NAME}/{path.stem}", NAME, song, (Part(0, sorted(notes)),), none, none, known))
    return reading
