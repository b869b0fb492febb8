"""The sections that chords are for which a sentence writes out, as in `Am F C G in the verse` and `the chorus goes F G Am`."""

from __future__ import annotations

import re

from kmidi_lab.composition.said_form import kind_of

SECTION = "(?i:intro|verse|pre-?chorus|chorus|refrain|bridge|solo|outro|coda|middle eight|strophe|couplet|estribillo|estrofa|ritornello|strofa|refrão|estrofe|refrein)(?:e?[sn])?"
"""What sections are called beside chords."""
_LISTED = rf"{SECTION}(?:(?: *, *| +(?:and|und|et|y|e|en) +)(?:the +)?{SECTION})*"
_BEHIND = re.compile(rf" +(?:in|for|on|im|für|en|au|nel|nella|no|na|voor)(?: [\w']+)? (?P<kinds>{_LISTED})\b")
_BEFORE = re.compile(
    rf"\b(?P<kinds>{_LISTED})[:,]?(?: (?:is|are|be|goes|go|plays|play|has|have|with|over|on|uses|use|then|the|chords?|progression))*"
    r"(?: of)?[:=]? *$"
)
"""Sections whose chords stand before or behind these."""


def sections_of(text: str, match: re.Match[str], last: int) -> tuple[tuple[str, ...], int]:
    """The kinds of sections that chords of a match are for, and where the words about them end."""
    begin = next((match.start(group) for group in match.groupdict() if match[group]), match.start())
    behind, before = _BEHIND.match(text, match.end()), _BEFORE.search(text[last:begin])
    named = behind or before
    kinds = re.findall(SECTION, named["kinds"]) if named else []
    return tuple(dict.fromkeys(map(kind_of, kinds))), behind.end() if behind else match.end()
