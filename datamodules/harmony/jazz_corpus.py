"""The Jazz Chord Progressions Corpus (M. Carey-Bunks): about 1,900 charts as text, one a file.

Layout: `jazz_corpus/<letters>/<name>.txt` with `Title = …`, `ComposedBy = …`, `DBKeySig = …` (the major key of its key
signature), `TimeSig = 4 4`, `Bars = …`, then lines of bars between `|`. Symbols divide their bar equally.
"""

from __future__ import annotations

import re
from pathlib import Path

from datamodules.harmony.reading import Placed, chart_song, read_files
from datamodules.shared.library import Reading
from datamodules.shared.texts import read_text
from kmidi_lab.chords.chord import Chord, ChordError, Key, Song, parse_pitch_class
from kmidi_lab.chords.jazz import parse_jazz

NAME = "jazz_corpus"
_LICENCE = "none stated, research use"
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*(.*)$")
_NO_CHORD = frozenset({"NC", "N.C."})
_MOST_BARS = 5_000


def files(root: Path) -> list[Path]:
    return sorted((root / NAME).rglob("*.txt"))


def read(paths: list[Path]) -> Reading[Song]:
    """Every chart; the mode, which the signature leaves open, is estimated between the two keys that share it."""
    return read_files(NAME, _LICENCE, "key: of its signature, major or minor by its chords", paths, _song)


def _song(path: Path, reading: Reading[Song]) -> Song | None:
    text = read_text(path, reading)
    if text is None:
        return None
    fields: dict[str, str] = {}
    bars: list[list[str]] = []
    for line in text.splitlines():
        if match := _FIELD.match(line):
            fields[match[1].lower()] = match[2].strip()
        elif "|" in line:
            bars += [bar.split() for bar in line.strip().removesuffix("|").split("|")]
    title = fields.get("title") or path.stem
    if not 0 < len(bars) <= _MOST_BARS:
        reading.skip(path, title, f"no bars, or more than {_MOST_BARS}")
        return None
    placed: Placed = []
    last: Chord | None = None
    for number, bar in enumerate(bars):
        for i, symbol in enumerate(bar):
            try:
                last = None if symbol in _NO_CHORD else parse_jazz(symbol)
            except ChordError as error:
                reading.skip(path, f"{title}, bar {number + 1}", "unreadable chord symbol", error)
                last = None
            if last is not None:
                placed.append((last, number + i / len(bar), 1 / len(bar)))
        if not bar and last is not None:
            placed.append((last, float(number), 1.0))
    if not placed:
        reading.skip(path, title, "no chords")
        return None
    keys = [(0.0, _keys(fields.get("dbkeysig", "")))]
    return chart_song(f"{NAME}/{path.parent.name}/{path.stem}", title, placed, keys, (fields.get("composedby", ""),))


def _keys(signature: str) -> list[Key]:
    """The major and the minor key of a signature; none where it says none."""
    try:
        tonic = parse_pitch_class(signature)
    except ChordError:
        return []
    return [Key(tonic, 1), Key((tonic + 9) % 12, -1)]
