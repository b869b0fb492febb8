"""How loud a place of a song is to be, as a sentence says it: `quiet verses and loud choruses`, `explodes in the chorus`."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.change import LEVEL, LOUD, LOUDER, SOFT, Change
from kmidi_lab.composition.course_patterns import cue, pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_mood import said_moods
from kmidi_lab.composition.said_places import END, START, Place, place_of, places_of
from kmidi_lab.composition.words import parts_of

_TURNS = 2
"""Loudnesses one behind the other that a song takes in turn, at least."""
_A_DROP = re.compile(r"(?:(?:the|a) )?(?:big )?drops? (?:at|after|in) (?:bar )?\d")
"""What dance music is loudest at, as in `drop at bar 33`."""


def levels_of(words: str, language: str) -> tuple[Change, ...]:
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
            out.append(Change(LEVEL, loudness(beside[1], language), place, words))
    return tuple(out)


def at_a_spot(words: str) -> tuple[Change, ...]:
    """The loudness of one place, such as `calm in the middle`; of what comes last, as in `then calm`, the end's."""
    level = cue("level", ENGLISH).search(words)
    how = loudness(level[0], ENGLISH) if level else LOUD  # such as `everything in the last chorus`
    return (Change(LEVEL, how, place_of(words) or Place(END), words),)


def outburst(words: str, language: str) -> tuple[Change, ...]:
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
    if places:
        return ()
    levels = [loudness(match[0], language) for match in cue("level", language).finditer(re.sub("[-/]", " ", words))]
    if len(levels) < _TURNS:
        return ()
    return tuple(Change(LEVEL, level, None, words, (n, len(levels))) for n, level in enumerate(levels))


def whole_loudness(text: str, language: str) -> list[Change]:
    """The loudness of a whole song that a clause by itself asks for, in another language than English: `ein Lied, ganz leise`."""
    level = pattern_of("{very}(?P<level>{level})", language)
    found = [
        m for clause in parts_of(text) if (m := level.fullmatch(clause.strip())) and not said_moods(m[0], language)
    ]
    return [
        Change(LOUDER, "softer" if loudness(m["level"], language) == SOFT else "louder", None, m[0].lower())
        for m in found[:1]
    ]


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


def loudness(word: str, language: str) -> str:
    """What a word for it asks for: soft or loud."""
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
