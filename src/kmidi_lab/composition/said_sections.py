"""A style, a metre, a tempo or a key of one section, as in `the bridge in 3/4`, `a reggae verse and a rock chorus`, `the chorus at 140 bpm`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.composition.change import IN_KEY, PACE, Change
from kmidi_lab.composition.course_patterns import BE, filled, words_of
from kmidi_lab.composition.in_context import PEOPLE
from kmidi_lab.composition.languages import ENGLISH, MODES_ELSEWHERE
from kmidi_lab.composition.said_feel import items_of
from kmidi_lab.composition.said_form import section_names
from kmidi_lab.composition.said_places import ORDINALS, Place, place_of
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
    "mode": ("key", "tonic", "mode"),
}
"""Kinds of terms that say the same of the whole song."""
_NAME = r"(?P<section{n}>{which}?(?:{sung}|bridges?|interludes?|middle(?: (?:section|part|eight))?|(?:first|second|last|final) (?:half|part|section))(?: [1-4](?! ?bars?|/))?)"
_MANNER = r"(?P<genre{n}>{genre})(?:[- ](?:style|inspired|ish))?|(?P<feel{n}>swing|swung|straight|shuffle)"
_FIGURES = (
    r"(?P<metre{n}>[2-9]/[248]|1[0-9]/[48]|waltz(?: time)?)(?: time)?|(?:(?<=then )|(?=\d+ ?bpm))(?P<bpm{n}>\d{2,3})(?: ?bpm)?"
    r"|(?P<key{n}>(?-i:[A-G])(?:[ -](?:sharp|flat)|#|b)? (?:major|minor)|major|minor)"
)
_HERE = r"(?: (?:in|at|for|during) (?:the|each|every|its|all))?"
_BETWEEN = r"(?:\s?[:(]\s?|\s[-–—]\s|(?:,(?= that\b| which\b))? (?:(?:that|which) )?(?:(?:should be|must be|is|are|goes|changes|switches) )?(?:(?:in|to|into|at|like|as) )?(?:(?:an?(?! minor\b| major\b)|a(?= (?:major|minor) key)|the key of) )?)"
_ENDS = r"(?=\W{0,3}(?:$|[,.;:!?)\]|/]|(?:and|but|then|while|with|style|time{more})\b))"
_GOES_ON = "|in|on|at|of|for|from|to|before|after|where|that|which|is|should|goes|has"
"""What may stand behind a section with something before it: no noun, as in `rock chorus line dancers`."""


_FIGURES_ELSEWHERE = (
    r"(?P<metre{n}>[2-9]/[248]|1[0-9]/[48])(?:-?(?:takt|maat)\b)?|(?P<bpm{n}>\d{2,3}) ?bpm"
    r"|in (?P<key{n}>(?-i:[A-G])[#b]? (?:major|minor))|(?:in |en |em )?(?P<mode{n}>" + "|".join(MODES_ELSEWHERE) + ")"
)
"""The same in other languages, whose keys stand as in English."""
_NAME_ELSEWHERE = rf"(?P<section{{n}}>(?:\b(?:{ORDINALS}) )?\b{section_names()}(?: [1-4](?! ?(?:bars|/))?\b)?)"
_SMALL = r"(?:in|im|en|em|a|à|al|au|aux|auf|mit|con|com|avec|met|op|su|bei|beim|de|der|dem|die|das|het|el|la|le|les|il|o|um|uma|un|une|una|nel|nella|no|na)"
"""Words of other languages between a section and what it has."""
_RELATIVE = {1: 9, -1: 3}
"""Semitones from the tonic of a major and of a minor key to that of its relative."""


class SaidSections(NamedTuple):
    """Changes of tempo and key that a text asks for of one section, and a line of each kind that no section has alone."""

    changes: tuple[Change, ...]
    lines: tuple[str, ...]


def take_sections(text: str, language: str = ENGLISH) -> tuple[SaidSections, str]:
    """What holds in one section alone, and the text without it; of two sections the first one's stays where the song has none."""
    every = [*_pattern(language).finditer(text)]
    found = [match for match in every if _is_asked(text, match, len(every) > 1)]
    rest = text
    for match in reversed(found):
        rest = f"{rest[: match.start()]}, {rest[match.end() :]}"
    said: dict[str, list[re.Match[str]]] = {}
    for match in found:
        said.setdefault(_what(match), []).append(match)
    whole = [_whole(what, of) for what, of in said.items() if not _says(rest, what)]
    lines = [_ONE[what].replace("…", ", ".join(m[0].lower() for m in of)) for what, of in said.items() if what in _ONE]
    changes = [change for match in found for change in _change(match)]
    return SaidSections(tuple(changes), tuple(lines)), ", ".join([rest, *filter(None, whole)])


def _what(match: re.Match[str]) -> str:
    return next(what for what in _WHOLE if _group(match, what))


def _value(match: re.Match[str]) -> str:
    return _group(match, _what(match))


def _group(match: re.Match[str], name: str) -> str:
    found = match.groupdict()
    return found.get(f"{name}1") or found.get(f"{name}2") or ""


def _whole(what: str, matches: Sequence[re.Match[str]]) -> str:
    """What the first section has, as words for the whole song; of one key alone its relative, of one tempo or metre nothing."""
    value = MODES_ELSEWHERE.get(_value(matches[0]).lower(), _value(matches[0]))
    if what == "key" and len(matches) == 1:
        return f"in {_relative(value)}" if " " in value else ""
    if len(matches) == 1 and what != "genre":
        return ""
    return {
        "genre": f"{value} song",
        "metre": f"in {value}",
        "bpm": f"{value} bpm",
        "key": f"in {value}",
        "mode": f"in {value}",
    }.get(what, "")


def _relative(key: str) -> str:
    known = parse_spelling(key).key
    return str(Spelling.of(Key((known.tonic + _RELATIVE[known.mode]) % 12, -known.mode)))


def _says(text: str, what: str) -> bool:
    """Whether the rest of a text says it of the whole song."""
    return any(i.kind in _WHOLE[what] for i in items_of(text))


def _change(match: re.Match[str]) -> list[Change]:
    what, place = _what(match), place_of(_group(match, "section").lower())
    kind = {"bpm": PACE, "key": IN_KEY, "mode": IN_KEY}.get(what)
    value = _value(match).lower()
    return [Change(kind, MODES_ELSEWHERE.get(value, value), place or Place("chorus"), match[0].lower())] if kind else []


def _is_asked(text: str, match: re.Match[str], several: bool) -> bool:
    """Whether a match is of a song, and asked for; what a metre, a tempo or a key is of can be nothing else, nor can `several`."""
    told = any(i.kind == "story" or i.text in PEOPLE for i in items_of(parted(text, match)))
    sure = several or _what(match) in ("metre", "bpm", "key", "mode")
    music = sure or _sung().search(text) or any(i.kind in _OF_MUSIC for i in items_of(text))
    return bool(music) and not told and not denied(text, match)


@cache
def _sung() -> re.Pattern[str]:
    return re.compile(filled(r"\b{sung}\b", words_of(ENGLISH)), re.I)


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Something before or behind the name of a section."""
    ends, goes_on = _ENDS.replace("{more}", ""), _ENDS.replace("{more}", _GOES_ON)
    what, name = (f"(?:{_MANNER}|{_FIGURES})", _NAME) if language == ENGLISH else (_FIGURES_ELSEWHERE, _NAME_ELSEWHERE)
    before, between = rf"(?:{_MANNER}|(?:{_FIGURES}){_HERE}) ", _BETWEEN
    if language != ENGLISH:
        ends = goes_on = r"(?!\w)"
        before, between = rf"(?:{what}) (?:{_SMALL} ){{0,2}}", rf"(?:\s?[:(]\s?| {BE}(?:{_SMALL} ){{0,2}})"
    first, second = (
        rf"(?<!to )(?<!to \w ){before}{name}{goes_on}".replace("{n}", "1"),
        f"{name}{between}(?:{what}){ends}".replace("{n}", "2"),
    )
    return re.compile(filled(rf"(?<![\w'’-])(?:{first}|{second})(?![\w'’-])", words_of(ENGLISH)), re.I)
