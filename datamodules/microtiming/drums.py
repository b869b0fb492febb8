"""Groove MIDI: every stroke of nine voices, and how far from its sixteenth of the click it was played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.shared import groove_midi
from datamodules.shared.library import Reading, shown
from datamodules.shared.pooled_reading import survived
from kmidi_lab.models.microtiming.features import FASTEST, SLOWEST, Take
from kmidi_lab.models.microtiming.notes import WrittenNotes, drum_voices

NAME = "groove_midi"
_STEPS_PER_QUARTER = 4


@dataclass(frozen=True)
class PublishedTake:
    """A take and the part that its publisher put it in: train, validation or test; "" where none did."""

    take: Take
    published: str = ""

    @property
    def id(self) -> str:
        return self.take.id

    @property
    def title(self) -> str:
        return self.take.work


def read(root: Path, progress: bool = False) -> Reading[PublishedTake]:
    """Every take in 4/4 of the table."""
    layout = groove_midi.read_table(root)
    reading: Reading[PublishedTake] = Reading(NAME, layout.licence, problems=layout.problems)
    for file in shown(layout.files, "reading drum takes", progress):
        with survived(reading, file.path, file.about["id"]):
            played = groove_midi.played(file, (SLOWEST, FASTEST), reading)
            if played is not None:
                reading.items.append(PublishedTake(_take(played), played.row["split"]))
    return reading


def _take(played: groove_midi.PlayedTake) -> Take:
    row, struck = played.row, played.strokes
    quarters = struck["start"] / played.piece.ticks_per_quarter
    notes, offset, velocity = strokes(quarters, struck["pitch"], struck["velocity"], played.bpm)
    return Take(
        f"{NAME}/{row['id']}", NAME, "drums", row["drummer"], "", notes, offset, velocity, played.style,
        played.swing, row["beat_type"] == "beat",
    )  # fmt: skip


def strokes(
    quarters: np.ndarray, pitch: np.ndarray, velocity: np.ndarray, bpm: float
) -> tuple[WrittenNotes, np.ndarray, np.ndarray]:
    """Written strokes, their offsets in ms and velocities 0..1, `[N]` each.

    A stroke belongs to the nearest sixteenth. Of two strokes of one voice there the louder stays, of equal ones the
    nearer.

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
    notes = WrittenNotes(
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
