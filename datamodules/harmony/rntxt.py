"""RomanText analyses (`.rntxt`), as the music21 corpus ships them: 68 pieces with Roman numerals.

D. Tymoczko, M. Gotham, M. S. Cuthbert, C. Ariza, *The RomanText Format*, ISMIR 2019. Only the main reading is
taken: `var` lines are left out, `m5-8 = m1-4` copies measures.
"""

from __future__ import annotations

import re
from pathlib import Path

from datamodules.shared.library import Reading
from datamodules.shared.texts import read_text
from kmidi_lab.chords.chord import Chord, ChordError, Event, Key, Song, merge_repeats, parse_pitch_class
from kmidi_lab.chords.roman import parse_roman

LICENCE = "per piece, in the music21 corpus"
_MEASURE = re.compile(r"^m(\d+)([a-z]?)(?:-(\d+))?\s+(.*)$")
_COPY = re.compile(r"^m(\d+)(?:-(\d+))?\s*=\s*m(\d+)(?:-(\d+))?")
_BEAT = re.compile(r"^b(\d+(?:\.\d+)?)$")
_KEY = re.compile(r"^;?([A-Ga-g][#b-]*):$")
_SIGNATURE = re.compile(r"^(?:Time Signature)\s*:\s*(?:\w+\s+)?(\d+)/(\d+)")
_IGNORED = ("||", "||:", ":||", "phrase", "|:", ":|")
_NOT_NUMERAL = ("(", ")", "*", "?", "[")
_MAX_MEASURE = 5_000
Measure = list[tuple[float, Chord, Key]]


def read_piece(path: Path, reading: Reading[Song]) -> Song | None:
    """One analysis; unreadable numerals are reported line by line and left out."""
    text = read_text(path, reading)
    if text is None:
        return None
    measures: dict[int, Measure] = {}
    key, beats, title = Key(0, 1), 4.0, path.stem
    tags: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        signature = _SIGNATURE.match(line)
        if signature:
            beats = _beats(int(signature[1]), int(signature[2]))
        elif line.startswith(("Title:", "Piece:")):
            title = line.split(":", 1)[1].strip() or title
        elif line.startswith("BWV:"):
            tags = (f"bwv {line.split(':', 1)[1].strip()}",)
        elif copy := _COPY.match(line):
            _copy(copy, measures)
        elif (measure := _MEASURE.match(line)) and "var" not in line[:24]:
            if int(measure[1]) > _MAX_MEASURE:
                reading.skip(path, f"line {number}", "absurd measure number", measure[1])
                continue
            events, key = _measure(measure[4], key, beats, path, number, reading)
            if not measure[2] or int(measure[1]) not in measures:
                measures[int(measure[1])] = events
    ordered = [(n + at, chord, k) for n in sorted(measures) for at, chord, k in measures[n]]
    if not ordered:
        reading.skip(path, title, "no readable numerals")
        return None
    origin = min(n for n in measures if n > 0) if any(n > 0 for n in measures) else 0
    ends = [start for start, _, _ in ordered[1:]] + [max(measures) + 1.0]
    events_out = merge_repeats(
        Event(c, k, start - origin, max(end - start, 0.0)) for (start, c, k), end in zip(ordered, ends, strict=True)
    )
    return Song(f"music21/{path.parent.name}/{path.stem}", "rntxt", title, events_out, tags=tags)


def _beats(numerator: int, denominator: int) -> float:
    # RomanText counts dotted beats in compound metres.
    return max(1.0, numerator / 3 if denominator >= 8 and numerator % 3 == 0 and numerator > 3 else numerator)


def _copy(match: re.Match[str], measures: dict[int, Measure]) -> None:
    first, last, source = int(match[1]), int(match[2] or match[1]), int(match[3])
    for offset in range(min(last - first, _MAX_MEASURE) + 1):
        if source + offset in measures:
            measures[first + offset] = list(measures[source + offset])


def _measure(body: str, key: Key, beats: float, path: Path, number: int, reading: Reading[Song]) -> tuple[Measure, Key]:
    events: Measure = []
    at = 0.0
    for token in body.split():
        if beat := _BEAT.match(token):
            at = min(max((float(beat[1]) - 1) / beats, 0.0), 1.0)
        elif new_key := _KEY.match(token):
            name = new_key[1].replace("-", "b")
            key = Key(parse_pitch_class(name), -1 if name[0].islower() else 1)
        elif token not in _IGNORED and not token.startswith(_NOT_NUMERAL):
            try:
                events.append((at, parse_roman(token, key, "classical"), key))
            except ChordError as error:
                reading.skip(path, f"line {number}", "unreadable Roman numeral", error)
    return events, key
