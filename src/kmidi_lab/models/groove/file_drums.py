"""The drums of a MIDI file: which notes they are, and their lengths and flams where they are moved."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from kmidi_lab.errors import ConfigError
from kmidi_lab.midi.piece import DRUM_CHANNEL, Notes, Piece, is_kit
from kmidi_lab.midi.reading import OpenFile


@dataclass(frozen=True)
class Drums:
    """Strokes in order of onset, arrays `[E]`: `notes`, and where in the file they are.

    That is their `part` of the piece and `index` there, and the `earliest` tick that each may move to. `source` says
    what was taken for drums where none is on channel 10.
    """

    notes: Notes
    part: np.ndarray
    index: np.ndarray
    earliest: np.ndarray
    source: str


def drums_of(file: OpenFile, source: str) -> Drums:
    """The drums of a file: its drum tracks, or its only part where that plays what a kit does."""
    tracks = file.piece.tracks
    numbers = [number for number, track in enumerate(tracks) if track.is_drum]
    if not numbers and len(tracks) == 1 and is_kit(tracks[0].notes["pitch"]):
        numbers = [0]
    if not numbers:
        raise ConfigError(
            f"{source}: no notes on the drum channel (10), and no track named drums; give a file with drums on channel 10"
        )
    others = [tracks[n] for n in numbers if tracks[n].channel != DRUM_CHANNEL]
    other_parts = ", ".join(f"the part{f' {t.name}' if t.name else ''} on channel {t.channel + 1}" for t in others)
    notes = np.concatenate([tracks[n].notes for n in numbers])
    part = np.concatenate([np.full(len(tracks[n].notes), n) for n in numbers])
    index = np.concatenate([np.arange(len(tracks[n].notes)) for n in numbers])
    earliest = np.concatenate([file.places[n][:, 3] for n in numbers])
    order = np.argsort(notes["start"], kind="stable")
    remark = f"{other_parts} was taken for them" if len(others) == len(numbers) else ""
    return Drums(notes[order], part[order], index[order], earliest[order], remark)


def new_ends(drums: Drums, moved: np.ndarray) -> np.ndarray:
    """Where strokes end that were moved: each keeps its length unless the same drum follows earlier."""
    starts, key = drums.notes["start"].astype(np.int64), drums.part * 128 + drums.notes["pitch"]
    ends = starts + drums.notes["duration"]
    out = np.maximum(ends + moved - starts, moved + 1)
    following: dict[int, tuple[int, int]] = {}
    for i in range(len(starts) - 1, -1, -1):
        written, played = following.get(int(key[i]), (-1, -1))
        if written >= 0 and ends[i] <= written:
            out[i] = max(min(int(out[i]), played), int(moved[i]) + 1)
        following[int(key[i])] = int(starts[i]), int(moved[i])
    return out


def with_flams(drawn: np.ndarray, velocities: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Velocities `[E]`: as `drawn`, but strokes of the same `key` `[E]`, a voice and a step, keep their proportion.

    The loudest of them has what was drawn for it, so that the grace note of a flam stays softer.
    """
    out = drawn.copy()
    loudest: dict[int, int] = {}
    for i, name in enumerate(key.tolist()):
        if name not in loudest or velocities[i] > velocities[loudest[name]]:
            loudest[name] = i
    lead = np.array([loudest[name] for name in key.tolist()], np.int64)
    softer = velocities < velocities[lead]
    share = velocities[softer] / velocities[lead][softer]
    out[softer] = np.maximum(np.rint(drawn[lead][softer] * share), 1)
    return out


def check_metre(piece: Piece, source: str) -> None:
    """Raises ConfigError: bars that are no whole part or multiple of 4/4; `source` names the file."""
    bar, before, quarters = 1, 0, 4.0
    for tick, numerator, denominator in piece.metres.tolist():
        bar += ceil((tick - before) / piece.ticks_per_quarter / quarters)
        before, quarters = tick, 4 * numerator / denominator
        if 4 % quarters and quarters % 4:
            raise ConfigError(
                f"{source}: in {numerator}/{denominator} from bar {bar} on; the groove model knows 4/4, 2/2 and 2/4; "
                "type model=microtiming predict.parts=drums, which places drums in any metre"
            )
