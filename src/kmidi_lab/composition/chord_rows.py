"""Rows of chords as a person types them: one for all, or one for each kind of section, as in `verse: Am F C G; chorus: F G C`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from kmidi_lab.chords.chart import Chart, read_chart
from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.notation import bars_of
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.bar_chords import bar_of
from kmidi_lab.composition.said_form import kind_of, section_names
from kmidi_lab.errors import ConfigError

_SETTING = "compose.chords"
_NAMES = rf"(?:{section_names()})"
_BETWEEN_BARS = re.compile(r"(?<=[^\s/|])\s+/\s+(?=[^\s/|])")
"""A slash by itself between two chords, as in `C / G Am / F`; several hold a chord."""
_THIRD_BELOW = 9
"""Semitones from a major key's tonic up to that of its relative minor."""
_ROW = re.compile(rf"(?<![\w-])(?P<kinds>{_NAMES}(?:(?: *[,&+] *| +and +){_NAMES})*) *: *", re.I)


class OwnRows(NamedTuple):
    """A person's chords by bars, as a chart writes them, and symbols for which no bar has a beat.

    `usual` is the row of verse and chorus, `named` those of kinds of sections.
    """

    usual: tuple[str, ...] = ()
    named: Mapping[str, tuple[str, ...]] = {}
    left: tuple[str, ...] = ()


NO_ROWS = OwnRows()


class Rows:
    """Rows of chords, read.

    Args:
        text: of `compose.chords`.
        key: such as C or F#m; None estimates it from all rows.

    Raises:
        ConfigError: a chord or the key can't be read, a section has no chords, or two rows.
    """

    def __init__(self, text: str, key: str | None) -> None:
        rows = [(kinds, with_bars(row)) for kinds, row in _parts(text)]
        self._kinds = [kinds for kinds, _ in rows]
        written = [row for _, row in rows]
        if len(rows) > 1:
            written = [_barred(kinds, row, key) for kinds, row in rows]
        self._lengths = [row.count("|") + 1 for row in written]
        named = [kind for kinds in self._kinds for kind in kinds or ("",)]
        if twice := next((kind for kind in named if named.count(kind) > 1), None):
            raise ConfigError(f"{_SETTING} has two rows of the {twice}; give each section one")
        self.chart: Chart = read_chart(" | ".join(written), key, bar_each=True, name=_SETTING, key_name="compose.key")
        if not any(placed.chord for placed in self.chart.placed):
            raise ConfigError(f"{_SETTING} has no chord that sounds; write some, such as Am F C G")
        if self.chart.key_from == "estimated" and (home := self._home()):
            self.chart = read_chart(" | ".join(written), home, bar_each=True, name=_SETTING)

    def _home(self) -> str | None:
        """The relative of the estimated key, such as Am, where a song begins and ends on its tonic; None where it does not."""
        starts = [*accumulate(self._lengths, initial=0)]
        by_kind = {kind: n for n, kinds in enumerate(self._kinds) for kind in kinds or ("verse", "chorus")}
        first, last = by_kind.get("verse", 0), by_kind.get("chorus", len(self._kinds) - 1)
        sounding = [(p.start or 0.0, p.chord) for p in self.chart.placed if p.chord]
        opening = [chord for start, chord in sounding if start >= starts[first]]
        closing = [chord for start, chord in sounding if start < starts[last + 1]]
        key = self.chart.spelling.key
        relative = Key((key.tonic + key.mode * _THIRD_BELOW) % 12, -key.mode)
        at_home = opening and closing and all(_is_tonic(chord, relative) for chord in (opening[0], closing[-1]))
        name = Spelling.of(relative, [p.root for p in self.chart.placed]).tonic
        return f"{name}{'m' if relative.mode < 0 else ''}" if at_home else None

    def by_kind(self, beats: int) -> OwnRows:
        """The rows in bars of so many beats."""
        bars, left = _bars(self.chart, beats)
        usual: tuple[str, ...] = ()
        named: dict[str, tuple[str, ...]] = {}
        at = 0
        lengths = self._lengths if len(self._kinds) > 1 else [len(bars)]
        for kinds, length in zip(self._kinds, lengths, strict=True):
            row, at = tuple(bars[at : at + length]), at + length
            named |= dict.fromkeys(kinds, row)
            usual = usual if kinds else row
        return OwnRows(usual, named, tuple(left))


def with_bars(row: str) -> str:
    """A row with `|` in the place of slashes that part its bars; as it is where it has a `|`."""
    return row if "|" in row else _BETWEEN_BARS.sub(" | ", row)


def _is_tonic(chord: Chord, key: Key) -> bool:
    return chord.root == key.tonic and (chord.quality in ("minor", "min7")) is (key.mode < 0)


def _parts(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """(kinds of sections, chords) of each row; the first has no kinds where none is named."""
    marks = list(_ROW.finditer(text))
    if not marks:
        yield (), text
        return
    if before := text[: marks[0].start()].strip(" ,;|\n"):
        yield (), before
    stops = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, stop in zip(marks, stops, strict=True):
        kinds = tuple(dict.fromkeys(kind_of(name[0]) for name in re.finditer(_NAMES, mark["kinds"], re.I)))
        row = text[mark.end() : stop].strip(" ,;\n")
        if not row.strip("| "):
            raise ConfigError(
                f'{_SETTING}: {mark["kinds"]} has no chords; write them behind it, as in "verse: Am F C G"'
            )
        yield kinds, row


def _barred(kinds: tuple[str, ...], row: str, key: str | None) -> str:
    """A row with `|` between its bars; read alone, so that an error names the section and its bar."""
    name = f"{_SETTING}, {' and '.join(kinds)}" if kinds else _SETTING
    read_chart(row, key, bar_each=True, name=name, key_name="compose.key")
    bars = bars_of(row, name)
    bars = bars if "|" in row else [[symbol] for bar in bars for symbol in bar]
    return " | ".join(" ".join(bar) or "%" for bar in bars)


def _bars(chart: Chart, beats: int) -> tuple[list[str], list[str]]:
    """The bars of a chart; where no chord sounds, the one before does."""
    bars: list[list[tuple[float, str]]] = []
    name = next(placed.name for placed in chart.placed if placed.chord)
    for placed in chart.placed:
        start = placed.start or 0.0
        bars += [[] for _ in range(int(start) + 1 - len(bars))]
        name = placed.name if placed.chord else name
        if not bars[-1] or bars[-1][-1][1] != name:
            bars[-1].append((start % 1, name))
    written = [bar_of(bar, beats) for bar in bars]
    return [bar for bar, _ in written], [name for _, left in written for name in left]
