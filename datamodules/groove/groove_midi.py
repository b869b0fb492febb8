"""What every source of performances returns, and the reader of the Groove MIDI set.

Gillick, Roberts, Engel, Eck and Bamman, *Learning to groove with inverse sequence transformations* (ICML 2019): takes
of ten drummers to a click, on an electronic kit, 480 ticks a quarter, with a published split in `info.csv`.

A style annotation (`primary/secondary`) becomes one of the contract's eight styles with the swing that its name stands for
(0 even eighths, 1 triplets), not what was played.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.shared import groove_midi
from datamodules.shared.library import Reading
from datamodules.shared.pool import survived
from kmidi_lab.midi.piece import voices_of
from kmidi_lab.midi.reading import MidiError, read_piece
from kmidi_lab.models.groove.features import FASTEST, SLOWEST, SWING, Performance, bars_of

MOST_BARS = 2000
"""A longer take is a broken file; the longest published one has under 700."""


def style_of(annotation: str) -> tuple[str, float] | None:
    """The contract's style and the swing of an annotation such as `jazz/funk`, or None for an unknown family."""
    named = groove_midi.style_of(annotation)
    if named is None:
        return None
    style, even = named
    return style, 0.0 if even else SWING[style]


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
        row = file.about
        if row["time_signature"] != "4-4":
            reading.skip(file.path, row["id"], "not in 4/4", row["time_signature"])
            continue
        named = style_of(row["style"])
        if named is None:
            reading.skip(file.path, row["id"], "style with no counterpart in the contract", row["style"])
            continue
        with survived(reading, file.path, row["id"]):
            performance = _performance(file.path, row, *named, reading) if file.split else None
            if performance is not None:
                reading.items.append(Take(performance, row["drummer"], row["split"]))
    return reading


def _performance(
    path: Path, row: Mapping[str, str], style: str, swing: float, reading: Reading[Take]
) -> Performance | None:
    try:
        bpm = float(row["bpm"])
    except ValueError:
        bpm = float("nan")
    if not SLOWEST <= bpm <= FASTEST:
        reading.skip(path, row["id"], f"tempo not between {SLOWEST:g} and {FASTEST:g}", row["bpm"])
        return None
    try:
        piece = read_piece(path)
    except MidiError as error:
        reading.skip(path, row["id"], error.reason, error.detail)
        return None
    if any((metre[1], metre[2]) != (4, 4) for metre in piece.metres):
        reading.skip(path, row["id"], "not in 4/4", f"the file has {piece.metres[:, 1:].tolist()}")
        return None
    drums = [track.notes for track in piece.tracks if track.is_drum]
    if not drums:
        reading.skip(path, row["id"], "no drum track")
        return None
    notes = np.concatenate(drums)
    ticks = notes["start"].astype(np.int64)
    if ticks.max() > MOST_BARS * 4 * piece.ticks_per_quarter:
        reading.skip(path, row["id"], f"more than {MOST_BARS} bars")
        return None
    bars = bars_of(ticks, voices_of(notes["pitch"]), notes["velocity"].astype(np.int64), piece.ticks_per_quarter)
    if piece.flaws:
        reading.remark(path, *piece.worst_flaw)
    kind = "fill" if row["beat_type"] == "fill" else "beat"
    return Performance(f"groove_midi/{row['id']}", "groove_midi", kind, style, swing, bpm, kind == "beat", bars)
