"""What is written in figures and names in ABC notation: keys, metres, and lengths of notes."""

from __future__ import annotations

import re
from fractions import Fraction

from kmidi_lab.chords.chord import Key

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHARPS, _FLATS = "FCGDAEB", "BEADGCF"
_MODE_SHIFT = {"maj": 0, "ion": 0, "lyd": 1, "mix": -1, "dor": -2, "min": -3, "m": -3, "aeo": -3, "phr": -4, "loc": -5}
_MAJOR_SHARPS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}
ACCIDENTALS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
MOST_DIGITS = 6
"""Digits of a number in a tune."""


class AbcError(ValueError):
    """A tune that cannot be read; the message is short and countable."""


def key_of(text: str) -> tuple[Key, dict[str, int], bool]:
    """(key, accidentals by letter, whether the mode is written) of a K: field. Raises AbcError."""
    words = text.split()
    if words and words[0] in ("HP", "Hp"):
        return Key(9, 1), {"F": 1, "C": 1}, True
    if not words or words[0].lower() in ("none", "clef=treble"):
        return Key(0, 0), {}, False
    m = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not m:
        raise AbcError("key not readable")
    tonic, accidental, mode = m[1], m[2], m[3].lower()
    name = "m" if mode in ("m", "min", "minor") else mode[:3]
    written = name in _MODE_SHIFT
    sharps = _MAJOR_SHARPS[tonic] + {"#": 7, "b": -7, "": 0}[accidental] + _MODE_SHIFT.get(name, 0)
    signature = dict.fromkeys(_SHARPS[: max(sharps, 0)], 1) | dict.fromkeys(_FLATS[: max(-sharps, 0)], -1)
    for sign, letter in re.findall(r"(?:^|\s)(\^|_|=)([A-Ga-g])", text):
        signature[letter.upper()] = ACCIDENTALS[sign]
    third_is_minor = _MODE_SHIFT.get(name, 0) <= -2
    pitch = (STEPS[tonic] + {"#": 1, "b": -1, "": 0}[accidental]) % 12
    return Key(pitch, -1 if third_is_minor else 1), signature, written


def fraction(text: str) -> Fraction | None:
    """Of `3/4`; None for what is none. Raises AbcError."""
    m = re.match(r"(\d+)/(\d+)", text)
    return Fraction(_number(m[1]), _number(m[2])) if m and _number(m[1]) and _number(m[2]) else None


def _number(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise AbcError("number too long")
    return int(text)


def length_of(text: str) -> Fraction:
    """In units of a tune, of what stands behind a note: `3`, `/`, `3/2`, or nothing. Raises AbcError."""
    if not text:
        return Fraction(1)
    number, slashes, below = re.match(r"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    if len(slashes) > MOST_DIGITS:
        raise AbcError("note of no length")
    under = _number(below) if below else 2 ** len(slashes)
    if under == 0:
        raise AbcError("note of no length")
    return Fraction(_number(number) if number else 1, under)


def metre_of(text: str) -> Fraction | None:
    """Length of a bar in quarters, of an M: field; None for a free metre. Raises AbcError."""
    plain = {"C": Fraction(4), "C|": Fraction(4)}
    if text in plain:
        return plain[text]
    part = fraction(text.replace(" ", ""))
    return part * 4 if part else None
