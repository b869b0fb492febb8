"""The notes of a tune's body in ABC notation, token by token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from datamodules.melody.abc_fields import (
    ACCIDENTALS,
    MOST_DIGITS,
    STEPS,
    AbcError,
    fraction,
    key_of,
    length_of,
    metre_of,
)
from kmidi_lab.models.melody.finding import MAX_NOTES

_TOKEN = re.compile(
    r"""(?P<inline>\[(?P<field>[A-Za-z]):(?P<value>[^\]\n]{0,200})\])
    | (?P<skip>"[^"\n]{0,400}" | ![^!\n]{0,80}! | \{[^}\n]{0,400}\} | `)
    | \[(?P<stack>(?:[\^_=]{0,2}[A-Ga-gz][,']{0,6}[\d/]{0,12}-?){1,40})\](?P<stack_length>[\d/]*)
    | \((?P<tuplet>\d)(?::(?P<into>\d?)(?::(?P<over>\d?))?)?
    | (?P<accidental>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>\d*/*\d*)
    | (?P<rest>[zxZ])(?P<rest_length>\d*/*\d*)
    | (?P<bar>:*\|[\]|:]*:*|::+|\[\|)
    | (?P<broken>>+|<+)
    | (?P<tie>-)
    | (?P<overlay>&[^|\n]*)
    | (?P<line>\n)""",
    re.VERBOSE,
)
_MEMBER = re.compile(r"(\^\^|\^|__|_|=)?([A-Ga-gz])([,']*)([\d/]*)")
_TUPLET_INTO = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}


@dataclass
class _Note:
    """`bar` and `start` place the onset; `last` is the length of the last of the tied parts."""

    pitch: int | None
    length: Fraction
    bar: int
    start: Fraction
    phrase: bool
    last: Fraction
    tied: bool = False


class Reader:
    """What is read of one body so far: `notes`, and of each of `bars` its length, whether a section starts, and its metre."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.key, self.signature, self.mode_written = key_of(fields.get("K", ""))
        self.metre = metre_of(fields.get("M", "C"))
        unit = fraction(fields.get("L", ""))
        self.unit = (unit or Fraction(1, 16 if self.metre is not None and self.metre < 3 else 8)) * 4
        self.notes: list[_Note] = []
        self.bars: list[tuple[Fraction, bool, Fraction | None]] = []
        self._open_bar(True)
        self.broken = Fraction(1)
        self.tuplet, self.left = Fraction(1), 0
        self.phrase = True
        self.voice: str | None = None
        self.muted = False

    def _open_bar(self, section: bool) -> None:
        self.at, self.section = Fraction(0), section
        self.accidentals: dict[str, int] = {}

    def close_bar(self, section: bool) -> None:
        if self.at > 0:
            self.bars.append((self.at, self.section, self.metre))
            self._open_bar(section)
        else:
            self.section |= section
        self.phrase |= section

    def set(self, name: str, value: str) -> None:
        value = value.strip()
        if name == "K":
            _, self.signature, _ = key_of(value)
        elif name == "M":
            self.metre = metre_of(value)
        elif name == "L":
            self.unit = (fraction(value) or self.unit / 4) * 4
        elif name == "V":
            first = value.split()[0] if value else ""
            self.voice = self.voice or first
            self.muted = first != self.voice

    def pitch(self, sign: str | None, letter: str, marks: str) -> int:
        octave = (5 if letter.islower() else 4) + marks.count("'") - marks.count(",")
        name = letter.upper()
        if sign:
            self.accidentals[name] = ACCIDENTALS[sign]
        shift = self.accidentals.get(name, self.signature.get(name, 0))
        return 12 * (octave + 1) + STEPS[name] + shift

    def add(self, pitch: int | None, length: Fraction) -> None:
        length = length * self.unit * self.broken
        self.broken = Fraction(1)
        if self.left:
            length *= self.tuplet
            self.left -= 1
        if length > 64:
            raise AbcError("note longer than sixteen bars")
        if len(self.notes) > 2 * MAX_NOTES:  # rests among them
            raise AbcError(f"more than {MAX_NOTES} notes")
        last = self.notes[-1] if self.notes else None
        if last is not None and last.tied and pitch is not None and last.pitch == pitch:
            last.length, last.last = last.length + length, length
            if last.length > 64:
                raise AbcError("note longer than sixteen bars")
            last.tied = False
        else:
            self.notes.append(_Note(pitch, length, len(self.bars), self.at, self.phrase and pitch is not None, length))
            self.phrase &= pitch is None
        self.at += length

    def lengthen(self, marks: str) -> None:
        """`a>b`: the first note takes from the second."""
        if not self.notes:
            return
        if len(marks) > MOST_DIGITS:
            raise AbcError("note of no length")
        less = Fraction(1, 2 ** len(marks))
        first, self.broken = (2 - less, less) if marks[0] == ">" else (less, 2 - less)
        note = self.notes[-1]
        change = note.last * (first - 1)
        self.at += change
        note.length, note.last = note.length + change, note.last + change


def walk(reader: Reader, body: str, lines_are_phrases: bool) -> None:
    """Reads the tokens of a body, one by one. Raises AbcError."""
    for m in _TOKEN.finditer(body):
        kind = m.lastgroup
        if m["inline"]:
            reader.set(m["field"], m["value"])
        elif reader.muted or m["skip"] or m["overlay"]:
            continue
        elif m["letter"]:
            reader.add(reader.pitch(m["accidental"], m["letter"], m["octave"]), length_of(m["length"]))
        elif m["stack"]:
            parts = [p for p in _MEMBER.findall(m["stack"]) if p[1] != "z"]
            pitches = [reader.pitch(sign or None, letter, marks) for sign, letter, marks, _ in parts]
            if pitches:
                inner = length_of(parts[0][3])
                reader.add(max(pitches), inner * length_of(m["stack_length"]))
        elif m["rest"]:
            times = length_of(m["rest_length"])
            if m["rest"] == "Z":
                times *= (reader.metre or Fraction(4)) / reader.unit
            reader.add(None, times)
        elif m["tuplet"]:
            p = int(m["tuplet"])
            into = int(m["into"]) if m["into"] else _TUPLET_INTO.get(p, 2)
            if p:
                reader.tuplet, reader.left = Fraction(into, p), int(m["over"]) if m["over"] else p
        elif m["bar"]:
            reader.close_bar(":" in m["bar"] or "||" in m["bar"] or "]" in m["bar"])
        elif m["broken"]:
            reader.lengthen(m["broken"])
        elif kind == "tie" and reader.notes:
            reader.notes[-1].tied = True
        elif kind == "line" and lines_are_phrases:
            reader.phrase = True
    reader.close_bar(True)
