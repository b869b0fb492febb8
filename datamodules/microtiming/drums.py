"""Groove MIDI: every stroke of nine voices, and how far from its sixteenth of the click it was played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.shared import groove_midi
from datamodules.shared.library import Reading
from datamodules.shared.pool import survived
from kmidi_lab.midi.reading import MidiError, read_piece
from kmidi_lab.midi.styles import SWING
from kmidi_lab.models.microtiming.features import FASTEST, SLOWEST, Take
from kmidi_lab.models.microtiming.notes import Written, drum_voices

NAME = "groove_midi"
_MOST_BARS = 2000
_STEPS_PER_QUARTER = 4


@dataclass(frozen=True)
class Recorded:
    """A take and the part that its publisher put it in: train, validation or test; "" where none did."""

    take: Take
    published: str = ""

    @property
    def id(self) -> str:
        return self.take.id

    @property
    def title(self) -> str:
        return self.take.work


def read(root: Path) -> Reading[Recorded]:
    """Every take in 4/4 of the table."""
    layout = groove_midi.read_table(root)
    reading: Reading[Recorded] = Reading(NAME, layout.licence, problems=layout.problems)
    for file in layout.files:
        row = file.about
        named = groove_midi.style_of(row["style"])
        if row["time_signature"] != "4-4":
            reading.skip(file.path, row["id"], "not in 4/4", row["time_signature"])
        elif named is None:
            reading.skip(file.path, row["id"], "style with no counterpart in the contract", row["style"])
        elif file.split:
            with survived(reading, file.path, row["id"]):
                take = _take(file.path, row, *named, reading)
                if take is not None:
                    reading.items.append(Recorded(take, row["split"]))
    return reading


def _take(path: Path, row: Mapping[str, str], style: str, even: bool, reading: Reading[Recorded]) -> Take | None:
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
    struck = np.concatenate(drums)
    quarters = struck["start"] / piece.ticks_per_quarter
    if quarters.max() > 4 * _MOST_BARS:
        reading.skip(path, row["id"], f"more than {_MOST_BARS} bars")
        return None
    notes, offset, velocity = strokes(quarters, struck["pitch"], struck["velocity"], bpm)
    phrased = row["beat_type"] == "beat"
    return Take(
        f"{NAME}/{row['id']}", NAME, "drums", row["drummer"], "", notes, offset, velocity, style,
        0.0 if even else SWING[style], phrased,
    )  # fmt: skip


def strokes(
    quarters: np.ndarray, pitch: np.ndarray, velocity: np.ndarray, bpm: float
) -> tuple[Written, np.ndarray, np.ndarray]:
    """Written strokes, their offsets in ms and velocities 0..1, `[N]` each.

    A stroke belongs to the nearest sixteenth. Of two strokes of one voice there the louder stays, of equal ones the nearer.

    Args:
        quarters: when each was struck.
        pitch: drum notes.
        velocity: 1..127.
        bpm: of the click.
    """
    voice, role = drum_voices(pitch.astype(np.int64))
    step = np.floor(quarters * _STEPS_PER_QUARTER + 0.5)
    late = quarters - step / _STEPS_PER_QUARTER
    order = np.lexsort((-np.abs(late), velocity, voice, step))
    last = np.append((np.diff(step[order]) != 0) | (np.diff(voice[order]) != 0), True)
    kept = order[last]
    onset = step[kept] / _STEPS_PER_QUARTER
    n = len(kept)
    notes = Written(
        onset,
        np.zeros(n),
        voice[kept],
        role[kept],
        role[kept],
        onset / 4,
        np.full(n, 4.0),
        np.full(n, bpm),
        np.zeros(n),
    )
    return notes, late[kept] * 60_000 / bpm, velocity[kept] / 127
