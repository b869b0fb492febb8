"""iReal Pro's exported playlists: text or web pages with `irealb://` links, each of many songs.

The protocol is published by iReal Pro ("irealb format"). A link holds songs divided by `===`, a song is
Title=Composer==Style=Key==Music=Style=Tempo=Repeats, and its music is mixed in blocks of fifty characters. A row has
sixteen cells: a chord or a space is one. `ireal_chart` says what is played of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from datamodules.harmony.ireal_chart import TooLongError, bars_of, played
from datamodules.harmony.reading import Placed, chart_song, keep
from datamodules.shared.library import Reading
from datamodules.shared.texts import read_text
from kmidi_lab.chords.chord import Chord, ChordError, Song, parse_key
from kmidi_lab.chords.jazz import parse_jazz

NAME = "ireal"
_LICENCE = "charts made by users, research use"
_LINK = re.compile(r"irealb://([^\s\"'<>]+)")
_PREFIX = "1r34LbKcu7"
_BLOCK = 50
_SWAPPED = (*range(5), *range(10, 24))
_SHORT = (("XyQ", "   "), ("Kcl", "| x"), ("LZ", " |"))
_HOLD, _NONE = ("W", "p"), "n"


def files(root: Path) -> list[Path]:
    return sorted(p for p in (root / NAME).rglob("*") if p.suffix.lower() in (".txt", ".html", ".htm"))


def read(paths: list[Path]) -> Reading[Song]:
    """Every song of every link, as it is played."""
    reading: Reading[Song] = Reading(NAME, _LICENCE)
    for path in paths:
        text = read_text(path, reading)
        links = _LINK.findall(text or "")
        if text is not None and not links:
            reading.skip(path, "", "no irealb:// link in it")
        for link in links:
            songs = [part for part in unquote(link).split("===") if part.count("=") > 4]
            for number, song in enumerate(songs):
                _read_song(path, number, song, reading)
    return reading


def _read_song(path: Path, number: int, text: str, reading: Reading[Song]) -> None:
    fields = text.split("=")
    music = next((field for field in fields if field.startswith(_PREFIX)), None)
    title = fields[0].strip() or f"#{number}"
    if music is None:
        reading.skip(path, title, "no music in it")
        return
    try:
        bars = played(bars_of(unmixed(music.removeprefix(_PREFIX))))
    except TooLongError as error:
        reading.skip(path, title, str(error))
        return
    placed: Placed = []
    last: Chord | None = None
    for at, cells in enumerate(bars):
        for i, cell in enumerate(cells):
            if cell == _NONE:
                last = None
            elif cell:
                last = _chord(cell, last, path, f"{title}, bar {at + 1}", reading)
            if last is not None:
                placed.append((last, at + i / len(cells), 1 / len(cells)))
    try:
        keys = [(0.0, [parse_key(fields[4])])]
    except ChordError as error:
        reading.skip(path, title, "unreadable key, estimated instead", error)
        keys = []
    if not placed:
        reading.skip(path, title, "no chords")
        return
    # A title ends with a comma and its article: Boy Named Sue, A.
    keep(reading, chart_song(f"{NAME}/{path.stem}/{number}", title, placed, keys, (fields[1].strip(), fields[3])), path)


def _chord(cell: str, last: Chord | None, path: Path, where: str, reading: Reading[Song]) -> Chord | None:
    """What sounds from a cell on: `W/C` is the chord before over C."""
    root, slash, bass = cell.partition("/")
    if root in _HOLD:
        if last is None or not slash:
            return last
        cell = f"{last.reduced()}".partition("/")[0] + f"/{bass}"
    try:
        return parse_jazz(cell.replace("*", ""))  # a quality between stars is the user's own
    except ChordError as error:
        reading.skip(path, where, "unreadable chord symbol", error)
        return None


def unmixed(music: str) -> str:
    """The music of a link, in order and with its abbreviations written out."""
    out, rest = "", music
    while len(rest) > _BLOCK:
        block, rest = rest[:_BLOCK], rest[_BLOCK:]
        # One character alone at the end leaves the block before it as it is.
        out += block if len(rest) < 2 else _swapped(block)
    out += rest
    for short, long in _SHORT:
        out = out.replace(short, long)
    return out


def _swapped(block: str) -> str:
    mixed = list(block)
    for i in _SWAPPED:
        mixed[i], mixed[_BLOCK - 1 - i] = block[_BLOCK - 1 - i], block[i]
    return "".join(mixed)
