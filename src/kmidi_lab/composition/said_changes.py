"""What a course that a sentence asks for is in a song: a loudness, a part that enters, and so on, each at its place."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.change import (
    DOUBLE,
    FAST,
    FASTER,
    FEEL,
    HALF,
    LEVEL,
    LOUD,
    LOUDER,
    PACE,
    PLAYED,
    RISE,
    SLOW,
    SLOWER,
    SOFT,
    STOP,
    Change,
)
from kmidi_lab.composition.course_patterns import cue, pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_entries import named_players, players_of
from kmidi_lab.composition.said_places import END, START, Place, place_of, places_of
from kmidi_lab.composition.said_turns import moods, shifted, turned_keys
from kmidi_lab.own_yaml import table

_THIRDS = 3
_STOPS = re.compile(r"\b(?:stop|paus|break (?!down|loose|out|open))")
_FEEL = re.compile(r"\bfeel\b")
"""Half time that is no half tempo."""
_A_DROP = re.compile(r"(?:(?:the|a) )?(?:big )?drops? (?:at|after|in) (?:bar )?\d")
"""What dance music is loudest at, as in `drop at bar 33`."""


def changes_of(name: str, words: str, language: str = ENGLISH) -> tuple[Change, ...]:
    """What a course of `said_course.yaml` is, by its name there and the words that ask for it; nothing where no song does it."""
    if name == "section":
        return _levels(words, language)
    if name == "arc":
        return _stops(words) or _outburst(words, language)
    if name == "stop":
        return _stops(words)
    if name == "feel":
        return (Change(FEEL, HALF, place_of(words), words),)
    if name in ("entry", "absence"):
        return players_of(name, words)
    if name in ("amount", "way"):
        return _parts(name, words)
    if name == "pace":
        return _paces(words)
    if name == "mood":
        return moods(words, language)
    return turned_keys(words) if name == "key" and language == ENGLISH else shifted(words) if name == "shift" else ()


def swelling(arc: str, words: str) -> tuple[Change, ...]:
    """A rise or a fall that words place somewhere: a part of the song that builds up to its end, or is calm."""
    place = place_of(words)
    value = {"Climb-to-Climax": RISE, "Descent": SOFT}.get(arc)
    return (Change(LEVEL, value, place, words),) if place and value else ()


def leading(words: str) -> tuple[Change, ...]:
    """A tempo that rises or falls at a place, or into it, such as `speeds up before the chorus`; nothing of words without one."""
    place, slower = place_of(words), bool(cue("falls", ENGLISH).search(words))
    if place is None:
        return ()
    place = place._replace(side=-1) if cue("leads", ENGLISH).search(words) else place
    return (Change(PACE, SLOWER if slower else FASTER, place, words),)


def _paces(words: str) -> tuple[Change, ...]:
    """The tempo of each place that words name: `a half-time bridge`, `slow verses and fast choruses`, `doubles the tempo at the end`."""
    jump = DOUBLE if cue("doubled", ENGLISH).search(words) else HALF if cue("halved", ENGLISH).search(words) else ""
    if jump == HALF and _FEEL.search(words):
        return (Change(FEEL, HALF, place_of(words), words),)
    if jump:
        return (Change(PACE, jump, place_of(words), words),)
    speeds = [match[0] for match in cue("speed", ENGLISH).finditer(words)]
    places = [place for place in places_of(words) if place]
    said = zip(speeds, places, strict=False)
    return tuple(Change(PACE, SLOW if "slow" in speed else FAST, place, words) for speed, place in said)


def _parts(name: str, words: str) -> tuple[Change, ...]:
    """Who is to be louder or softer, or how a part is played: `louder drums`, `pizzicato strings`."""
    who = named_players(words)
    if name == "amount":
        softer = cue("softer", ENGLISH).search(words)
        return (Change(LOUDER, f"{'softer' if softer else 'louder'} {who}", None, words),) if who else ()
    way = next(way for way in table(__name__, "said_course.yaml")["ways"] if way[:5] in words.replace(" ", "-"))
    return (Change(PLAYED, f"{way} {who}".strip(), None, words),)


def _levels(words: str, language: str) -> tuple[Change, ...]:
    """The loudness of each section that words name: `quiet verses and loud choruses`, `couplets doux et refrains forts`."""
    found: list[tuple[bool, str]] = []
    for match in _tokens(language).finditer(words):
        found.append((match["section"] is not None, match[0]))
    order = 1 if found and found[0][0] else -1
    out = []
    for n, (is_section, said) in enumerate(found):
        beside = found[n + order] if is_section and 0 <= n + order < len(found) else (True, "")
        place = place_of(said)
        if is_section and not beside[0] and place:
            out.append(Change(LEVEL, _loudness(beside[1], language), place, words))
    return tuple(out)


def _stops(words: str) -> tuple[Change, ...]:
    """A stop at a place, such as `stops before the last chorus`; none at the song's end, where it stops anyway."""
    place = place_of(words)
    return (Change(STOP, "", place, words),) if place and place.kind != END and _STOPS.search(words) else ()


def _outburst(words: str, language: str) -> tuple[Change, ...]:
    """What a song does at one place, such as `explodes in the chorus`, or in turns, such as `loud, then quiet, then loud`."""
    if language == ENGLISH and any(match["level"] for match in _steps().finditer(words)):
        return _course_of_levels(words)
    places = places_of(words)
    if _A_DROP.match(words):
        return tuple(Change(LEVEL, LOUD, place, words) for place in places)
    soft = bool(cue("soft_verbs", language).search(words))
    loud = bool(cue("loud_verbs", language).search(words)) if language == ENGLISH else not soft
    if language != ENGLISH and places and all(cue(name, language).search(words) for name in ("quiet", "begins")):
        before = [Place(START), *(place._replace(order=max(place.order, 1), side=-1) for place in places[:1])]
        return (
            *(Change(LEVEL, SOFT, place, words) for place in before),
            *(Change(LEVEL, LOUD, place, words) for place in places),
        )
    if places and loud is not soft:
        return tuple(Change(LEVEL, LOUD if loud else SOFT, place, words) for place in places)
    if language != ENGLISH or places:
        return ()
    levels = [_loudness(match[0], language) for match in cue("level", language).finditer(words)]
    if len(levels) < _THIRDS:
        return ()
    return tuple(Change(LEVEL, level, None, words, (n, len(levels))) for n, level in enumerate(levels))


def _course_of_levels(words: str) -> tuple[Change, ...]:
    """A loudness at the beginning, at places and at the end: `starts quiet, gets loud in the chorus and ends quiet`.

    As it begins it goes on to the first place.
    """
    out: list[Change] = []
    for match in _steps().finditer(words):
        soft = (
            cue("quiet", ENGLISH).fullmatch(match["level"])
            if match["level"]
            else cue("soft_verbs", ENGLISH).search(match[0])
        )
        edge = Place(START) if match["begin"] else Place(END)
        for place in [edge] if match["level"] else places_of(match["where"]):
            if len(out) == 1 and out[0].place == Place(START) and not (match["level"] or place.side):
                out.append(Change(LEVEL, out[0].value, place._replace(order=max(place.order, 1), side=-1), words))
            out.append(Change(LEVEL, SOFT if soft else LOUD, place, words))
    return tuple(out)


def _loudness(word: str, language: str) -> str:
    return SOFT if cue("quiet", language).fullmatch(word.strip()) else LOUD


@cache
def _tokens(language: str) -> re.Pattern[str]:
    which = "{which}?" if language == ENGLISH else "{which}"
    return pattern_of(f"(?P<section>{which}{{section}})|{{level}}", language)


@cache
def _steps() -> re.Pattern[str]:
    return pattern_of(
        "{bursts} (?P<where>{somewhere})|(?:(?P<begin>{begins})|(?P<end>{ends})) {very}(?P<level>{level})", ENGLISH
    )
