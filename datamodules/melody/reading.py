"""What every melody reader returns: melodies and every problem met."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from datamodules.shared.problems import Report
from kmidi_lab.models.melody.features import HIGHEST, LOWEST, Melody

MIN_NOTES, MAX_NOTES = 12, 5_000


@dataclass
class Reading(Report):
    """Melodies of one source with a whole-file report of what could not be used."""

    melodies: list[Melody] = field(default_factory=list)

    def keep(self, melody: Melody, file: Path | str) -> None:
        """Adds the melody, or reports why it can't be used."""
        if len(melody) < MIN_NOTES:
            self.skip(file, melody.title, f"fewer than {MIN_NOTES} notes", len(melody))
        elif len(melody) > MAX_NOTES:
            self.skip(file, melody.title, f"more than {MAX_NOTES} notes", len(melody))
        elif not ((melody.pitch >= LOWEST) & (melody.pitch <= HIGHEST)).all():
            self.skip(file, melody.title, "pitch outside octaves 1 to 8")
        elif not (np.isfinite(melody.duration) & (melody.duration > 0)).all():
            self.skip(file, melody.title, "note of no length")
        else:
            self.melodies.append(melody)
