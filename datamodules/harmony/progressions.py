"""Progression databases: our own embedded one (Roman numerals, YAML) and KmiDi's JSON formats.

KmiDi's files hold named progressions in genre groups, each as one of: `intervals` [[semitones, quality]…],
`bars` [{bar, chord: [semitones, quality]}…], `degrees` ["1", "b7"…] with optional `qualities`, or
`numerals` ["I", "V7"…] (a list, or a string divided by spaces or dashes). `feel` is a string of words.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from datamodules.harmony.reading import keep, read_text
from datamodules.shared.library import Reading
from kmidi_lab.chords.affect import affect_of
from kmidi_lab.chords.chord import Chord, ChordError, Key, parse_mode
from kmidi_lab.chords.harte import degree_semitones
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.roman import parse_roman
from kmidi_lab.chords.song import Event, Song, merge_repeats

PATH = Path(__file__).with_name("progressions.yaml")
KMIDI_FILES = ("chord_progressions_db.json", "chord_progressions.json", "common_progressions.json")
_KMIDI_QUALITY = {"maj": "", "major": "", "min": "m", "minor": "m", "dom7": "7", "dom9": "9", "dom11": "11", "dom13": "13",
                  "min7": "m7", "min9": "m9", "min11": "m11", "maj7": "maj7", "maj9": "maj9", "maj13": "maj13"}  # fmt: skip
_MINOR_GROUPS = frozenset({"minor_key"})
Placed = list[tuple[Chord, float, float]]


def read_embedded() -> Reading[Song]:
    """The database that comes with the lab."""
    reading: Reading[Song] = Reading("embedded", "MIT")
    for number, entry in enumerate(yaml.safe_load(PATH.read_text(encoding="utf-8"))["progressions"]):
        where = f"{entry['name']} (#{number})"
        try:
            key = Key(0, parse_mode(entry["mode"]))
            placed = parse_bars(entry["chords"], key)
        except ChordError as error:
            reading.skip("progressions.yaml", where, "unreadable chord symbol", error)
            continue
        tags = (entry["genre"], *entry["feel"])
        keep(
            reading,
            _song(
                f"embedded/{number}",
                "embedded",
                entry["name"],
                placed,
                key,
                entry["feel"],
                bool(entry.get("loop")),
                tags,
            ),
            "progressions.yaml",
        )
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


def kmidi_files(root: Path) -> list[Path]:
    return [p for folder in (root / "kmidi", root) for name in KMIDI_FILES if (p := folder / name).is_file()]


def read_kmidi(paths: list[Path]) -> Reading[Song]:
    """KmiDi's progression files, every sibling format."""
    reading: Reading[Song] = Reading("kmidi", "MIT")
    for path in paths:
        text = read_text(path, reading)
        if text is None:
            continue
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            reading.skip(path, "", "not JSON", error)
            continue
        for group, entries in document.items() if isinstance(document, dict) else []:
            if group.startswith("_"):
                continue
            for name, entry in _named(entries):
                _add_kmidi(path, group, name, entry, reading)
    return reading


def _named(entries: Any) -> list[tuple[str, Any]]:
    if isinstance(entries, dict):
        return list(entries.items())
    return (
        [(str(e.get("name", i)) if isinstance(e, dict) else str(i), e) for i, e in enumerate(entries)]
        if isinstance(entries, list)
        else []
    )


def _add_kmidi(path: Path, group: str, name: str, entry: Any, reading: Reading[Song]) -> None:
    where = f"{group} / {name}"
    try:
        placed = _kmidi_chords(entry, group)
    except (ChordError, KeyError, TypeError, ValueError, IndexError) as error:
        reading.skip(path, where, "unreadable chords", error)
        return
    if not placed:
        reading.skip(path, where, "no chords: a description only")
        return
    feels = re.split(r"[,/;]", str(entry.get("feel", "")))
    key = Key(0, _mode(group, placed))
    keep(reading, _song(f"kmidi/{group}/{name}", "kmidi", name, placed, key, feels, True, (group,)), path)


def _mode(group: str, placed: Placed) -> int:
    tonics = [c.quality in ("minor", "min7") for c, _, _ in placed if c.root == 0]
    return -1 if (any(tonics) if tonics else group in _MINOR_GROUPS) else 1


def _kmidi_chords(entry: Any, group: str) -> Placed:
    if not isinstance(entry, dict):
        return []
    if "intervals" in entry:
        return [(_interval_chord(pair), float(i), 1.0) for i, pair in enumerate(entry["intervals"])]
    if "bars" in entry:
        starts = [float(b["bar"]) - 1 for b in entry["bars"]]
        lengths = [b - a for a, b in zip(starts, [*starts[1:], starts[-1] + 1], strict=True)]
        return [(_interval_chord(b["chord"]), s, n) for b, s, n in zip(entry["bars"], starts, lengths, strict=True)]
    key = Key(0, -1 if group in _MINOR_GROUPS else 1)
    if "degrees" in entry:
        qualities = entry.get("qualities") or [None] * len(entry["degrees"])
        pairs = zip(entry["degrees"], qualities, strict=True)
        return [(_degree_chord(str(d), q, key), float(i), 1.0) for i, (d, q) in enumerate(pairs)]
    if "numerals" in entry:
        numerals = entry["numerals"]
        symbols = re.split(r"[\s–-]+", numerals) if isinstance(numerals, str) else numerals
        return [(parse_roman(str(n), key), float(i), 1.0) for i, n in enumerate(symbols)]
    return []


def _interval_chord(pair: list[Any]) -> Chord:
    semitones, quality = int(pair[0]), str(pair[1])
    return parse_jazz("C" + _KMIDI_QUALITY.get(quality, quality)).transposed(semitones)


def _degree_chord(degree: str, quality: str | None, key: Key) -> Chord:
    semitones = degree_semitones(degree)
    if quality is None:
        scale = (
            {0: "", 2: "m", 4: "m", 5: "", 7: "", 9: "m", 11: "dim"}
            if key.mode > 0
            else {0: "m", 2: "dim", 5: "m", 7: "m"}
        )
        return parse_jazz("C" + scale.get(semitones, "")).transposed(semitones)
    return _interval_chord([semitones, quality])


def _song(
    song_id: str, source: str, name: str, placed: Placed, key: Key, feels: list[str], loop: bool, tags: tuple[str, ...]
) -> Song:
    events = merge_repeats(Event(chord, key, start, bars) for chord, start, bars in placed)
    return Song(song_id, source, name, events, affect_of(feels), loop, tags)
