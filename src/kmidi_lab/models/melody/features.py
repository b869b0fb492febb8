"""Melodies to the `melody` contract vectors; `vectors` makes them for training, evaluation and prediction alike.

A note's place is known before its pitch: position in the bar and duration of the coming note are part of the input, so
what the model gives is the probability of the pitch given the rhythm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

from kmidi_lab.chords.chord import Key
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.recall import NO_NOTE, RECALL_ORDER, recalled_notes

if TYPE_CHECKING:
    import torch

DURATIONS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Duration classes in quarter notes: 1/16, 1/8, dotted 1/8, 1/4, dotted 1/4, 1/2, dotted 1/2, whole or more."""
POSITIONS = 8
LOWEST, HIGHEST = 24, 119
"""MIDI pitches that the octave one-hot can hold: octaves 1 to 8, middle C = 60 in octave 4."""
_LOG_DURATIONS = np.log(DURATIONS)
_DURATIONS = np.array([[-2, 0], [-1, 0], [-0.41503751, 1], [0, 0], [0.5849625, 1], [1, 0], [1.5849625, 1], [2, 0]])
LENGTHS = (_DURATIONS / [3, 1]).astype(np.float32)
"""`[8, 2]` of each duration class: log2 of quarters / 3, and 1 where it is dotted."""
_FARTHEST_OCTAVE = 3
KEYS = np.array(
    [[
         0, -0.500000179, 0.866025388, -1,
         0.866025388, -0.499999762, -8.74227766e-08, 0.5,
         -0.866025448, 1, -0.866025209, 0.499999851,
    ], [
         1, -0.866025269, 0.49999997, 1.19248806e-08,
         -0.50000006, 0.866025567, -1, 0.866025388,
         -0.499999911, -4.37113883e-08, 0.500000358, -0.866025507,
    ]],
    np.float32,
).T  # fmt: skip
"""`[12, 2]`: sine and cosine of each tonic's place on the circle of fifths, with the very bits that the models were trained
on; the last one differs from one mathematical library to another."""
A = TypeVar("A", np.ndarray, "torch.Tensor")


def duration_class(quarters: np.ndarray) -> np.ndarray:
    """The class whose duration is nearest on a logarithmic scale, `[..]` int64; durations in quarters, above 0."""
    logs = np.log(np.maximum(np.asarray(quarters, np.float64), 1e-3))
    return np.asarray(np.abs(logs[..., None] - _LOG_DURATIONS).argmin(-1))


def position_class(position: np.ndarray, bar: np.ndarray | float) -> np.ndarray:
    """Which eighth part of its bar an onset falls in, 0..7, whatever the metre; both in quarters.

    In 4/4 these are the eighth notes, in 2/4 the sixteenths; in 3/4 and 6/8 the six eighths are 0, 1, 2, 4, 5, 6.
    """
    place = np.asarray(position, np.float64) / np.asarray(bar, np.float64)
    return np.asarray(np.clip(np.floor(place * POSITIONS + 1e-4), 0, POSITIONS - 1).astype(np.int64))


@dataclass(frozen=True, eq=False)
class Melody:
    """One voice, its notes as arrays of the same length T; times in quarter notes.

    `pitch` MIDI; `duration`; `position` of the onset in its bar, `bar` that bar's length; `rest` whether a rest stands
    before the note, `phrase` whether it starts a phrase; `chord` `[T, 12]` chroma (root 1, other tones 0.5) or None.
    `given` names the published split, if there is one.
    """

    id: str
    source: str
    title: str
    key: Key
    pitch: np.ndarray
    duration: np.ndarray
    position: np.ndarray
    bar: np.ndarray
    rest: np.ndarray
    phrase: np.ndarray
    chord: np.ndarray | None = None
    given: str | None = None

    def __len__(self) -> int:
        return len(self.pitch)


class Notes(NamedTuple, Generic[A]):
    """Notes as integer arrays of one shape `[..]`, ready to be transposed, and chroma and mood.

    `before` pitch of the previous note or NO_NOTE, `before_duration` its class; `rest`, `phrase` 0 or 1; `position`,
    `duration` classes of the coming note; `pitch` its MIDI pitch; `tonic` 0..11, `mode` as in Key; `recalled` pitch or
    NO_NOTE, `match` notes that match there, 0..8; `chord` `[.., 12]` and `mood` `[.., 3]` (valence, arousal -1..1,
    complexity 0..1) float, zeros where unknown.
    """

    before: A
    before_duration: A
    rest: A
    phrase: A
    position: A
    duration: A
    pitch: A
    tonic: A
    mode: A
    recalled: A
    match: A
    chord: A
    mood: A


class MelodyBatch(NamedTuple):
    """`x` `[B, T, 64]`, `pitch` `[B, T]` the answers, `real` `[B, T]` True where a note is no padding."""

    x: torch.Tensor
    pitch: torch.Tensor
    real: torch.Tensor


def notes_of(melody: Melody, mood: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Notes[np.ndarray]:
    """The notes of a melody, `[T]`; mood unknown unless given."""
    length = len(melody)
    duration = duration_class(melody.duration)
    pitch = melody.pitch.astype(np.int64)
    chord = np.zeros((length, 12), np.float32) if melody.chord is None else melody.chord
    columns = (
        np.concatenate([[NO_NOTE], pitch[:-1]]), np.concatenate([[0], duration[:-1]]), melody.rest, melody.phrase,
        position_class(melody.position, melody.bar), duration, pitch,
        np.full(length, melody.key.tonic), np.full(length, melody.key.mode),
        *recalled_notes(pitch.tolist(), duration.tolist()),
    )  # fmt: skip
    numbers = [np.asarray(c[:length], np.int64) for c in columns]
    return Notes._make([*numbers, chord.astype(np.float32), np.tile(np.array(mood, np.float32), (length, 1))])


def vectors(notes: Notes[np.ndarray], contract: Contract = MELODY) -> np.ndarray:
    """The inputs `[.., 64]` of a version of the contract, float32 (contract.md §3 and §9).

    Pitches outside octaves 1 to 8 count as in the nearest octave.
    Before the first note of a piece the previous note's slices are zeros.
    """
    x = np.empty((*np.shape(notes.before), contract.input_size), np.float32)
    return fill(x, notes, (np.eye(12, dtype=np.float32), KEYS, LENGTHS), contract)


def fill(x: A, notes: Notes[A], tables: tuple[A, A, A], contract: Contract = MELODY) -> A:
    """`vectors` of arrays of either kind, so that training, which draws its notes on the device, has the same code.

    Args:
        x: to be filled, `[.., 64]` float32; also what is returned.
        notes: of shape `[..]`.
        tables: the unit matrix `[12, 12]`, `KEYS` and `LENGTHS`, float32.
        contract: a version of the melody contract.
    """
    one_hot, keys, lengths = tables
    has_previous = (notes.before != NO_NOTE)[..., None]
    eight = one_hot[:8, :8]
    octave = _octave(notes.before)
    parts = {
        "previous_pitch_class": one_hot[notes.before % 12] * has_previous,
        "rest_before": notes.rest[..., None],
        "phrase_start": notes.phrase[..., None],
        "next_position": eight[notes.position],
        "next_duration": eight[notes.duration],
        "chord": notes.chord,
        "mood": notes.mood,
    }
    if contract.version == "1":
        parts |= {
            "previous_octave": eight[octave - 1] * has_previous,
            "previous_duration": eight[notes.before_duration] * has_previous,
        }
    else:
        length = lengths[notes.before_duration] * has_previous
        away = (_octave(notes.recalled) - octave).clip(-_FARTHEST_OCTAVE, _FARTHEST_OCTAVE)
        parts |= {
            "previous_octave": (octave - 4)[..., None] / 4 * has_previous,
            "previous_duration": length[..., :1],
            "previous_dotted": length[..., 1:],
            "recalled_pitch_class": one_hot[notes.recalled % 12] * (notes.match / RECALL_ORDER)[..., None],
            "recalled_octave": (away * (notes.match > 0))[..., None],
        }
    for name, values in parts.items():
        x[..., contract.input(name).index] = values
    key = contract.input("key").start
    x[..., key : key + 2] = keys[notes.tonic]
    x[..., key + 2] = notes.mode
    return x


def _octave(pitch: A) -> A:
    """MIDI octave, 1..8."""
    return (pitch // 12 - 1).clip(1, 8)


def mood_proxy(melody: Melody) -> tuple[float, float, float]:
    """A stand-in for mood labels, which no melody set has: (valence, arousal, complexity) from the notes themselves.

    Valence rises with major mode and high pitch, arousal with notes a quarter, large intervals and high pitch
    (A. Gabrielsson, E. Lindström, *The role of structure in the musical expression of emotions*, 2010); complexity is
    the entropy of intervals relative to that of 16 equally likely ones. It looks at the whole melody, so it serves
    training only: scores are measured with mood unknown.
    """
    pitch = melody.pitch.astype(np.float64)
    moves = np.abs(np.diff(pitch)) if len(pitch) > 1 else np.zeros(1)
    height = np.tanh((pitch.mean() - 69) / 6)
    rate = np.tanh(np.log2(1 / max(float(melody.duration.mean()), 1e-3)) - 0.5)
    leaps = np.tanh((moves.mean() - 2.7) / 1.2)
    _, counts = np.unique(moves, return_counts=True)
    share = counts / counts.sum()
    valence = 0.6 * melody.key.mode + 0.3 * height
    arousal = (rate + leaps + height) / 3
    return float(valence), float(arousal), float(min(1.0, -(share * np.log2(share)).sum() / 4))
