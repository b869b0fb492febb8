"""Who plays where, in other languages than English: `zweite Strophe ohne Schlagzeug`, `la batterie entre au refrain`.

Languages order these words in many ways. So what counts is which of them stand in one clause: players, a place, and a word
such as `without`, `only` or `comes in`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from kmidi_lab.composition.change import ALONE, ENTER, LEAVE, SOLO, WITHIN, Change
from kmidi_lab.composition.form import KINDS
from kmidi_lab.composition.glossary import kind_of_term, knows, pattern_of_words, plain_letters, terms, words_in
from kmidi_lab.composition.said_places import BARS, LATE, SECONDS, START, Place, found_places
from kmidi_lab.composition.said_where import names_music
from kmidi_lab.own_yaml import table

_CLAUSE = re.compile(r"[^,;.!?()\n]+(?:\.(?=\d)[^,;.!?()\n]+)*")
_AND = re.compile(r" (?:und|aber|et|mais|y|pero|e|ma|mas|maar) ", re.I)
_AND_OR_EN = re.compile(r" (?:en|maar) ", re.I)
"""The same in Dutch, whose `en` is a Spanish and a French `in`."""
_A_SOLO = re.compile(r"\bsolos?\b(?P<of> d(?:e|i|u|el|ella|a|o)\b)?", re.I)
_NEAR = 80
"""Letters before and behind an `and` that are looked at, so that a long text is read as fast as a short one."""
_ARTICLE = 6
"""Letters between a word and the player that it is of, at most."""
_SECTIONS = (*KINDS, BARS, SECONDS)
"""Places that are of a song wherever they are named."""


class _Named(NamedTuple):
    name: str
    start: int
    end: int


def take_players(text: str, language: str) -> tuple[list[Change], str]:
    """Who enters, leaves, is alone or plays at a place only, and the text without these words; players who do play stay in it."""
    if not knows(language):
        return [], text
    changes: list[Change] = []
    taken: list[tuple[int, int, str]] = []
    plain = plain_letters(text, language)
    music = names_music(text, language) or any(place.kind in _SECTIONS for place, *_ in found_places(text))
    for start, end in _clauses(text, language):
        players = [_Named(n, a, b) for n, a, b in _players(plain[start:end], language)]
        found = _change(text[start:end], plain[start:end], players, language, music or bool(changes))
        if found is not None:
            change, first, last = found
            with_them = words_in(language)["terms"]["with"].split("|")[0]
            stay = (
                ""
                if change.what in (LEAVE, SOLO)
                else "".join(f", {with_them} {text[start + p.start : start + p.end]}" for p in players)
            )
            taken.append((start + first, start + last, f"{stay}, "))
            changes.append(change)
    for first, last, stay in reversed(taken):
        text = f"{text[:first].rstrip()}{stay}{text[last:].lstrip()}"
    return changes, text


def _clauses(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Where clauses begin and end; of two that an `and` joins each names a place, or who is alone."""
    alone = _marks(language)["alone"]
    for clause in _CLAUSE.finditer(text):
        start = clause.start()
        for joint in (_AND_OR_EN if language == "Dutch" else _AND).finditer(clause[0]):
            at = clause.start() + joint.start()
            before, behind = text[max(start, at - _NEAR) : at], text[at : min(clause.end(), at + _NEAR)]
            if found_places(behind) and (found_places(before) or alone.search(before)):
                yield start, at
                start = clause.start() + joint.end()
        for joint in _begins_with("then").finditer(text, start, clause.end()):
            if joint.start() > start:
                yield start, joint.start()
                start = joint.start()
        yield start, clause.end()


def _players(plain: str, language: str) -> Iterator[tuple[str, int, int]]:
    for name, start, end in terms(language).found(plain):
        english = name or plain[start:end].lower()
        if kind_of_term(english) in ("instrument", "part"):
            yield english, start, end


def _change(
    clause: str, plain: str, players: list[_Named], language: str, music: bool
) -> tuple[Change, int, int] | None:
    """What a clause asks of its players, and where the words that do so begin and end."""
    if not players:
        return None
    marks = {name: pattern.search(plain) for name, pattern in _marks(language).items()}
    places = [(p, a, b) for p, a, b in found_places(clause) if music or p.kind in _SECTIONS]
    places = [(p, a, b) for p, a, b in places if not (p.kind == "solo" and _beside(players, a, b))]
    if solo := _solo(clause, plain, players, places, bool(marks["with"])):
        return solo
    if not places and music and marks["enters"] and (late := marks["late"] or _begins_with("then").match(clause)):
        places = [(Place(LATE), late.start(), late.end())]
    begins = _begins_with("first").match(clause) if marks["only"] or marks["alone"] else None
    if not places and begins:
        places = [(Place(START), *begins.span())]
    if not places and marks["alone"] and marks["enters"]:
        places = [(Place(START), *marks["alone"].span())]
    if not places:
        return None
    place, *where = places[0]
    what = ALONE if begins else _what(marks, players, place, where)
    if not what:
        return None
    if what == ENTER:
        place = place._replace(side=max(place.side, 0))  # who rests until the chorus enters in it
    said = [
        m.span() for name, m in marks.items() if m and name in ("without", "only", "alone", "enters", "leaves", "until")
    ]
    first = min(*(p.start for p in players), where[0], *(a for a, _ in said))
    last = max(*(p.end for p in players), where[1], *(b for _, b in said))
    who = ", ".join(dict.fromkeys(p.name for p in players))
    return Change(what, who, place, " ".join(clause[first:last].lower().split())), first, last


def _beside(players: Sequence[_Named], start: int, end: int) -> bool:
    """Whether a `solo` stands right beside a player, who plays alone: `solo guitarra`."""
    return any(0 <= p.start - end <= 1 or 0 <= start - p.end <= 1 for p in players)


def _solo(
    clause: str, plain: str, players: Sequence[_Named], places: Sequence[tuple[Place, int, int]], asked: bool
) -> tuple[Change, int, int] | None:
    """A solo that is a section: `con solo de guitarra`, `Gitarrensolo nach dem zweiten Refrain`; who only plays alone has none."""
    for match in _A_SOLO.finditer(plain):
        near = [p.start - match.end() if match["of"] else match.start() - p.end for p in players]
        who = next(
            (p for p, gap in zip(players, near, strict=True) if 0 <= gap <= (_ARTICLE if match["of"] else 1)), None
        )
        others = [(a, b) for place, a, b in places if place.kind != "solo"]
        if who and kind_of_term(who.name) == "instrument" and (others or (asked and match["of"])):
            first = min(who.start, match.start(), *(a for a, _ in others))
            last = max(who.end, match.end(), *(b for _, b in others))
            return Change(SOLO, who.name, Place("solo"), " ".join(clause[first:last].lower().split())), first, last
    return None


def _what(
    marks: Mapping[str, re.Match[str] | None], players: Sequence[_Named], place: Place, where: Sequence[int]
) -> str:
    """The kind of change that words ask for at a place, which stands at `where`; empty where none do."""
    if marks["without"]:
        return ENTER if marks["until"] else LEAVE
    if marks["leaves"]:
        return LEAVE
    if marks["alone"]:
        return ALONE
    if marks["enters"] or place.kind == SECONDS:
        return WITHIN if place.until else ENTER
    if only := marks["only"]:
        return ALONE if 0 <= players[0].start - only.end() <= _ARTICLE else WITHIN
    beside = (with_them := marks["with"]) and 0 <= players[0].start - with_them.end() <= _ARTICLE
    near = (
        0 <= where[0] - players[-1].end <= _ARTICLE + 3
    )  # as in `with strings in the chorus`, or `chorus with strings`
    near = near or bool(with_them and 0 <= with_them.start() - where[1] <= 1)
    return WITHIN if beside and near and place.kind in KINDS else ""


@cache
def _begins_with(name: str) -> re.Pattern[str]:
    """What a clause begins with in which somebody is alone `first`, or in which others come in `then`."""
    return re.compile(
        rf"(?:^\s*|(?<= ))(?:{table(__name__, 'said_course.yaml')['one_behind_the_other'][name]})\b", re.I
    )


@cache
def _marks(language: str) -> dict[str, re.Pattern[str]]:
    """What tells in a clause who plays, by its name."""
    words = {**words_in(language)["terms"], **table(__name__, "said_course.yaml")["who_plays"][language]}
    words["without"] = f"{words['without']}|{words['none']}"
    names = ("without", "only", "alone", "enters", "leaves", "late", "until", "with")
    known = {name: "|".join(pattern_of_words(words[name], language)) for name in names}
    return {name: re.compile(rf"(?<!\w)(?:{said})(?!\w)", re.I) for name, said in known.items()}
