"""What a model that listens read in a sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kmidi_lab.inference.listener import Reading


@dataclass(frozen=True)
class Recognition:
    """What a model read: (seconds from the start to the end of a stretch, its reading), and one of all that counts.

    `unsure` says why the answer should not be relied on, empty where nothing is against it; `distance` how far the sound
    is from those of the training, 1 at the limit, None where the model can't tell; `notes` what is to be known of the
    recording, such as that it is cut short; `kind` the probabilities that it is speech, music or neither, None where there
    is too little of it to tell; `warnings` what whoever uses the model should know.
    """

    readings: list[tuple[float, Reading]]
    seconds: float
    summary: Reading
    run_id: str | None
    status: str
    unsure: str = ""
    notes: tuple[str, ...] = ()
    distance: float | None = None
    kind: dict[str, float] | None = None
    warnings: tuple[str, ...] = ()

    def record(self, model: str, source: str, every: float) -> dict[str, Any]:
        """For a JSON file.

        Args:
            model: that read it.
            source: name of the sound.
            every: seconds between two readings.
        """
        return {
            "model": model,
            "run": self.run_id,
            "status": self.status,
            "source": source,
            "every_s": every,
            "unsure": self.unsure or None,
            "distance": self.distance,
            "kind": self.kind,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "readings": [{"seconds": at, **reading.record()} for at, reading in self.readings],
            "summary": {"seconds": self.seconds, **self.summary.record()},
        }
