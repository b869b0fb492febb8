"""Forms by rule: a stand-in for annotated songs, so that the lab runs without data. No result on it says anything of music.

Common forms of popular music (J. Covach, *Form in Rock Music*, 2005; W. Everett, *The Foundations of Rock*, 2009):
verse and chorus with or without pre-chorus and bridge, AABA, simple verse, and build-up and drop of dance music.
Chances and lengths are ours.
"""

from __future__ import annotations

import numpy as np

from datamodules.shared.library import Reading
from kmidi_lab.models.structure.form import TYPES, Form, Section

NAME = "form_rules"
VERSION = "1"
"""Raised when the rules change: part of the data's version."""
SONGS = 400
_LICENCE = "made here by rule"
_FORMS = (
    "I V C V C B C O",
    "I V P C V P C B C C O",
    "I V V C V C S C O",
    "V C V C B C",
    "I V V B V S B V O",
    "I V S V S V O",
    "I U D K U D O",
    "I V P C V P C S P C O",
)
_LETTERS = {
    "I": "intro", "V": "verse", "P": "pre-chorus", "C": "chorus", "B": "bridge", "S": "solo", "K": "breakdown",
    "U": "build-up", "D": "drop", "O": "outro",
}  # fmt: skip
_BARS = {"I": (4, 8), "P": (4, 8), "O": (4, 8, 4), "K": (8, 16), "U": (8, 16), "D": (16, 16, 32)}
_USUAL = (8, 8, 16)
_OPTIONAL, _DROPPED, _DOUBLED = "IPSBO", 0.15, 0.12
_SLOWEST, _FASTEST = 70, 140


def read() -> Reading[Form]:
    """The same songs whenever it is read."""
    reading: Reading[Form] = Reading(NAME, _LICENCE, note="made by rule, no music behind it")
    reading.items = [_form(number) for number in range(SONGS)]
    return reading


def _form(number: int) -> Form:
    rng = np.random.default_rng([number, 20])
    tempo = int(rng.integers(_SLOWEST, _FASTEST))
    length = {letter: int(rng.choice(_BARS.get(letter, _USUAL))) for letter in _LETTERS}
    sections: list[Section] = []
    for letter in _FORMS[int(rng.integers(len(_FORMS)))].split():
        if letter in _OPTIONAL and rng.random() < _DROPPED:
            continue
        section = Section(TYPES.index(_LETTERS[letter]), length[letter] * 4 * 60 / tempo, length[letter])
        sections += [section] * (2 if letter in "VC" and rng.random() < _DOUBLED else 1)
    return Form(f"{NAME}/{number:03}", NAME, "", "", tuple(sections), 4.0)
