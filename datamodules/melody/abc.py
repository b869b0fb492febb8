"""A quick reader of melodies in ABC notation (the standard 2.1): one voice, no repeats played out.

Grace notes, chord symbols, decorations and lyrics are left out; of stacked notes the highest is kept. An accidental
holds to the bar line for its letter in all octaves, as the standard says. Sections (double bars, repeats) start phrases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

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
from kmidi_lab.chords.chord import Key
from kmidi_lab.models.melody.features import HIGHEST, LOWEST, Melody
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
_MOST_SYMBOLS = 200_000
"""Characters of a tune; the longest real one has a twentieth of it."""


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


@dataclass
class _Tune:
    fields: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)


def tunes(text: str) -> Iterator[tuple[dict[str, str], str]]:
    """(header fields, body) of every tune of a file; a field given twice keeps its first value."""
    current: _Tune | None = None
    for line in text.splitlines():
        line = line.split("%", 1)[0].rstrip()
        if re.match(r"X:", line):
            if current is not None and current.body:
                yield current.fields, "\n".join(current.body)
            current = _Tune()
        if current is None or not line:
            continue
        head = re.match(r"([A-Za-z]):(.*)", line)
        if head and "K" not in current.fields:
            current.fields.setdefault(head[1], head[2].strip())
        elif head and head[1] in "KMLV":
            current.body.append(f"[{head[1]}:{head[2].strip().replace(']', '')}]")
        elif not head:
            current.body.append(line)
    if current is not None and current.body:
        yield current.fields, "\n".join(current.body)


class _Reader:
    """Walks through the tokens of one body."""

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


def _walk(reader: _Reader, body: str, lines_are_phrases: bool) -> None:
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


def read_tune(fields: dict[str, str], body: str, id: str, source: str, lines_are_phrases: bool = False) -> Melody:
    """One tune as a Melody. `lines_are_phrases`: a new line of the file starts a phrase, as in the Essen collection.

    Where the header names a tonic but no mode, the mode is that of the third that sounds longer. Raises AbcError.
    """
    if len(body) > _MOST_SYMBOLS:
        raise AbcError("tune too long")
    reader = _Reader(fields)
    # A backslash joins lines; a `-` before a bar line still ties.
    _walk(reader, re.sub(r"\\\s*\n", " ", body), lines_are_phrases)
    sounding = [n for n in reader.notes if n.pitch is not None]
    if any(not LOWEST <= n.pitch <= HIGHEST for n in sounding):  # type: ignore[operator]
        raise AbcError("pitch outside octaves 1 to 8")
    rests = [i > 0 and reader.notes[i - 1].pitch is None for i, n in enumerate(reader.notes) if n.pitch is not None]
    places = [_place(reader.bars[n.bar], n.start) for n in sounding]
    pitch = np.array([n.pitch for n in sounding], np.uint8)
    duration = np.array([float(n.length) for n in sounding], np.float32)
    key = reader.key
    if not reader.mode_written and len(sounding):
        minor, major = (duration[(pitch - key.tonic) % 12 == third].sum() for third in (3, 4))
        key = Key(key.tonic, -1 if minor > major else 1)
    return Melody(
        id, source, fields.get("T", id), key, pitch, duration,
        np.array([p for p, _ in places], np.float32), np.array([b for _, b in places], np.float32),
        np.array(rests, bool), np.array([n.phrase for n in sounding], bool),
    )  # fmt: skip


def _place(bar: tuple[Fraction, bool, Fraction | None], start: Fraction) -> tuple[float, float]:
    """(position, length of the bar) of a note; an incomplete first bar of a section is an upbeat."""
    length, section, metre = bar
    whole = metre or max(length, Fraction(1))
    upbeat = whole - length if section and length < whole else Fraction(0)
    return float(min(start + upbeat, whole)), float(whole)
