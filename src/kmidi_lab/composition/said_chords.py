"""Chords that a sentence writes out, as in `a sad song with the chords Am F C G`, and those among them that are none."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from functools import lru_cache
from typing import NamedTuple

from kmidi_lab.chords.chart import read_chart
from kmidi_lab.chords.chord import ChordError
from kmidi_lab.chords.notation import read_name
from kmidi_lab.composition.chord_rows import with_bars
from kmidi_lab.composition.chord_sections import SECTION, sections_of
from kmidi_lab.composition.said_where import Free
from kmidi_lab.errors import ConfigError

_TAIL = r"(?:maj|min|dim|aug|sus|add|m|M|ø|°|Δ|\+|-(?![A-G>]))?(?:\d{1,2})?(?:(?:b|#|sus|add|maj)\d{1,2})*"
"""A minus is minor, as in `C- F-`, unless the next chord stands right behind it, as in `C-F`."""
_NOUN = r"(?! +(?!(?:and|then|but|that|which|in|with|for|at|on|by|played|please|no)\b)[a-z])"
"""A mode before a noun is none of a chord, as in `A minor walk`."""
_SEVENTH = r"(?: +(?:7(?:th)?|seventh)\b)?"
_MODE = rf"(?: +(?:minor|major)\b{_SEVENTH}{_NOUN})"
_ARTICLE = rf"(?!A +(?:minor|major)\b(?!{_NOUN}))"
"""An A before these is an article; any other in a list is a chord, as in `E B A played by a piano`."""
_CHORD = rf"{_ARTICLE}[A-G](?:#|b|♯|♭)?(?:{_MODE}|{_TAIL}(?:/[A-G](?:#|b)?)?)"
# All of these are atomic: what could be read in two ways would take a time that doubles with each chord of a text.
_WHOLE = rf"(?>{_CHORD})(?![\w#])"
_ODD = (
    r"(?>[A-Z](?=[A-Za-z#♯♭+°øΔ()/]{0,8}\d)[\w#♯♭+°øΔ()/]{1,12}|[A-Z][#♯♭]+(?:m|maj|min|dim|aug|sus)?"
    r"|[HJ-Z](?:m|maj|min|dim|aug|sus)?)(?![\w#'’])"
)
"""What is written as chords are and is none: `Q7`, `Cmj7`, `F##`, `H`, `Xm`; no word, such as `Go`, `Big` or `I`."""
_SYMBOL = rf"(?>{_WHOLE}|{_ODD})"
_AND = r"(?:(?:and|und|et|y|e|en) +)"
_BETWEEN = rf"(?>(?: *[|,–→>-])+ *{_AND}?| +(?:{_AND}|/ +)?)"
_ROUND = rf"(?P<round>\|? ?{_SYMBOL}(?:{_BETWEEN}{_SYMBOL}){{0,399}}(?: ?\|)?)"
"""At most as many chords as a song has bars: each place of a long text may begin a row."""
_ELSEWHERE = "[Aa](?:kkorden?|kkordfolge|ccords?|cordes?|ccord[io]|kkoord(?:en)?)"
"""Chords in other languages, whose names are read as in English."""
_NAMED = re.compile(
    rf"\b(?:[Cc]hords?|[Pp]rogression|[Cc]hanges|[Hh]armony|{_ELSEWHERE})(?: (?:of|are|is|like|being))?[:=]?\s+{_ROUND}"
)
_STOP = r"\s*(?:$|[,.;!?)])"
_IN_SECTION = rf" +(?:in|for|on|im|für|en|au|nel|nella|no|na|voor)(?: [\w']+)? {SECTION}\b"
_OF_SECTION = rf"\b{SECTION}:?(?: (?:is|are|goes|go|plays|play|has|have|with|over|on|uses|then))*:? +"
_LED = rf"\b(?:over|on|to|with|using|mit|über|con|sobre|avec|sur|su|com|met) {_ROUND.replace('round', 'led')}(?={_STOP}|\s+[a-z])"
_LEADS = r"(?:^|[.,;:!?(]\s*|\b(?:with|and|then|but|plus|mit|con|avec|com|met|und|et|y|e|en) +)"
_BY_SECTION = (
    rf"{_LEADS}{_ROUND.replace('round', 'placed')}(?={_IN_SECTION})"
    rf"|{_OF_SECTION}{_ROUND.replace('round', 'owned')}(?={_STOP}| +[a-z])"
)
"""Chords of one section, as in `Am F C G in the verse, F G Am in the chorus`."""
_GOES_ON = " +(?:over|but|again|repeat|looped|on|in|all|for|played|with|throughout|please|as|at|then|from|by)"
_ALONE = re.compile(rf"(?:^|[.,;:!?(]\s*){_ROUND}(?={_STOP}|{_GOES_ON})|{_LED}|{_BY_SECTION}")
_NUMERAL = r"[b#♭♯]?(?:VII|III|VI|IV|II|V|I|vii|iii|vi|iv|ii|v|i)(?:°|ø)?(?:maj7|M7|7|9|6)?(?![\w'’])"
_NUMERALS = re.compile(rf"(?<![\w'’-]){_NUMERAL}(?:(?: *[-–,|>→] *| +){_NUMERAL}){{2,}}")
_SPELT = re.compile(rf" +(?P<mode>major|minor)\b(?P<seventh>{_SEVENTH})")
_PLAIN = re.compile(r"[A-G][+-]?")
_FEWEST, _FEWEST_NAMED, _FEWEST_KNOWN = 3, 2, 2


class SaidChords(NamedTuple):
    """Chords as they are typed for `compose.chords`, what stands among them and is none, and other rows of chords."""

    chords: str = ""
    odd: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What a person is told of those that are not played."""
        told = [
            f"the chord {symbol} is not understood and left out: chords are such as Am, F#m7, Bb/D"
            for symbol in self.odd
        ]
        if self.others:
            rows = "; ".join(self.others)
            told.append(f"no second chords ({rows}): name the section that plays them, as in chorus: F G C")
        return told


def take_chords(text: str) -> tuple[SaidChords, str]:
    """The chords that a text writes out, and the text without them; those that are named count before others.

    Without a word such as `chords` before them there must be three, not all of them what grades are, as in `grades A+ B C`.
    """
    found: list[tuple[re.Match[str], SaidChords]] = []
    free = Free(text)
    numerals = [(match, said) for match in _NUMERALS.finditer(text) if (said := _numerals(match))]
    for match, _ in numerals:  # before names, which `I7` and `V7` would be none of
        free.take(*match.span())
    for pattern in (_NAMED, _ALONE, _ALONE):
        sure = bool(found or numerals)
        for match in pattern.finditer(text):
            plain = pattern is _NAMED or (sure and any(match[group] for group in ("placed", "owned")))
            if free.is_free(*match.span()) and (said := _said(match, pattern is _NAMED, plain)):
                free.take(*match.span())
                found.append((match, said))
    found += numerals
    if not found:
        return SaidChords(), text
    said = _rows(text, found)
    for match in sorted((row for row, _ in found), key=lambda row: -row.start()):  # or its letters are read as a key
        text = f"{text[: match.start()].rstrip(' ,')}, {text[match.end() :].lstrip(' ,')}"
    return said, text.strip(" ,")


def _rows(text: str, found: Sequence[tuple[re.Match[str], SaidChords]]) -> SaidChords:
    """The first row of no section, and one for each that the text names; further rows are others."""
    kinds: dict[int, tuple[str, ...]] = {}
    last = 0
    for match, _ in sorted(found, key=lambda row: row[0].start()):
        kinds[match.start()], last = sections_of(text, match, last)
    usual, named, odd, others = "", dict[str, str](), dict[str, None](), dict[str, None]()
    first = next((said.chords for _, said in found if said.chords), "")
    for match, said in found:
        if said.chords and not _readable(f"{first} | {said.chords}"):  # numerals beside names
            others |= {said.chords: None}
            continue
        own = [kind for kind in kinds[match.start()] if kind not in named]
        if own and said.chords:
            named |= dict.fromkeys(own, said.chords)
        elif kinds[match.start()] or usual:
            others |= {said.chords: None} if said.chords not in ("", usual) else {}
            continue
        else:
            usual = said.chords
        odd |= dict.fromkeys(said.odd)
    order = sorted(named, key=lambda kind: next(at for at in sorted(kinds) if kind in kinds[at]))
    rows = [*filter(None, [usual]), *(f"{kind}: {named[kind]}" for kind in order)]
    return SaidChords("; ".join(rows), tuple(odd), tuple(others))


def _said(match: re.Match[str], named: bool, plain: bool) -> SaidChords | None:
    """The chords of a match; None where they may be something else, as letters alone are where these are not `plain` to be chords."""
    written = next(filter(None, match.groups())).strip()
    said = _SPELT.sub(_symbol, written)
    if "/ " in said and any(len(bar.split()) > 1 for bar in with_bars(said).split("|")):
        said = with_bars(said)
    symbols = re.findall(_SYMBOL, said)
    if len(symbols) < (_FEWEST_NAMED if named or plain else _FEWEST):  # counted before they are read, which is slow
        return None
    odd = dict.fromkeys(symbol for symbol in symbols if not _is_chord(symbol))
    known = [symbol for symbol in symbols if symbol not in odd]
    if not named and (len(known) < _FEWEST_KNOWN or (not plain and all(map(_PLAIN.fullmatch, known)))):
        return None
    chords = _without(said, odd) if "|" in said else " ".join(known)
    return SaidChords(chords, tuple(odd)) if not chords or _readable(chords) else None


def _numerals(match: re.Match[str]) -> SaidChords | None:
    """The chords of a row of Roman numerals; None where it has one numeral alone, as in `I, I, I`."""
    numerals = re.findall(_NUMERAL, match[0])
    several = len({numeral.lower() for numeral in numerals}) > 1
    return SaidChords(" ".join(numerals)) if several and _readable(" ".join(numerals)) else None


def _symbol(spelt: re.Match[str]) -> str:
    """What stands in a symbol for a mode that is spelt out: `m7` for ` minor 7`."""
    if spelt["mode"] == "minor":
        return "m7" if spelt["seventh"] else "m"
    return "maj7" if spelt["seventh"] else ""


@lru_cache(maxsize=4096)
def _is_chord(symbol: str) -> bool:
    try:
        read_name(symbol)
    except ChordError:
        return False
    return re.fullmatch(_CHORD, symbol) is not None


def _without(said: str, odd: Container[str]) -> str:
    """Chords with bars between, without some of them; a bar of these alone is left out."""
    if not odd:
        return said
    bars = [[s for s in re.findall(_SYMBOL, bar) if s not in odd] for bar in said.split("|")]
    return " | ".join(" ".join(bar) for bar in bars if bar)


@lru_cache(maxsize=512)
def _readable(chords: str) -> bool:
    try:
        read_chart(chords, None, True)
    except ConfigError:
        return False
    return True
