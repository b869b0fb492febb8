"""Chord history to the `harmony` contract vector.

One function, `context_vector`, builds the 128 floats for training, evaluation, prediction and the
golden vectors alike.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from kmidi_lab.chords.chord import QUALITIES, Chord, Key
from kmidi_lab.emotion_embedding import encode_emotion
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.memory import PHRASE_BARS, ChordMemory

CLASSES = 12 * len(QUALITIES)
"""Joint classes (degree from the tonic, quality): index = degree * 8 + quality."""
MAX_BARS = 4.0
_HISTORY = 3
_IN = {s.name: s.index for s in HARMONY.inputs}


def joint_class(chord: Chord, key: Key) -> int:
    """Of a chord in a key, 0..95: degree from the tonic * 8 + quality."""
    return chord.degree(key.tonic) * len(QUALITIES) + chord.quality_index


def grid_position(position: float) -> tuple[float, float]:
    """sin, cos of a place in the plain eight-bar grid."""
    angle = 2 * pi * (position % PHRASE_BARS) / PHRASE_BARS
    return sin(angle), cos(angle)


def context_vector(
    memory: ChordMemory,
    key: Key,
    affect: tuple[float, float] | None = None,
    position: float | None = None,
    last_bars: float | None = None,
) -> np.ndarray:
    """The 128 floats before the coming chord (contract.md §3), float32.

    `position` is where the coming chord starts, in bars from the start of the song (see
    `ChordMemory.phrase_start`). What is unknown stays zero.
    """
    x = np.zeros(HARMONY.input_size, np.float32)
    if affect is not None:
        x[_IN["emotion"]] = _embedding(*affect)
    recent = memory.chords[-_HISTORY:]
    chroma = np.zeros((_HISTORY, 12), np.float32)
    for row, chord in enumerate(recent, start=_HISTORY - len(recent)):
        chroma[row] = chord.chroma()
    x[_IN["previous_chords"]] = chroma.ravel()
    recalled, _ = memory.recall()
    if recalled is not None:
        x[_IN["recalled_chord"]] = recalled.chroma()
    x[_IN["key_tonic"].start + key.tonic] = 1.0
    x[_IN["mode"]] = key.mode
    if position is not None:
        into = max(0.0, position - memory.phrase_start(position))
        x[_IN["phrase_position"]] = grid_position(min(into, PHRASE_BARS - 0.25))
    if last_bars is not None:
        x[_IN["last_duration"]] = min(max(last_bars, 0.0), MAX_BARS) / MAX_BARS
    return x


@lru_cache
def _embedding(valence: float, arousal: float) -> np.ndarray:
    """`encode_emotion`, once for all chords of a song; read only."""
    embedding = encode_emotion(valence, arousal)
    embedding.setflags(write=False)
    return embedding


def transposition_table() -> np.ndarray:
    """`[12, 128]` int64: row k holds, for every place of the vector transposed up by k, where it comes from."""
    table = np.tile(np.arange(HARMONY.input_size), (12, 1))
    for name in ("previous_chords", "recalled_chord", "key_tonic"):
        part = _IN[name]
        for block in range(part.start, part.stop, 12):
            for k in range(12):
                table[k, block : block + 12] = block + (np.arange(12) - k) % 12
    return table
