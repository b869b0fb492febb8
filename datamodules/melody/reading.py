"""Which melodies are kept, whatever reader they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.shared.library import Reading
from kmidi_lab.models.melody.features import HIGHEST, LOWEST, Melody
from kmidi_lab.models.melody.finding import MAX_NOTES, MIN_NOTES


def keep(reading: Reading[Melody], melody: Melody, file: Path | str) -> None:
    """Adds the melody, or reports why it can't be used."""
    if len(melody) < MIN_NOTES:
        reading.skip(file, melody.title, f"fewer than {MIN_NOTES} notes", len(melody))
    elif len(melody) > MAX_NOTES:
        reading.skip(file, melody.title, f"more than {MAX_NOTES} notes", len(melody))
    elif not ((melody.pitch >= LOWEST) & (melody.pitch <= HIGHEST)).all():
        reading.skip(file, melody.title, "pitch outside octaves 1 to 8")
    elif not (np.isfinite(melody.duration) & (melody.duration > 0)).all():
        reading.skip(file, melody.title, "note of no length")
    else:
        reading.items.append(melody)
