"""Chords that a sentence writes out, as in `a sad song with the chords Am F C G`, and those among them that are none."""

from __future__ import annotations

import re
from typing import NamedTuple

from kmidi_lab.chords.chart import read_chart
from kmidi_lab.errors import ConfigError

_TAIL = r"(?:maj|min|dim|aug|sus|add|m|M|ø|°|Δ|\+|-(?![A-G>]))?(?:\d{1,2})?(?:(?:b|#|sus|add|maj)\d{1,2})*"
"""A minus is minor, as in `C- F-`, unless the next chord stands right behind it, as in `C-F`."""
_ARTICLE = r"(?!A +(?!that|which|and|in|with|for|at|on|please|then|but|no)[a-z])"
"""An A before a word that goes on with the sentence is none, as in `Am F. A minor walk`."""
_CHORD = rf"{_ARTICLE}[A-G](?:#|b|♯|♭)?{_TAIL}(?:/[A-G](?:#|b)?)?"
# All of these are atomic: what could be read in two ways would take a time that doubles with each chord of a text.
_WHOLE = rf"(?>{_CHORD})(?![\w#])"
_ODD = (
    r"(?>[A-Z](?=[A-Za-z#♯♭+°øΔ()/]{0,8}\d)[\w#♯♭+°øΔ()/]{1,12}|[A-Z][#♯♭]+(?:m|maj|min|dim|aug|sus)?"
    r"|[HJ-Z](?:m|maj|min|dim|aug|sus)?)(?![\w#'’])"
)
"""What is written as chords are and is none: `Q7`, `Cmj7`, `F##`, `H`, `Xm`; no word, such as `Go`, `Big` or `I`."""
_SYMBOL = rf"(?:{_WHOLE}|{_ODD})"
_BETWEEN = r"(?>(?: *[|,–→>-])+ *(?:and +)?| +(?:and +|/ +)?)"
_ROUND = rf"(?P<round>\|? ?{_SYMBOL}(?:{_BETWEEN}{_SYMBOL})*(?: ?\|)?)"
_NAMED = re.compile(
    rf"\b(?:[Cc]hords?|[Pp]rogression|[Cc]hanges|[Hh]armony)(?: (?:of|are|is|like|being))?[:=]?\s+{_ROUND}"
)
_ALONE = re.compile(
    rf"(?:(?:^|[.,;:!?(]\s*){_ROUND}(?=\s*(?:$|[,.;!?)]))|\b(?:over|on|to|with|using) {_ROUND.replace('round', 'led')}(?=\s*(?:$|[,.;!?)])|\s+[a-z]))"
)
_PLAIN = re.compile(r"[A-G][+-]?")
_FEWEST, _FEWEST_NAMED, _FEWEST_KNOWN = 3, 2, 2


class SaidChords(NamedTuple):
    """Chords with bars as they are typed for `compose.chords`, and what stands among them and is none."""

    chords: str = ""
    odd: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What a person is told of those that are none."""
        return [
            f"the chord {symbol} is not understood and left out: chords are such as Am, F#m7, Bb/D"
            for symbol in self.odd
        ]


def take_chords(text: str) -> tuple[SaidChords, str]:
    """The chords that a text writes out, and the text without them.

    Without a word such as `chords` before them there must be three, not all of them what grades are, as in `grades A+ B C`.
    """
    named = _NAMED.search(text)
    for match in filter(None, (named, *_ALONE.finditer(text))):
        said = (match["round"] or match["led"]).strip()
        symbols = re.findall(_SYMBOL, said)
        odd = [symbol for symbol in symbols if not (re.fullmatch(_CHORD, symbol) and _readable(symbol))]
        known = [symbol for symbol in symbols if symbol not in odd]
        several = len(symbols) >= _FEWEST and len(known) >= _FEWEST_KNOWN
        sure = len(symbols) >= _FEWEST_NAMED if match is named else several and not all(map(_PLAIN.fullmatch, known))
        chords = SaidChords(_without(said, odd) if "|" in said else " ".join(known), tuple(dict.fromkeys(odd)))
        if sure and (not chords.chords or _readable(chords.chords)):
            return chords, f"{text[: match.start()].rstrip(' ,')}, {text[match.end() :].lstrip(' ,')}".strip(" ,")
    return SaidChords(), text


def _without(said: str, odd: list[str]) -> str:
    """Chords with bars between, without some of them; a bar of these alone is left out."""
    if not odd:
        return said
    bars = [[s for s in re.findall(_SYMBOL, bar) if s not in odd] for bar in said.split("|")]
    return " | ".join(" ".join(bar) for bar in bars if bar)


def _readable(chords: str) -> bool:
    try:
        read_chart(chords, None, True)
    except ConfigError:
        return False
    return True
