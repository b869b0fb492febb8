"""The form of a song as people write it in a sentence: `AABA`, `verse chorus verse chorus bridge chorus`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from kmidi_lab.composition.form import LONGEST, LONGEST_SECTION
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_places import BAR

NAMES = {
    "intro": "intro", "verse": "verse", "pre-chorus": "pre-chorus", "prechorus": "pre-chorus", "chorus": "chorus",
    "refrain": "chorus", "hook": "chorus", "bridge": "bridge", "middle eight": "bridge", "solo": "solo",
    "breakdown": "breakdown", "build-up": "build-up", "drop": "drop", "outro": "outro", "coda": "outro",
}  # fmt: skip
"""What sections are called, and the kind that it is."""
_ELSEWHERE = NAMES | {
    "strophe": "verse", "mittelteil": "bridge", "vorspiel": "intro", "nachspiel": "outro", "couplet": "verse", "pont": "bridge",
    "estrofa": "verse", "estribillo": "chorus", "puente": "bridge", "strofa": "verse", "ritornello": "chorus", "ponte": "bridge",
    "assolo": "solo", "finale": "outro", "final": "outro", "estrofe": "verse", "refrão": "chorus", "refrein": "chorus", "brug": "bridge",
}  # fmt: skip
"""The same in other languages than English."""
_AND = "then|and|und|dann|et|puis|y|luego|e|poi|depois|en|dan"
_BESIDE = (
    "an?|the|eine?|einen|der|die|das|final|last|first|second|third|another|big|huge|loud|quiet|soft|calm|gentle|wild|long|short|extended|instrumental|closing|opening|"
    "guitar|piano|sax|drum|double|"
    "letzter|erster|zweiter|doppelter|lauter|leiser|großer|le|la|l|un|une|dernier|dernière|premier|première|double|grand|el|una|último|última|primer|"
    "primera|doble|gran|il|lo|uno|ultimo|ultima|primo|prima|doppio|o|um|uma|primeiro|primeira|duplo|het|een|laatste|eerste|dubbel|dubbele"
)
"""Words before a section that leave it what it is."""
_DOUBLE = "double|doppelter|doble|doppio|duplo|dubbele?"
_TWICE = r" ?(?:x ?2|×2|2x|twice)"
_WITHOUT = "without|no|skip|ohne|keine?n?|sans|sin|senza|sem|zonder|geen"
_LEAST = 4
"""Bars of a section whose number stands behind its name without a word, as in `intro 4, verse 8, chorus 8`: less counts sections."""
_STOP = re.compile(r"[;.]")
_LETTERS = re.compile(r"(?<![\w/])(?P<plan>A(?:-?[A-D]){2,7})(?![\w/])(?: song)?(?: (?:form|structure)\b)?")
_NAMED = re.compile(r"\b(?:form|structure)\b", re.I)


class SaidForm(NamedTuple):
    """Kinds of the sections in order, the words that say so, and the bars of each where they say these, too."""

    kinds: tuple[str, ...]
    words: str
    bars: tuple[int, ...] = ()


def section_names() -> str:
    """A pattern of what sections are called in the languages that are read, one or several."""
    return rf"(?:{_any_of(_ELSEWHERE)})(?:e?[sn])?"


def kind_of(name: str) -> str:
    """The kind of section that a name which `section_names` knows means."""
    name = name.lower()
    return next(
        _ELSEWHERE[name.removesuffix(end)] for end in ("", "s", "n", "es", "en") if name.removesuffix(end) in _ELSEWHERE
    )


def take_form(text: str, language: str = ENGLISH) -> tuple[SaidForm | None, str]:
    """The form that a text names, and the text without it; the first counts."""
    names = NAMES if language == ENGLISH else _ELSEWHERE
    text = _numbered(language == ENGLISH).sub(_with_bars, _denied(language == ENGLISH).sub(" , ", text))
    if match := _counted(language == ENGLISH).search(text):
        sections = [*_section(language == ENGLISH).finditer(match[0].lower())]
        bars = tuple(int(one["before"] or one["behind"]) for one in sections)
        if len(sections) > 1 and all(1 <= own <= LONGEST_SECTION for own in bars) and sum(bars) <= LONGEST:
            kinds = tuple(names[one["name"] or one["name2"]] for one in sections)
            return SaidForm(kinds, match[0].lower(), bars), _without(text, match)
    if match := _list(language == ENGLISH).search(text):
        found = re.finditer(
            rf"(?P<double>\b(?:{_DOUBLE}) )?(?P<name>{_any_of(names)})(?P<twice>{_TWICE}\b)?", match[0].lower()
        )
        named = [one["name"] for one in found for _ in range(2 if one["double"] or one["twice"] else 1)]
        if len({*named}) > 1:
            return SaidForm(tuple(names[name] for name in named), match[0].lower()), _without(text, match)
    for match in _LETTERS.finditer(text):
        plan = match["plan"].replace("-", "")
        if _is_plan(plan, bool(_NAMED.search(text))):
            return SaidForm(_kinds_of(plan), plan.lower()), _without(text, match)
    return None, text


def take_counted(text: str) -> tuple[SaidForm | None, str]:
    """The form of a text that tells of each section behind its bars, as in `intro: 8 bars, piano; verse: 16 bars, add bass`,
    and the text without these bars.
    """
    found = [*_section(True).finditer(text)]
    bars = tuple(int(one["before"] or one["behind"]) for one in found)
    apart = all(_STOP.search(text[a.end() : b.start()]) for a, b in pairwise(found))
    if len(found) < 2 or not apart or not all(1 <= own <= LONGEST_SECTION for own in bars) or sum(bars) > LONGEST:
        return None, text
    names = [one["name"] or one["name2"] for one in found]
    for match, name in zip(reversed(found), reversed(names), strict=True):
        text = f"{text[: match.start()]}{name}: {text[match.end() :].lstrip(' ,:)')}"
    kinds = tuple(NAMES[name.lower()] for name in names)
    return SaidForm(kinds, ", ".join(f"{kind} {own}" for kind, own in zip(kinds, bars, strict=True)), bars), text


@cache
def _list(english: bool) -> re.Pattern[str]:
    """Three sections or more, one behind the other."""
    number = rf"(?: [1-9](?! ?(?:{BAR}|/)\b|\d))?"
    name = rf"(?:(?:{_BESIDE}) ){{0,4}}(?:{_any_of(NAMES if english else _ELSEWHERE)})\b{number}(?:{_TWICE}\b)?"
    return re.compile(rf"\b{name}(?:(?:\W|\b(?:{_AND})\b)+{name}){{2,}}", re.I)


@cache
def _numbered(english: bool) -> re.Pattern[str]:
    """Three sections or more with a number each."""
    one = rf"(?:{_any_of(NAMES if english else _ELSEWHERE)}) \d{{1,2}}(?! ?(?:{BAR}|/)\b)"
    return re.compile(rf"\b{one}(?:(?:\W|\b(?:{_AND})\b)+{one}){{2,}}\b", re.I)


def _with_bars(match: re.Match[str]) -> str:
    """Sections whose numbers are their bars, with that word."""
    counted = all(int(number) >= _LEAST for number in re.findall(r"\d+", match[0]))
    return re.sub(r"(\d+)", r"\1 bars", match[0]) if counted else match[0]


@cache
def _section(english: bool) -> re.Pattern[str]:
    """A section with its bars, as in `verse 16 bars`, `an intro of 8 bars` and `8 bar intro`."""
    name = _any_of(NAMES if english else _ELSEWHERE)
    return re.compile(
        rf"\b(?:(?P<before>\d{{1,3}})[- ]?(?:{BAR}) (?P<name>{name})"
        rf"|(?P<name2>{name})\b:?(?: (?:of|with|for|is|has|von|mit|de|di|van))* \(?(?P<behind>\d{{1,3}})(?:[- ]?(?:{BAR})\b)\)?)",
        re.I,
    )


@cache
def _counted(english: bool) -> re.Pattern[str]:
    """Two sections or more with their bars, one behind the other."""
    one = re.sub(r"\?P<\w+>", "?:", _section(english).pattern)
    return re.compile(rf"{one}(?:(?:\W|\b(?:{_AND}|{_BESIDE})\b)+{one})+", re.I)


@cache
def _denied(english: bool) -> re.Pattern[str]:
    """A section that a song is to do without, which is told elsewhere."""
    name = _any_of(NAMES if english else _ELSEWHERE)
    return re.compile(rf"\b(?:{_WITHOUT}) (?:(?:an?|any|the|un|une|una|um|uma|een) )?(?:{name})\b", re.I)


def _any_of(names: Iterable[str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()].rstrip()}{', ' if text[: match.start()].strip() else ''}{text[match.end() :].lstrip(' ,')}"


def _is_plan(plan: str, named: bool) -> bool:
    """Whether letters are a form: each new one is the next of the alphabet, and one returns; three and `ABBA` need the word form."""
    firsts = list(dict.fromkeys(plan))
    in_order = firsts == sorted(firsts) and "".join(firsts) == "ABCD"[: len(firsts)]
    return in_order and 1 < len(firsts) < len(plan) and (named or (len(plan) > 3 and plan != "ABBA"))


def _kinds_of(plan: str) -> tuple[str, ...]:
    """A is the verse; what returns beside it the chorus; what comes once between the bridge, and another one a solo."""
    rest = list(dict.fromkeys(letter for letter in plan if letter != "A"))
    returning: Sequence[str] = [letter for letter in rest if plan.count(letter) > 1]
    once = [letter for letter in rest if letter not in returning]
    kinds = {"A": "verse"} | dict(zip(returning, ("chorus", "pre-chorus", "solo"), strict=False))
    kinds |= dict(zip(once, ("bridge", "solo", "breakdown"), strict=False))
    return tuple(kinds[letter] for letter in plan)
