"""KmiDi's progression files: `chord_progressions_db`, `chord_progressions`, `chord_progression_families`, `common_progressions`.

They nest groups in groups; an entry is a named progression, or a bare list of numerals. It says its chords as one of:
`intervals` [[semitones, quality]…]; `bars` [{bar, chord: [semitones, quality]}…]; Roman numerals under `numerals`,
`roman` or `pattern` (a list, or a text divided by spaces and dashes); or scale degrees `["1", "b7"…]` with optional
`qualities`. Where numerals stand beside plain semitones (`intervals` or `degrees` as whole numbers), the semitones say
what the numerals leave open: which scale `VI` counts from, and that `V/vii`, seven semitones up, is a V over the
seventh degree. `variants` are progressions of their own. `feel` is a text of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datamodules.harmony.reading import Placed, keep, read_json
from datamodules.shared.library import Reading
from kmidi_lab.chords.asking import affect_of
from kmidi_lab.chords.chord import MODES, Chord, ChordError, Event, Key, Song, merge_repeats, parse_mode
from kmidi_lab.chords.harte import degree_semitones
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.roman import parse_roman

FIRST = "chord_progressions_db"
FILES = tuple(
    f"{name}.json" for name in (FIRST, "chord_progressions", "chord_progression_families", "common_progressions")
)
_QUALITIES = {
    "maj": "", "major": "", "min": "m", "minor": "m", "dom7": "7", "dom9": "9", "dom11": "11", "dom13": "13",
    "min7": "m7", "min9": "m9", "min11": "m11",
}  # fmt: skip
_MINOR_GROUPS = frozenset({"minor_key"})
_NUMERALS = ("numerals", "roman", "pattern")
_CHORDS = (*_NUMERALS, "intervals", "bars", "degrees")
_SCALES = {1: {0: "", 2: "m", 4: "m", 5: "", 7: "", 9: "m", 11: "dim"}, -1: {0: "m", 2: "dim", 5: "m", 7: "m"}}
_DEEPEST = 6
Entry = tuple[tuple[str, ...], str, dict[str, Any]]


def files(root: Path) -> list[Path]:
    """In `root/kmidi`, its `progressions` folder (as in KmiDi's `data/`), or `root` itself."""
    places = (root / "kmidi", *folders(root), root)
    return [p for folder in places for name in FILES if (p := folder / name).is_file()]


def folders(root: Path) -> list[Path]:
    """Those that hold nothing but progressions."""
    return [root / "kmidi" / "progressions", root / "progressions"]


def read(paths: list[Path]) -> Reading[Song]:
    """Every progression of these files; what is none is counted with its reason."""
    reading: Reading[Song] = Reading("kmidi", "MIT")
    for path in paths:
        document = read_json(path, reading)
        entries = list(_entries(document, (), reading, path))
        if document is not None and not entries:
            reading.skip(path, "", "no progressions in it")
        for groups, name, entry in entries:
            where = " / ".join((*groups, name))
            try:
                song = _song(path.stem, groups, name, entry)
            except (ChordError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
                reading.skip(path, where, "unreadable chords", error)
                continue
            if "chords" in entry:
                reading.skip(path, where, "a set of chords, not a progression")
            elif song is None:
                reading.skip(path, where, "no chords: a description only")
            else:
                keep(reading, song, path)
    return reading


def _entries(node: Any, groups: tuple[str, ...], reading: Reading[Song], path: Path) -> Iterator[Entry]:
    """All that may be a progression, with the groups it stands in; texts of a group are none."""
    if len(groups) > _DEEPEST:
        reading.skip(path, " / ".join(groups), f"more than {_DEEPEST} groups in each other")
        return
    pairs = node.items() if isinstance(node, dict) else enumerate(node, 1) if isinstance(node, list) else ()
    for key, value in pairs:
        if str(key).startswith("_") or (key == "metadata" and not groups):
            continue
        if isinstance(node, list) and isinstance(value, list):
            yield groups, f"{' '.join(groups[-2:-1])}: {' '.join(map(str, value))}"[:80], {"numerals": value}
        elif _is_group(value):
            yield from _entries(value, (*groups, str(key)), reading, path)
        elif isinstance(value, dict):
            name = str(value.get("name", key) if isinstance(node, list) else key)
            yield groups, name, value
            variants = value.get("variants")
            for variant, numerals in variants.items() if isinstance(variants, dict) else ():
                yield groups, f"{name} ({variant})", {"feel": value.get("feel", ""), "numerals": numerals}


def _is_group(value: Any) -> bool:
    """Whether it holds entries: a dict of dicts or of lists of them, or such a list."""
    if isinstance(value, dict) and not any(kind in value for kind in _CHORDS):
        return any(isinstance(v, dict) or (isinstance(v, list) and _is_group(v)) for v in value.values())
    return isinstance(value, list) and any(isinstance(v, dict | list) for v in value)


def _song(stem: str, groups: tuple[str, ...], name: str, entry: dict[str, Any]) -> Song | None:
    named = [m for m in (str(entry.get("mode", "")), *groups) if m.lower() in MODES and m]
    minor = parse_mode(named[0]) < 0 if named else bool(_MINOR_GROUPS & {*groups})
    placed = _placed(entry, Key(0, -1 if minor else 1))
    if not placed:
        return None
    tonics = [chord.quality in ("minor", "min7") for chord, _, _ in placed if chord.root == 0]
    key = Key(0, -1 if (minor and named) or (any(tonics) if tonics else minor) else 1)
    events = merge_repeats(Event(chord, key, start, bars) for chord, start, bars in placed)
    place = groups[:1] if stem == FIRST else (stem, *groups)
    feels = re.split(r"[,/;]", str(entry.get("feel", "")))
    return Song(f"kmidi/{'/'.join(place)}/{name}", "kmidi", name, events, affect_of(feels), True, groups)


def _placed(entry: dict[str, Any], key: Key) -> Placed:
    numerals = next((entry[kind] for kind in _NUMERALS if kind in entry), None)
    numbers = entry.get("intervals", entry.get("degrees"))
    if numerals is not None:
        symbols = re.split(r"[\s–-]+", numerals.strip()) if isinstance(numerals, str) else list(map(str, numerals))
        whole = isinstance(numbers, list) and all(type(n) is int for n in numbers)
        semitones: list[int | None] = numbers if whole else [None] * len(symbols)  # type: ignore[assignment]
        return [(_numeral(s, n, key), float(i), 1.0) for i, (s, n) in enumerate(zip(symbols, semitones, strict=True))]
    if "bars" in entry:
        starts = [float(b["bar"]) - 1 for b in entry["bars"]]
        lengths = [b - a for a, b in zip(starts, [*starts[1:], starts[-1] + 1], strict=True)]
        return [(_pair(*b["chord"]), s, n) for b, s, n in zip(entry["bars"], starts, lengths, strict=True)]
    if not isinstance(numbers, list):
        return []
    qualities = entry.get("qualities") or [None] * len(numbers)
    chords = [_degree(n, q, key) for n, q in zip(numbers, qualities, strict=True)]
    return [(chord, float(i), 1.0) for i, chord in enumerate(chords)]


def _numeral(symbol: str, semitones: int | None, key: Key) -> Chord:
    """The numeral as its root is given in semitones above the tonic, where it is; accidentals count from the major scale."""
    chord = parse_roman(symbol, key)
    if semitones is None or chord.root == semitones % 12:
        return chord
    natural = parse_roman(symbol, Key(0, -1), "chart")
    if natural.root == semitones % 12:
        return natural
    head, slash, target = symbol.partition("/")
    over = parse_roman(head, key)
    if not slash or over.root != semitones % 12:
        raise ChordError(f"numeral {symbol!r} and the {semitones} semitones beside it name different roots")
    bass = parse_roman(target, key).root
    return Chord(over.root, over.quality, bass, over.tones | {bass})


def _pair(semitones: Any, quality: Any) -> Chord:
    return parse_jazz("C" + _QUALITIES.get(str(quality), str(quality))).transposed(int(semitones))


def _degree(number: Any, quality: str | None, key: Key) -> Chord:
    """A pair of semitones and quality, or a degree: semitones where it is a number, else a text such as `b7`."""
    if isinstance(number, list):
        return _pair(*number)
    semitones = number if isinstance(number, int) else degree_semitones(str(number))
    return _pair(semitones, _SCALES[key.mode].get(semitones % 12, "") if quality is None else quality)
