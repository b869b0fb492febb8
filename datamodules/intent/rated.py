"""EmoBank (S. Buechel, U. Hahn, EACL 2017; CC BY-SA 4.0): sentences rated for valence, arousal and dominance, 1 to 5."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from datamodules.shared.library import Reading
from kmidi_lab.models.intent.features import Sentence

NAME, LICENCE = "emobank", "CC BY-SA 4.0"
_MIDDLE, _HALF, _MOST = 3.0, 1.5, 0.95
"""A rating of 3 reads as 0; the farthest that sentences of EmoBank are rated, about 1.5 from it, as nearly +-1."""


def files(root: Path) -> list[Path]:
    """The table."""
    return [path for path in (root / NAME / "emobank.csv",) if path.is_file()]


def read(paths: list[Path]) -> Reading[Sentence]:
    """Every sentence of the table; a row without ratings is reported."""
    reading: Reading[Sentence] = Reading(NAME, LICENCE)
    for path in paths:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                try:
                    ratings = np.array([float(row[key]) for key in "VAD"])
                    text, part = row["text"], row["split"]
                    if not np.isfinite(ratings).all() or not text.strip():
                        raise ValueError
                except (KeyError, TypeError, ValueError, AttributeError):
                    reading.skip(path, f"row {number}", "no ratings", row)
                    continue
                affect = tuple(float(v) for v in np.clip((ratings - _MIDDLE) / _HALF, -_MOST, _MOST))
                place = "train" if part == "train" else "dev"
                reading.items.append(Sentence(f"{NAME}/{number}", NAME, place, text, affect=affect))
    return reading
