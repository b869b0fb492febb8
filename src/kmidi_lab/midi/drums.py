"""Drum notes to the three voices of the groove contract.

General MIDI's percussion map (MIDI Manufacturers Association, 1991), with the notes that Roland kits add to it. What is
struck with the foot pedal of the bass drum is low, what lies in a drummer's (or hand drummer's) middle - snares, toms, hand drums - is
mid, what rings or keeps time is high.
"""

from __future__ import annotations

import numpy as np

VOICES = ("low", "mid", "high")
DRUM_CHANNEL = 9
"""General MIDI's channel 10, counted from 0."""
_LOW = (35, 36)
_MID = (
    *(31, 37, 38, 39, 40),  # sticks, side stick, snares, clap
    *(41, 43, 45, 47, 48, 50, 58),  # toms; 58 is the rim of Roland's third
    *range(60, 67),  # bongos, congas, timbales
    86, 87,  # surdos
)  # fmt: skip
_TABLE = np.full(128, VOICES.index("high"), np.int64)
_TABLE[list(_LOW)] = VOICES.index("low")
_TABLE[list(_MID)] = VOICES.index("mid")


def voices_of(pitches: np.ndarray) -> np.ndarray:
    """MIDI pitches 0..127, any shape, to indices into `VOICES`; notes outside the map count as high."""
    return np.asarray(_TABLE[np.asarray(pitches, np.int64)])
