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

from datamodules.melody.abc_fields import AbcError
from datamodules.melody.abc_notes import Reader, walk
from kmidi_lab.chords.chord import Key
from kmidi_lab.models.melody.features import HIGHEST, LOWEST, Melody

_MOST_SYMBOLS = 200_000
"""Characters of a tune; the longest real one has a twentieth of it."""


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


def read_tune(fields: dict[str, str], body: str, id: str, source: str, lines_are_phrases: bool = False) -> Melody:
    """One tune as a Melody. `lines_are_phrases`: a new line of the file starts a phrase, as in the Essen collection.

    Where the header names a tonic but no mode, the mode is that of the third that sounds longer. Raises AbcError.
    """
    if len(body) > _MOST_SYMBOLS:
        raise AbcError("tune too long")
    reader = Reader(fields)
    # A backslash joins lines; a `-` before a bar line still ties.
    walk(reader, re.sub(r"\\\s*\n", " ", body), lines_are_phrases)
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
