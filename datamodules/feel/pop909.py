"""POP909 (Z. Wang et al., ISMIR 2020): melody, bridge and piano of pop songs, with the beats of `beat_midi.txt`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.feel.scores import Score
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from datamodules.shared.rendering import parts_of
from kmidi_lab.midi.reading import read_piece

NAME = "pop909"
_BEATS = "beat_midi.txt"
_FEWEST = 16


def files(root: Path) -> list[Path]:
    """MIDI and beats of every song that has both; its other versions are left out."""
    songs = sorted(path for path in (root / NAME).glob("*/*.mid") if path.stem == path.parent.name)
    return [file for path in songs if (path.parent / _BEATS).is_file() for file in (path, path.parent / _BEATS)]


def read(paths: list[Path]) -> Reading[Score]:
    """Every song with beats that rise."""
    reading: Reading[Score] = Reading(NAME, "MIT")
    for path in paths:
        if path.suffix != ".mid":
            continue
        with survived(reading, path, path.stem):
            try:
                beats, downbeats = _beats(path.parent / _BEATS)
            except (ValueError, IndexError) as error:
                reading.skip(path, path.stem, "beats not readable", error)
                continue
            parts = parts_of(read_piece(path))
            if parts:
                reading.items.append(Score(f"{NAME}/{path.stem}", NAME, path.stem, tuple(parts[:3]), beats, downbeats))
            else:
                reading.skip(path, path.stem, "no notes")
    return reading


def _beats(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of all beats and of the first beats of bars. Raises ValueError or IndexError."""
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    beats, first = np.array([float(row[0]) for row in rows]), np.array([float(row[2]) > 0 for row in rows])
    if len(beats) < _FEWEST or not np.isfinite(beats).all() or (np.diff(beats) <= 0).any():
        raise ValueError(f"{len(beats)} beats that must be {_FEWEST} or more and rise")
    return beats, beats[first]
