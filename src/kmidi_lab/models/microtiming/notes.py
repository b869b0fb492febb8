"""Written notes as the model sees them: their place in bars, and the role that each has.

Drum notes of General MIDI and Roland's kits become nine voices, as in Gillick et al., *Learning to groove with inverse
sequence transformations* (ICML 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROLES = ("lead", "bass", "comp", "kick", "snare", "hat", "cymbal", "other")
_VOICES = {
    36: (35, 36),
    38: (37, 38, 39, 40),
    42: (22, 42, 44),
    46: (26, 46),
    43: (41, 43, 58),
    47: (45, 47),
    50: (48, 50),
    49: (49, 52, 55, 57),
    51: (51, 53, 59),
}
"""The nine voices, each by one note, and the notes that belong to them: kick, snare, hats, toms, crash, ride."""
_ROLE_OF_VOICE = {36: "kick", 38: "snare", 42: "hat", 46: "hat", 49: "cymbal", 51: "cymbal"}
_VOICE = np.arange(128)
for _voice, _notes in _VOICES.items():
    _VOICE[list(_notes)] = _voice
_DRUM_ROLE = np.array([ROLES.index(_ROLE_OF_VOICE.get(int(v), "other")) for v in _VOICE], np.int64)
MIDDLE_C = 60
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class WrittenNotes:
    """Notes by onset, then pitch: arrays `[N]`.

    `onset` in quarter notes; `duration` in quarter notes, 0 for drums; `pitch` 0..127, for drums one of the nine voices
    where the note belongs to one; `role` index into ROLES; `line` what inter-onset intervals are counted within; `bar`
    place counted in bars, `bar_quarters` the bar's length; `bpm` quarter notes a minute; `dynamic` as a velocity / 127,
    0 unknown.
    """

    onset: Floats
    duration: Floats
    pitch: Ints
    role: Ints
    line: Ints
    bar: Floats
    bar_quarters: Floats
    bpm: Floats
    dynamic: Floats

    def __len__(self) -> int:
        return len(self.onset)


def drum_voices(pitch: np.ndarray) -> tuple[Ints, Ints]:
    """(one note for each of the nine voices, index into ROLES) of drum notes `[N]`; others keep their note."""
    return _VOICE[pitch], _DRUM_ROLE[pitch]


def keyboard_roles(onset: np.ndarray, pitch: np.ndarray) -> Ints:
    """Roles `[N]` of one player's notes, sorted by onset and pitch: the highest of an onset leads, the lowest is the bass.

    A bass lies below middle C, a lead above; all else accompanies.
    """
    first = np.append(True, onset[1:] != onset[:-1]) if len(onset) else np.zeros(0, bool)
    last = np.append(first[1:], True) if len(onset) else first
    role = np.full(len(onset), ROLES.index("comp"), np.int64)
    role[first & (pitch < MIDDLE_C)] = ROLES.index("bass")
    role[last & (pitch >= MIDDLE_C)] = ROLES.index("lead")
    return role
