"""Our own progression database: Roman numerals in bars, by genre and feel (`progressions.yaml`)."""

from __future__ import annotations

from pathlib import Path

from datamodules.harmony.reading import Placed, keep
from datamodules.shared.library import Reading
from kmidi_lab.chords.asking import affect_of
from kmidi_lab.chords.chord import ChordError, Event, Key, Song, merge_repeats, parse_mode
from kmidi_lab.chords.roman import parse_roman
from kmidi_lab.own_yaml import own_yaml

PATH = Path(__file__).with_name("progressions.yaml")


def read_embedded() -> Reading[Song]:
    """The database that comes with the lab."""
    reading: Reading[Song] = Reading("embedded", "MIT")
    for number, entry in enumerate(own_yaml(PATH)["progressions"]):
        where = f"{entry['name']} (#{number})"
        try:
            key = Key(0, parse_mode(entry["mode"]))
            placed = parse_bars(entry["chords"], key)
        except ChordError as error:
            reading.skip("progressions.yaml", where, "unreadable chord symbol", error)
            continue
        events = merge_repeats(Event(chord, key, start, bars) for chord, start, bars in placed)
        feels, tags = entry["feel"], (entry["genre"], *entry["feel"])
        loop = bool(entry.get("loop"))
        song = Song(f"embedded/{number}", "embedded", entry["name"], events, affect_of(feels), loop, tags)
        keep(reading, song, "progressions.yaml")
    return reading


def parse_bars(text: str, key: Key) -> Placed:
    """Roman numerals, one a bar, or bars divided by `|`; `%` repeats the bar before. Raises ChordError."""
    bars = [b.split() for b in text.strip().strip("|").split("|")] if "|" in text else [[n] for n in text.split()]
    placed: Placed = []
    last: list[str] = []
    for at, bar in enumerate(bars):
        symbols = last if bar == ["%"] else bar
        if not symbols:
            raise ChordError(f"progression {text!r} has an empty bar; write % to repeat the bar before")
        for i, numeral in enumerate(symbols):
            placed.append((parse_roman(numeral, key), at + i / len(symbols), 1 / len(symbols)))
        last = symbols
    return placed
