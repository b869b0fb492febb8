"""The symbols of a typed chord text by bars, and which notation they are in: names (also Harte and iReal) or Roman numerals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kmidi_lab.chords.chord import Chord, ChordError, Key, shortened
from kmidi_lab.chords.harte import parse_harte
from kmidi_lab.chords.jazz import parse_jazz, split_symbol
from kmidi_lab.chords.roman import Dialect, parse_roman
from kmidi_lab.errors import ConfigError

Bars = list[list[str]]
MOST_CHORDS = 10_000
NO_CHORD = frozenset({"N", "NC", "N.C.", "N.C", "n.c.", "n.c", "nc", "n", "X"})
_REPEAT, _HOLD = frozenset({"%", "x", "𝄎"}), frozenset({"/", ".", "*"})
_BETWEEN = frozenset({"-", "–", "—", "→", "->", ">"})
_SYMBOL = re.compile(r"(?:[^\s,;()]|\([^()]*\)?|\))+")
_LOOKS_ROMAN = re.compile(r"[#b♯♭]*[ivIV]|It|Ger|Fr|Sw|Cad|N\d")
_TONIC = re.compile(r"([iI])(?![iIvV])")
_BASS = re.compile(r"/([a-g])(?=[#b♯♭]?$)")


def bars_of(text: str) -> Bars:
    """Symbols of each bar; all in one bar where the text has no `|`. Dashes between symbols are left out."""
    if "|:" in text or ":|" in text:
        raise ConfigError(
            "predict.chords: repeat signs |: :| are not played out; write the bars again, or % for one bar"
        )
    parts = re.split(r"\|+", text)
    bars = [[s for s in _SYMBOL.findall(part) if s not in _BETWEEN] for part in parts]
    while bars and not bars[0]:
        del bars[0]
    while bars and not bars[-1]:
        del bars[-1]
    return [_without_dashes(bar) for bar in bars]


def _without_dashes(bar: list[str]) -> list[str]:
    """`I-V-vi-IV` and `Am-F-C-G` are four chords; `A-7` is one."""
    out: list[str] = []
    for symbol in bar:
        parts = re.split("[-–—→]", symbol)
        splits = len(parts) > 1 and all(parts) and not _readable(symbol) and all(map(_readable, parts))
        out += parts if splits else [symbol]
    return out


def _readable(symbol: str) -> bool:
    return symbol in NO_CHORD or _reads_as_name(symbol) or _reads_as(symbol, "chart")


def steps(bars: Bars) -> Iterator[tuple[str, float, float]]:
    """(symbol, start, length) of every chord in bars, repeats and holds played out. Raises ConfigError."""
    before: list[tuple[str, int]] = []  # symbols of the bar before, and how many places of the bar each has
    count = 0
    for number, bar in enumerate(bars):
        again = not bar or (len(bar) == 1 and bar[0] in _REPEAT)
        now = before if again and before else []
        for symbol in () if now else bar:
            if symbol in _HOLD and now:
                now[-1] = now[-1][0], now[-1][1] + 1
            elif symbol not in _REPEAT | _HOLD:
                now.append((symbol, 1))
            elif now or before:
                now.append(((now or before)[-1][0], 1))
            else:
                raise ConfigError(f"predict.chords begins with {symbol!r}, and there is nothing before it to repeat")
        count += len(now)
        if count > MOST_CHORDS:
            raise ConfigError(f"predict.chords has more than {MOST_CHORDS} chords; give the last ones")
        places, at = sum(n for _, n in now), 0
        for symbol, width in now:
            yield symbol, number + at / places, width / places
            at += width
        before = now


def symbols_of(bars: Bars) -> list[str]:
    """The distinct symbols that name a chord, in order."""
    return list(dict.fromkeys(s for bar in bars for s in bar if s not in NO_CHORD | _REPEAT | _HOLD))


def recognise(bars: Bars) -> Dialect | None:
    """None for chord names, else the dialect of the numerals. Raises ConfigError for what no notation reads."""
    symbols = symbols_of(bars)
    named = [s for s in symbols if _reads_as_name(s)]
    if len(named) == len(symbols):
        return None
    dialects: tuple[Dialect, ...] = ("chart", "classical")
    for dialect in dialects:
        if all(_reads_as(s, dialect) for s in symbols):
            return dialect
    numerals = [s for s in symbols if any(_reads_as(s, d) for d in dialects)]
    for number, bar in enumerate(bars, 1):
        for place, symbol in enumerate(bar, 1):
            if symbol in symbols and symbol not in named and symbol not in numerals:
                where = f"bar {number}, chord {place}" if len(bars) > 1 else f"chord {place}"
                raise ConfigError(f"predict.chords, {where}: {_why_not(symbol)}")
    name, numeral = next(s for s in named if s not in numerals), next(s for s in numerals if s not in named)
    raise ConfigError(
        f"predict.chords mixes chord names ({shortened(name)}) with Roman numerals ({shortened(numeral)}); write all one way"
    )


def _why_not(symbol: str) -> str:
    try:
        parse_roman(symbol, Key(0, 1), "chart") if _LOOKS_ROMAN.match(symbol) else read_name(symbol)
    except ChordError as error:
        return str(error)
    return f"{shortened(symbol)} is not readable"


def _reads_as_name(symbol: str) -> bool:
    try:
        read_name(symbol)
    except ChordError:
        return False
    return True


def _reads_as(symbol: str, dialect: Dialect) -> bool:
    try:
        parse_roman(symbol, Key(0, 1), dialect)
    except ChordError:
        return False
    return True


def read_name(symbol: str) -> tuple[Chord, str, str]:
    """(chord, name of its root, of its bass or nothing) of a jazz, iReal or Harte symbol; `am7` is Am7."""
    text = _BASS.sub(lambda m: m.group().upper(), symbol[0].upper() + symbol[1:] if symbol[:1] in "abcdefg" else symbol)
    try:
        return parse_jazz(text), *split_symbol(text)[::2]
    except ChordError:
        if ":" not in text and not re.search(r"/[#b]*\d{1,2}$", text):
            raise
    chord = parse_harte(text)
    if chord is None:
        raise ChordError(f"chord symbol {shortened(symbol)} is no chord")
    return chord, split_symbol(text)[0], ""


def mode_of_numerals(symbols: list[str]) -> int:
    """-1 where the tonic is written `i`, never `I`."""
    tonics = {m.group(1) for s in symbols if (m := _TONIC.match(s))}
    return -1 if tonics == {"i"} else 1
