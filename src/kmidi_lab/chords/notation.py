"""The symbols of a typed chord text by bars, and which notation they are in: names (also Harte and iReal) or Roman numerals."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from kmidi_lab.chords.chord import Chord, ChordError, Key, shortened
from kmidi_lab.chords.harte import degree_semitones, parse_harte
from kmidi_lab.chords.jazz import ROOT, parse_jazz, split_symbol
from kmidi_lab.chords.roman import Dialect, parse_roman
from kmidi_lab.errors import ConfigError

Bars = list[list[str]]
MOST_CHORDS = 10_000
CHORDS = "predict.chords"
"""The setting that a text of chords is mostly from."""
NO_CHORD = frozenset({"N", "NC", "N.C.", "N.C", "n.c.", "n.c", "nc", "n", "Nc", "N.c.", "N.c", "NC.", "X"})
_REPEAT, _HOLD = frozenset({"%", "x", "𝄎"}), frozenset({"/", ".", "*"})
_DASHES = frozenset({"-", "–", "—"})
_BETWEEN = _DASHES | {"→", "->", ">"}
_UNSEEN = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\xad"))
_WIDE = re.compile("[\uff01-\uff5e\u2160-\u217f]+")  # full-width forms and Roman numerals of one character
_SYMBOL = re.compile(r"(?:[^\s,;()]|\([^()]*\)?|\))+")
_LOOKS_ROMAN = re.compile(r"[#b♯♭]*[ivIV]|It|Ger|Fr|Sw|Cad|N\d")
_TONIC = re.compile(r"([iI])(?![iIvV])")
_BASS = re.compile(r"/([a-g])(?=[#b♯♭]?$)")
_DEGREE_BELOW = re.compile(r"(.+)/([#b]*\d{1,2})")
_ALTERATION = re.compile(r"b(?:2|5|6|9|13)")
_FIGURED = re.compile(r"[IViv]+[oø°º+]?(?:6/[45]|4/[23])|.*/$")
_GERMAN = re.compile(r"[Hh](?![a-z]{3})|[A-Ga-g](?:is|es)|[EA]s(?!us)")
_SOLFEGE = re.compile(r"(?:do|re|mi|fa|sol|la|si)(?:[#b]|m|maj|\W|\d|$)", re.IGNORECASE)


def bars_of(text: str, name: str = CHORDS) -> Bars:
    """Symbols of each bar; all in one bar where the text has no `|`. Dashes between symbols are left out.

    Args:
        text: the chords.
        name: of the setting or the place that they are from, for errors.

    Raises:
        ConfigError: repeat signs.
    """
    if "|:" in text or ":|" in text:
        raise ConfigError(f"{name}: repeat signs |: :| are not played out; write the bars again, or % for one bar")
    text = _WIDE.sub(lambda m: unicodedata.normalize("NFKC", m.group()), text.translate(_UNSEEN))
    bars = [_joined(_without_signs(_SYMBOL.findall(part))) for part in re.split(r"\|+", text)]
    while bars and not bars[0]:
        del bars[0]
    while bars and not bars[-1]:
        del bars[-1]
    return [_without_dashes(bar) for bar in bars]


def _without_signs(bar: list[str]) -> list[str]:
    """`C - F` and `C -> F` are two chords; in `C - - -`, `C - F -` and `C ///` the signs hold the chord."""
    dashes = [s in _DASHES for s in bar]
    held = any(a and b for a, b in zip(dashes, [*dashes[1:], True], strict=False))
    bar = ["/" if dash and held else s for s, dash in zip(bar, dashes, strict=True)]
    return [part for s in bar if s not in _BETWEEN for part in (s if set(s) == {"/"} else [s])]


def _joined(bar: list[str]) -> list[str]:
    """`A minor`, `C 7 sus4` and `G7 b9` are one chord each: a word that names none belongs to the chord before it."""
    out: list[str] = []
    for symbol in bar:
        mark = bool(out) and out[-1][0].isupper() and bool(_ALTERATION.fullmatch(symbol))
        belongs = bool(out) and symbol not in _REPEAT | _HOLD and (mark or not _readable(symbol))
        if belongs and _reads_as_name(out[-1]) and _reads_as_name(out[-1] + symbol):
            out[-1] += symbol
        else:
            out.append(symbol)
    return out


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


def steps(bars: Bars, name: str = CHORDS) -> Iterator[tuple[str, float, float]]:
    """(symbol, start, length) of every chord in bars, repeats and holds played out. Raises ConfigError, with the name."""
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
                raise ConfigError(f"{name} begins with {symbol!r}, and there is nothing before it to repeat")
        count += len(now)
        if count > MOST_CHORDS:
            raise ConfigError(f"{name} has more than {MOST_CHORDS} chords; give the last ones")
        places, at = sum(n for _, n in now), 0
        for symbol, width in now:
            yield symbol, number + at / places, width / places
            at += width
        before = now


def symbols_of(bars: Bars) -> list[str]:
    """The distinct symbols that name a chord, in order."""
    return list(dict.fromkeys(s for bar in bars for s in bar if s not in NO_CHORD | _REPEAT | _HOLD))


def recognise(bars: Bars, name: str = CHORDS) -> Dialect | None:
    """None for chord names, else the dialect of the numerals. Raises ConfigError, with the name, for what no notation reads.

    Where some numerals have figures, `classical` is meant, and `chart` for those that only it reads.
    """
    symbols = symbols_of(bars)
    named = [s for s in symbols if _reads_as_name(s)]
    if len(named) == len(symbols):
        return None
    if all(_reads_as(s, "chart") for s in symbols):
        return "chart"
    dialects: tuple[Dialect, ...] = ("chart", "classical")
    numerals = [s for s in symbols if any(_reads_as(s, d) for d in dialects)]
    if len(numerals) == len(symbols):
        return "classical"
    for number, bar in enumerate(bars, 1):
        for place, symbol in enumerate(bar, 1):
            if symbol in symbols and symbol not in named and symbol not in numerals:
                where = f"bar {number}, chord {place}" if len(bars) > 1 else f"chord {place}"
                raise ConfigError(f"{name}, {where}: {_why_not(symbol)}")
    letter, numeral = next(s for s in named if s not in numerals), next(s for s in numerals if s not in named)
    raise ConfigError(
        f"{name} mixes chord names ({shortened(letter)}) with Roman numerals ({shortened(numeral)}); write all one way"
    )


def _why_not(symbol: str) -> str:
    try:
        parse_roman(symbol, Key(0, 1), "chart") if _LOOKS_ROMAN.match(symbol) else read_name(symbol)
    except ChordError as error:
        hint = ""
        if _GERMAN.match(symbol):
            hint = "; German names are not read: H is B, B is Bb, Fis is F#, Es is Eb"
        elif _SOLFEGE.match(symbol):
            hint = "; solfège is not read: Do Re Mi Fa Sol La Si are C D E F G A B"
        elif re.match(r"[b#]?[1-7](?![0-9])", symbol):
            hint = "; numbers are written as Roman numerals: 1 4 5 6m is I IV V vi"
        return str(error) + hint
    return f"{shortened(symbol)} is not readable"


def _reads_as_name(symbol: str) -> bool:
    try:
        read_name(symbol)
    except ChordError:
        return False
    return True


def _reads_as(symbol: str, dialect: Dialect) -> bool:
    if _FIGURED.match(symbol) and (dialect == "chart" or symbol.endswith("/")):
        return False  # 6/4 and 4/3 are figures; corpora end some numerals with a stroke, and nobody who types does
    try:
        parse_roman(symbol, Key(0, 1), dialect)
    except ChordError:
        return False
    return True


def read_name(symbol: str) -> tuple[Chord, str, str]:
    """(chord, name of its root, of its bass or nothing) of a jazz, iReal or Harte symbol; `am7` is Am7.

    After the stroke stands a note, or a degree: C/7 and C/b7 have a seventh in the bass, as Harte writes them.
    """
    text = _BASS.sub(lambda m: m.group().upper(), symbol[0].upper() + symbol[1:] if symbol[:1] in "abcdefg" else symbol)
    below = _DEGREE_BELOW.fullmatch(text)
    try:
        if below is None or not ROOT.fullmatch(below[1]):
            return parse_jazz(text), *split_symbol(text)[::2]
    except ChordError:
        if ":" not in text and below is None:
            raise
    try:
        chord = parse_harte(text)
    except ChordError:
        chord = _half_harte(text, below)
        if chord is None:
            raise
    if chord is None:
        raise ChordError(f"chord symbol {shortened(symbol)} is no chord")
    return chord, split_symbol(text)[0], ""


def _half_harte(text: str, below: re.Match[str] | None) -> Chord | None:
    """A jazz symbol with Harte's colon, as `C:m7`, or over a degree, as `Cm7/b3`; None where it is neither."""
    name = below[1] if below else text
    try:
        chord = parse_jazz(name if name.endswith(":") else name.replace(":", "", 1))
    except ChordError:
        return None
    if below is None:
        return chord
    bass = (chord.root + degree_semitones(below[2])) % 12
    return Chord(chord.root, chord.quality, bass, chord.tones | {bass})


def mode_of_numerals(symbols: list[str]) -> int:
    """-1 where the tonic is written `i`, never `I`."""
    tonics = {m.group(1) for s in symbols if (m := _TONIC.match(s))}
    return -1 if tonics == {"i"} else 1
