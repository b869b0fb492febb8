"""Who enters, leaves or is alone at a place of a song, as a sentence in English says it: changes of a course of `said_course.yaml`."""

from __future__ import annotations

import re

from kmidi_lab.composition.change import ALONE, ENTER, LEAVE, ONE_BY_ONE, WITHIN, Change
from kmidi_lab.composition.course_patterns import cue, pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_places import BARS, END, SECONDS, START, Place, place_of
from kmidi_lab.own_yaml import table

_IN_TURN = re.compile(r"\bfirst\b.* then ")
"""Players who enter in an order, as in `the bass comes in first, then the drums`."""
_IN_SECTION = re.compile(r"with (?:(?!only\b)[\w' ])+ in (?:the|each|every) ")
"""Players of one section, as in `with strings in the chorus`."""


def players_of(name: str, words: str) -> tuple[Change, ...]:
    """Who enters, leaves, is alone or does not play at a place."""
    if pattern_of(table(__name__, "said_course.yaml")["one_by_one"], ENGLISH).search(words):
        return (Change(ONE_BY_ONE, "", None, words),)
    who = named_players(words)
    if _IN_TURN.search(words):
        return (Change(ONE_BY_ONE, who, None, words),)
    place = place_of(words)
    if not who:
        return ()
    if place and cue("rejoins", ENGLISH).search(words):
        return (Change(ALONE, _before_all(words), _until(place), words),)
    if place and (cue("within", ENGLISH).search(words) or _IN_SECTION.match(words)):
        return (Change(WITHIN, who, place, words),)
    if cue("alone", ENGLISH).search(words) or cue("begins", ENGLISH).match(words):
        edge = END if cue("ends", ENGLISH).match(words) else START
        return (Change(ALONE, who, place or Place(edge), words),)
    if name == "absence" or cue("leaves", ENGLISH).search(words):
        return (Change(LEAVE, who, place or Place(END), words),)
    if place and cue("until", ENGLISH).search(words):
        place = place._replace(side=0)  # who rests until the chorus enters in it
    return (Change(WITHIN if place and place.until else ENTER, who, place, words),)


def named_players(words: str) -> str:
    """The players that words name, each once, such as `bass, drums`."""
    return ", ".join(dict.fromkeys(match[0].lower() for match in cue("player", ENGLISH).finditer(words)))


def _before_all(words: str) -> str:
    """The players who play before everybody does: `bass, drums` of `only bass and drums, then everything comes in at bar 9`."""
    return named_players(words[: match.start()] if (match := cue("rejoins", ENGLISH).search(words)) else words)


def _until(place: Place) -> Place:
    return place._replace(side=-1) if place.kind in (BARS, SECONDS) else Place(START)
