"""What every source of performances returns, and the reader of the Groove MIDI set.

Gillick, Roberts, Engel, Eck and Bamman, *Learning to groove with inverse sequence transformations* (ICML 2019): takes
of ten drummers to a click, on an electronic kit, 480 ticks a quarter, with a published split in `info.csv`.

A style annotation (`primary/secondary`) becomes one of the contract's eight styles with the swing that its name stands
for (0 even eighths, 1 triplets), not what was played.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.shared import groove_midi
from datamodules.shared.library import Reading
from datamodules.shared.pooled_reading import survived
from kmidi_lab.midi.piece import voices_of
from kmidi_lab.models.groove.features import FASTEST, SLOWEST
from kmidi_lab.models.groove.grid import Performance, bars_of


@dataclass(frozen=True)
class Take:
    """A performance with who played it and the split it was published in: train, validation or test."""

    performance: Performance
    drummer: str
    published: str


def read(root: Path) -> Reading[Take]:
    """Every take in 4/4 that `groove/info.csv` lists."""
    layout = groove_midi.read_table(root)
    reading: Reading[Take] = Reading("groove_midi", layout.licence, problems=layout.problems)
    for file in layout.files:
        with survived(reading, file.path, file.about["id"]):
            played = groove_midi.played(file, (SLOWEST, FASTEST), reading)
            if played is not None:
                performance = _performance(played)
                if played.piece.flaws:
                    reading.remark(file.path, *played.piece.worst_flaw)
                reading.items.append(Take(performance, played.row["drummer"], played.row["split"]))
    return reading


def _performance(played: groove_midi.PlayedTake) -> Performance:
    row, notes = played.row, played.strokes
    ticks, velocity = notes["start"].astype(np.int64), notes["velocity"].astype(np.int64)
    bars = bars_of(ticks, voices_of(notes["pitch"]), velocity, played.piece.ticks_per_quarter)
    kind = "fill" if row["beat_type"] == "fill" else "beat"
    return Performance(
        f"groove_midi/{row['id']}", "groove_midi", kind, played.style, played.swing, played.bpm, kind == "beat", bars
    )
