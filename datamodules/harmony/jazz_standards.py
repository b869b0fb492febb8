"""JazzStandards.json: chord charts of about a thousand standards, unfolded as they are played.

Layout: a list of {Title, Composer, Key, Rhythm, TimeSignature, Sections: [{Label, Repeats, MainSegment:
{Chords}, Endings: [{Chords}]}]}; in `Chords` a `|` divides bars, a `,` divides a bar equally, an empty
place holds the chord before it, and brackets hold an alternative that is not played here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datamodules.harmony.reading import keep, read_json
from datamodules.shared.library import Reading
from kmidi_lab.chords.chord import Chord, ChordError, Event, Song, merge_repeats, parse_key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.key_finding import estimate_key

FILE = "jazz_standards/JazzStandards.json"
_LICENCE = "chord data of a public playlist, research use"
_ALTERNATIVE = re.compile(r"\([^()]*\)")
_MAX_REPEATS = 8
_MOST_PLACES = 20_000
"""Bars and parts of bars of a song as it is played; the longest standard has below a thousand."""


def files(root: Path) -> list[Path]:
    path = root / FILE
    return [path] if path.is_file() else []


def read(root: Path) -> Reading[Song]:
    """Every standard under `root`; songs without a key get an estimated one, counted in the note."""
    reading: Reading[Song] = Reading("jazz_standards", _LICENCE)
    path = root / FILE
    entries = read_json(path, reading)
    if entries is None:
        return reading
    if not isinstance(entries, list):
        reading.skip(path, "", "not a list of songs")
        return reading
    estimated = 0
    for number, entry in enumerate(entries):
        title = str(entry.get("Title", f"#{number}")) if isinstance(entry, dict) else f"#{number}"
        try:
            song, guessed = _song(entry, title, number, path, reading)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            reading.skip(path, title, "not in the published layout", repr(error))
            continue
        if song is not None:
            estimated += guessed
            keep(reading, song, path)
    reading.note = f"key estimated for {estimated} songs that state none"
    return reading


def _song(
    entry: dict[str, Any], title: str, number: int, path: Path, reading: Reading[Song]
) -> tuple[Song | None, bool]:
    placed: list[tuple[Chord, float, float]] = []
    at, current, places = 0.0, None, 0
    for bar in _bars(entry["Sections"]):
        beats = bar.split(",")
        places += len(beats)
        if places > _MOST_PLACES:
            reading.skip(path, title, f"more than {_MOST_PLACES} places for chords when played out")
            return None, False
        for beat in beats:
            symbol = _ALTERNATIVE.sub("", beat).strip()
            if symbol:
                try:
                    current = parse_jazz(symbol)
                except ChordError as error:
                    reading.skip(path, f"{title}, bar {int(at) + 1}", "unreadable chord symbol", error)
                    current = None
            if current is not None:
                placed.append((current, at, 1.0 / len(beats)))
            at += 1.0 / len(beats)
    if not placed:
        reading.skip(path, title, "no chords")
        return None, False
    stated = entry.get("Key")
    try:
        key = parse_key(stated) if stated else None
    except ChordError as error:
        reading.skip(path, title, "unreadable key, estimated instead", error)
        key = None
    key_used = key or estimate_key([c for c, _, _ in placed], [b for _, _, b in placed])
    events = merge_repeats(Event(c, key_used, start, bars) for c, start, bars in placed)
    tags = tuple(str(entry[k]) for k in ("Rhythm", "Composer") if entry.get(k))
    return Song(f"jazz_standards/{title}/{number}", "jazz_standards", title, events, tags=tags), key is None


def _bars(sections: list[dict[str, Any]]) -> Iterator[str]:
    for section in sections:
        main = section["MainSegment"]["Chords"].split("|")
        endings = [e["Chords"].split("|") for e in section.get("Endings", [])]
        times = min(int(section.get("Repeats", 0) or 0), _MAX_REPEATS) + 1
        for ending in endings or [[]] * times:
            yield from main
            yield from ending
