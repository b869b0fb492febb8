"""McGill Billboard: `salami_chords.txt` of songs of the US charts, 1958 to 1991.

J. A. Burgoyne, J. Wild, I. Fujinaga, *An Expert Ground Truth Set for Audio Chord Recognition and Music Analysis*, ISMIR
2011. Layout: `billboard/McGill-Billboard/<number>/salami_chords.txt`; `# title:`, `# artist:`, `# metre:` and `#
tonic:` (the last two may change), then lines of a time, a tab, and bars of Harte symbols between `|`. In a bar `.`
holds the chord before it, and `(3/4)` is a metre of its own; `x2` behind the bars repeats the line; a bare `&pause`,
`*` and `N` hold no chord.
"""

from __future__ import annotations

import re
from pathlib import Path

from datamodules.harmony.reading import Placed, chart_song, read_files
from datamodules.shared.library import Reading
from datamodules.shared.texts import read_text
from kmidi_lab.chords.chord import Chord, ChordError, Key, Song, parse_pitch_class
from kmidi_lab.chords.harte import parse_harte

NAME = "billboard"
FILE = "salami_chords.txt"
_LICENCE = "CC0"
_HEADER = re.compile(r"^#\s*(\w+):\s*(.*)$")
_LINE = re.compile(r"^\d+(?:\.\d+)?(?:e-?\d+)?\t(.*)$")
_TIMES = re.compile(r"\bx(\d)\b")
_MOST_TIMES = 8
_SILENT = frozenset({"N", "*", "&pause", "X"})


def files(root: Path) -> list[Path]:
    return sorted((root / NAME).rglob(FILE))


def read(paths: list[Path]) -> Reading[Song]:
    """Every song; the mode, which a tonic leaves open, is estimated from all its chords."""
    return read_files(NAME, _LICENCE, "mode estimated from the chords of a song, whose tonic is stated", paths, _song)


def _song(path: Path, reading: Reading[Song]) -> Song | None:
    text = read_text(path, reading)
    if text is None:
        return None
    said: dict[str, str] = {}
    tonics: list[tuple[float, int]] = []
    placed: Placed = []
    at, last = 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name, value = header[1].lower(), header[2].strip()
            said.setdefault(name, value)
            if name == "tonic":
                try:
                    tonics.append((float(at), parse_pitch_class(value)))
                except ChordError as error:
                    reading.skip(path, f"line {number}", "unreadable tonic, the one before is kept", error)
        elif (timed := _LINE.match(line)) and "|" in timed[1]:
            before, _, behind = timed[1].rpartition("|")
            bars = before.partition("|")[2].split("|")
            times = _TIMES.search(behind)
            for _ in range(min(int(times[1]), _MOST_TIMES) if times else 1):
                for bar in bars:
                    last = _bar(bar.split(), at, last, placed, reading, path, number)
                    at += 1
    keys = [(start, [Key(tonic, 1), Key(tonic, -1)]) for start, tonic in tonics]
    title, artist = said.get("title") or path.parent.name, said.get("artist", "")
    if not placed:
        reading.skip(path, title, "no chords")
        return None
    return chart_song(f"{NAME}/{path.parent.name}", title, placed, keys, (artist,))


def _bar(
    symbols: list[str], at: int, last: Chord | None, placed: Placed, reading: Reading[Song], path: Path, line: int
) -> Chord | None:
    """Adds the chords of a bar; the chord that it ends on."""
    symbols = [s for s in symbols if not s.startswith("(")]
    for i, symbol in enumerate(symbols):
        try:
            last = last if symbol == "." else None if symbol in _SILENT else parse_harte(symbol)
        except ChordError as error:
            reading.skip(path, f"line {line}", "unreadable chord symbol", error)
            last = None
        if last is not None:
            placed.append((last, at + i / len(symbols), 1 / len(symbols)))
    return last
