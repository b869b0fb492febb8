"""Chords that a sentence writes out, as in `a sad song with the chords Am F C G`."""

from __future__ import annotations

import re

from kmidi_lab.chords.chart import read_chart
from kmidi_lab.errors import ConfigError

_TAIL = r"(?:maj|min|dim|aug|sus|add|m|M|ø|°|Δ|\+|-(?![A-G>]))?(?:\d{1,2})?(?:(?:b|#|sus|add|maj)\d{1,2})*"
"""A minus is minor, as in `C- F-`, unless the next chord stands right behind it, as in `C-F`."""
_CHORD = rf"[A-G](?:#|b|♯|♭)?{_TAIL}(?:/[A-G](?:#|b)?)?"
# Both are atomic: what could be read in two ways would take a time that doubles with each chord of a text.
_WHOLE = rf"(?>{_CHORD})(?![\w#])"
_BETWEEN = r"(?>(?: *[|,–→>-])+ *| +(?:/ +)?)"
_ROUND = rf"(?P<round>\|? ?{_WHOLE}(?:{_BETWEEN}{_WHOLE})+(?: ?\|)?)"
_NAMED = re.compile(
    rf"\b(?:[Cc]hords?|[Pp]rogression|[Cc]hanges|[Hh]armony)(?: (?:of|are|is|like|being))?[:=]?\s+{_ROUND}"
)
_ALONE = re.compile(rf"(?:^|[.,;:!?(]\s*|\b(?:over|on|to) ){_ROUND}(?=\s*(?:$|[.,;!?)]))")
_PLAIN = re.compile(r"[A-G][+-]?")
_FEWEST = 3


def take_chords(text: str) -> tuple[str, str]:
    """The chords that a text writes out, with bars as they are typed for `compose.chords`, and the text without them.

    Without a word such as `chords` before them there must be three, not all of them what grades are, as in `grades A+ B C`.
    """
    named = _NAMED.search(text)
    for match in filter(None, (named, *_ALONE.finditer(text))):
        said = match["round"].strip()
        symbols = re.findall(_CHORD, said)
        sure = match is named or (len(symbols) >= _FEWEST and not all(map(_PLAIN.fullmatch, symbols)))
        chords = said if "|" in said else " ".join(symbols)
        if sure and _readable(chords):
            return chords, f"{text[: match.start()].rstrip(' ,')}, {text[match.end() :].lstrip(' ,')}".strip(" ,")
    return "", text


def _readable(chords: str) -> bool:
    try:
        read_chart(chords, None, True)
    except ConfigError:
        return False
    return True
