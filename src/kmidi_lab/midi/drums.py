"""Drum notes to the three voices of the groove contract.

General MIDI's percussion map (MIDI Manufacturers Association, 1991), with the notes that Roland kits add to it. What is
struck with the foot pedal of the bass drum is low, what lies in a drummer's (or hand drummer's) middle - snares, toms, hand drums - is
mid, what rings or keeps time is high.
"""

from __future__ import annotations

import re

import numpy as np

from kmidi_lab.midi.names import plain

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


_DRUM_NAMES = re.compile(
    r"drum|perc(?!ol)|\bkit\b|batterie|schlagzeug|schlagwerk|bateria|batteria|trommel|ударн|барабан|ドラム|打楽器|爵士鼓|鼓|드럼"
)
_PITCHED_NAMES = re.compile(r"steel|kettle|timpani|pauken|tongue|hang ?drum|melodic|pitched")
_KIT = range(35, 60)
_MAPPED = range(27, 88)
_SECOND_CHANNEL = 10
"""General MIDI 2's second channel that may hold drums, counted from 0."""
_KICKS, _SNARES, _HATS = (35, 36), (38, 40), (42, 44, 46)


def are_drums(name: str, channel: int, program: int, pitches: np.ndarray, others: bool) -> bool:
    """Whether a part plays drums: on channel 10, named so, or a kit on channel 11 of a file without drums elsewhere.

    Args:
        name: of its track.
        channel: 0..15.
        program: 0..127; a part that was given an instrument is none by what it plays alone.
        pitches: of its notes.
        others: whether the file has notes on channel 10.
    """
    if channel == DRUM_CHANNEL:
        return True
    known = plain(name)
    if _DRUM_NAMES.search(known) and not _PITCHED_NAMES.search(known):
        return bool(np.isin(pitches, _MAPPED).all())
    return channel == _SECOND_CHANNEL and program == 0 and not others and is_kit(pitches)


def is_kit(pitches: np.ndarray) -> bool:
    """Whether notes are those of a drum kit: kick, snare and hat, and nothing that a kit has not."""
    return bool(np.isin(pitches, _KIT).all() and all(np.isin(pitches, some).any() for some in (_KICKS, _SNARES, _HATS)))
