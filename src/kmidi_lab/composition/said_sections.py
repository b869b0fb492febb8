"""A style, a metre, a tempo or a key of one section, as in `the bridge in 3/4`, `a reggae verse and a rock chorus`, `the chorus at 140 bpm`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from kmidi_lab.composition.change import IN_KEY, PACE, Change
from kmidi_lab.composition.course_patterns import filled, words_of
from kmidi_lab.composition.in_context import PEOPLE
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_feel import items_of
from kmidi_lab.composition.said_places import Place, place_of
from kmidi_lab.composition.said_where import denied, parted

_OF_MUSIC = ("head", "other_genre", "instrument", "ensemble", "wish")
_ONE = {
    "genre": "no style of one section (…): a song has one style",
    "feel": "no feel of one section (…): a song has one",
    "metre": "no metre of one section (…): a song has one metre",
}
"""What is told of each that holds in a whole song alone."""
_WHOLE = {
    "genre": ("genre", "other_genre"),
    "feel": (),
    "metre": ("metre",),
    "bpm": ("tempo",),
    "key": ("key", "tonic"),
}
"""Kinds of terms that say the same of the whole song."""
_NAME = r"(?P<section{n}>{which}?(?:{sung}|bridges?|interludes?|middle(?: (?:section|part|eight))?|(?:first|second|last|final) (?:half|part|section))(?: [1-4](?! ?bars?|/))?)"
_SAID = (
    r"(?P<genre{n}>{genre})(?:[- ](?:style|inspired|ish))?|(?P<feel{n}>swing|swung|straight|shuffle)"
    r"|(?P<metre{n}>[2-9]/[248]|1[0-9]/[48]|waltz(?: time)?)(?: time)?|(?P<bpm{n}>\d{2,3}) ?bpm|(?P<key{n}>(?-i:[A-G])(?:[ -](?:sharp|flat)|#|b)? (?:major|minor)|major|minor)"
)
_BETWEEN = r"(?:\s?[:(]\s?|\s[-–—]\s|,? (?:(?:that|which) )?(?:(?:should be|must be|is|are|goes|changes|switches) )?(?:(?:in|to|into|at|like|as) )?(?:(?:an?(?! minor\b| major\b)|a(?= (?:major|minor) key)|the key of) )?)"
_ENDS = r"(?=\W{0,3}(?:$|[,.;:!?)\]|/]|(?:and|but|then|while|with|style|time{more})\b))"
_GOES_ON = "|in|on|at|of|for|from|to|before|after|where|that|which|is|should|goes|has"
"""What may stand behind a section with something before it: no noun, as in `rock chorus line dancers`."""


class SaidSections(NamedTuple):
    """Changes of tempo and key that a text asks for of one section, and a line of each kind that no section has alone."""

    changes: tuple[Change, ...]
    lines: tuple[str, ...]


def take_sections(text: str) -> tuple[SaidSections, str]:
    """What holds in one section alone, and the text without it; of two sections the first one's stays where the song has none."""
    every = [*_pattern().finditer(text)]
    found = [match for match in every if _is_asked(text, match, len(every) > 1)]
    rest = text
    for match in reversed(found):
        rest = f"{rest[: match.start()]}, {rest[match.end() :]}"
    said: dict[str, list[re.Match[str]]] = {}
    for match in found:
        said.setdefault(_what(match), []).append(match)
    whole = [
        _whole(what, of) for what, of in said.items() if not _says(rest, what) and (len(of) > 1 or what == "genre")
    ]
    lines = [_ONE[what].replace("…", ", ".join(m[0].lower() for m in of)) for what, of in said.items() if what in _ONE]
    changes = [change for match in found for change in _change(match)]
    return SaidSections(tuple(changes), tuple(lines)), ", ".join([rest, *filter(None, whole)])


def _what(match: re.Match[str]) -> str:
    return next(what for what in _WHOLE if match[f"{what}1"] or match[f"{what}2"])


def _value(match: re.Match[str]) -> str:
    what = _what(match)
    return str(match[f"{what}1"] or match[f"{what}2"])


def _whole(what: str, matches: Sequence[re.Match[str]]) -> str:
    """What the first section has, as words for the whole song."""
    value = _value(matches[0])
    if what == "key" and " " not in value:
        return f"in {value}"
    return {"genre": f"{value} song", "metre": f"in {value}", "bpm": f"{value} bpm", "key": f"in {value}"}.get(what, "")


def _says(text: str, what: str) -> bool:
    """Whether the rest of a text says it of the whole song."""
    return any(i.kind in _WHOLE[what] for i in items_of(text))


def _change(match: re.Match[str]) -> list[Change]:
    what, place = _what(match), place_of((match["section1"] or match["section2"]).lower())
    kind = {"bpm": PACE, "key": IN_KEY}.get(what)
    return [Change(kind, _value(match).lower(), place or Place("chorus"), match[0].lower())] if kind else []


def _is_asked(text: str, match: re.Match[str], several: bool) -> bool:
    """Whether a match is of a song, and asked for; what a metre, a tempo or a key is of can be nothing else, nor can `several`."""
    told = any(i.kind == "story" or i.text in PEOPLE for i in items_of(parted(text, match)))
    sure = several or _what(match) in ("metre", "bpm", "key")
    music = sure or _sung().search(text) or any(i.kind in _OF_MUSIC for i in items_of(text))
    return bool(music) and not told and not denied(text, match)


@cache
def _sung() -> re.Pattern[str]:
    return re.compile(filled(r"\b{sung}\b", words_of(ENGLISH)), re.I)


@cache
def _pattern() -> re.Pattern[str]:
    """Something before or behind the name of a section."""
    ends, goes_on = _ENDS.replace("{more}", ""), _ENDS.replace("{more}", _GOES_ON)
    before = rf"(?:{_SAID.replace('{n}', '1')}) {_NAME.replace('{n}', '1')}{goes_on}"
    behind = rf"{_NAME.replace('{n}', '2')}{_BETWEEN}(?:{_SAID.replace('{n}', '2')}){ends}"
    return re.compile(filled(rf"(?<![\w'’-])(?:{before}|{behind})(?![\w'’-])", words_of(ENGLISH)), re.I)
