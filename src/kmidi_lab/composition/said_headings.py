"""The form of a song as the headings of its text: `[Verse 1] … [Chorus] …`, `Verse 1 (quiet), Chorus (full band), Verse 2, Chorus`."""

from __future__ import annotations

import re

from kmidi_lab.composition.said_form import NAMES, SaidForm

_HEADING = (
    rf"(?P<name>{'|'.join(sorted(map(re.escape, NAMES), key=len, reverse=True))})"
    r"(?: [1-9](?! ?bars?))?(?P<twice> ?(?:x ?2|×2|2x|twice))?"
)
_TAGS = re.compile(
    rf"\[\s?(?:[\w-]+ )?{_HEADING}\b[^\]]{{0,80}}\]|\(\s?{_HEADING.replace('name>', 'name2>').replace('twice>', 'twice2>')}\s?\)",
    re.I,
)
_HEADINGS = re.compile(
    rf"(?<![\w-])(?:(?:first|second|last|final) )?{_HEADING}(?:(?P<mark>\s?:|\s?\([^)]{{0,80}}\))|(?<=2)(?=,)|(?=[,;.]|$))",
    re.I,
)
_FADED = re.compile(r"\[?\boutro\W{1,3}fad(?:es?|ing)(?: out)?\b[)\]]?", re.I)
"""Names of sections as headings, in brackets, or with a colon or a note in brackets behind them."""
_MARKED = 2
"""Headings that have a colon or a note in brackets, at least: beside them a name alone is one, too."""


def tagged_form(text: str) -> SaidForm | None:
    """The form that the headings of a text are: `[Verse 1] … [Chorus] …`, `Verse 1 (quiet), Chorus (loud), Verse 2`."""
    for pattern in (_TAGS, _HEADINGS):
        found = [match.groupdict() for match in pattern.finditer(text)]
        if pattern is _HEADINGS and sum(bool(m["mark"]) for m in found) < _MARKED:
            continue
        named = [(m["name"] or m["name2"], 1 + bool(m["twice"] or m.get("twice2"))) for m in found]
        kinds = [NAMES[name.lower()] for name, times in named for _ in range(times)]
        returns = len({*kinds}) < len(kinds) or (pattern is _TAGS and len(kinds) > 1)
        whole = len(kinds) > _MARKED and (kinds[0], kinds[-1]) == ("intro", "outro")
        if len({*kinds}) > 1 and (returns or whole):
            return SaidForm(tuple(kinds), ", ".join(kinds))
    return None


def without_tags(text: str) -> str:
    """A text without its headings; of an outro that fades the song does."""
    return _HEADINGS.sub(" , ", _TAGS.sub(" . ", _FADED.sub(" . It fades out at the end. ", text)))
