"""What a course that a sentence asks for is in a song: a loudness, a part that enters, and so on, each at its place."""

from __future__ import annotations

import re

from kmidi_lab.composition.change import (
    DOUBLE,
    FAST,
    FASTER,
    FEEL,
    HALF,
    LEVEL,
    LOUDER,
    PACE,
    PLAYED,
    RISE,
    SLOW,
    SLOWER,
    SOFT,
    SOLO,
    STOP,
    STOP_TIME,
    Change,
)
from kmidi_lab.composition.course_patterns import cue, pattern_of
from kmidi_lab.composition.glossary import knows
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_entries import named_players, players_of
from kmidi_lab.composition.said_levels import at_a_spot, levels_of, outburst
from kmidi_lab.composition.said_places import END, START, Place, place_of, places_of
from kmidi_lab.composition.said_turns import moods, shifted, turned_keys
from kmidi_lab.composition.vocabulary import kinds
from kmidi_lab.own_yaml import table

_STOPS = re.compile(r"\b(?:stop|paus|break (?!down|loose|out|open))")
_HALF_FEEL = re.compile(r"\bhalf[- ]time\b|\bfeel\b")
"""Half time, which is the drums' and no half tempo."""


_HALVED = re.compile(r"hal[bv]|half|moitié|mitad|dimezz|metà|metade|lang[sz]a+m|lent", re.I)
"""What of a tempo that changes all at once makes it half as fast, in other languages than English."""
_ANY = re.compile(r"wechsel|chang|cambi|mudan|wissel", re.I)
"""What says no more than that it changes."""


def changes_of(name: str, words: str, language: str = ENGLISH) -> tuple[Change, ...]:
    """What a course of `said_course.yaml` is, by its name there and the words that ask for it; nothing where no song does it."""
    if name == "section":
        return levels_of(words, language)
    if name == "spot":
        return at_a_spot(words)
    if name == "arc":
        return (_stops(words) if place_of(words) else ()) or outburst(words, language)
    if name == "solo":
        who = next((one for one in named_players(words).split(", ") if kinds().get(one, ("",))[0] == "instrument"), "")
        return (Change(SOLO, who, Place("solo"), words),) if who else ()
    if name == "build":
        return (Change(LEVEL, RISE, place_of(words), words),)
    if name == "stop":
        return _stops(words)
    if name == "stop time":
        return (Change(STOP, STOP_TIME, place_of(words), words),)
    if name == "feel":
        return (Change(FEEL, HALF, place_of(words), words),)
    if name in ("entry", "absence"):
        return players_of(name, words)
    if name in ("amount", "way"):
        return _parts(name, words)
    if name == "pace":
        return _paces(words) if language == ENGLISH else _paces_elsewhere(words, language)
    if name == "mood":
        return moods(words, language)
    return turned_keys(words) if name == "key" and language == ENGLISH else shifted(words) if name == "shift" else ()


def swelling(arc: str, words: str) -> tuple[Change, ...]:
    """A rise or a fall that words place somewhere: a part of the song that builds up to its end, or is calm."""
    place = place_of(words)
    value = {"Climb-to-Climax": RISE, "Descent": SOFT}.get(arc)
    return (Change(LEVEL, value, place, words),) if place and value else ()


def leading(words: str, language: str = ENGLISH) -> tuple[Change, ...]:
    """A tempo that rises or falls at a place, or into it, such as `speeds up before the chorus`; nothing of words without one."""
    place, slower = place_of(words), bool(cue("falls", ENGLISH).search(words))
    if place is None:
        return ()
    if (
        language != ENGLISH and knows(language) and cue("jumps", language).search(words)
    ):  # such as `het tempo in het refrein verdubbelt`
        jumps = () if _ANY.search(words) else (HALF if _HALVED.search(words) else DOUBLE,)
        return tuple(Change(PACE, jump, place, words) for jump in jumps)
    place = place._replace(side=-1) if cue("leads", ENGLISH).search(words) else place
    return (Change(PACE, SLOWER if slower else FASTER, place, words),)


def _paces(words: str) -> tuple[Change, ...]:
    """The tempo of each place that words name: `slow verses and fast choruses`, `half the tempo in the bridge`; of
    a `half-time bridge` the feel.
    """
    speeds = [match[0] for match in cue("jump", ENGLISH).finditer(words)]
    begins = cue("begins", ENGLISH).match(words)
    places: list[Place | None] = [Place(START)] if begins else [*places_of(words)]
    if len(speeds) == 1 and not places and jump_of(speeds[0]) in (HALF, DOUBLE):
        places = [None]  # such as `doubles the tempo`
    return tuple(
        Change(FEEL, HALF, place, words) if _HALF_FEEL.search(speed) else Change(PACE, jump_of(speed), place, words)
        for speed, place in zip(speeds, places, strict=False)
    )


def _paces_elsewhere(words: str, language: str) -> tuple[Change, ...]:
    """The same in another language: `langsame Strophen und schnelle Refrains`, `le pont deux fois plus lent`."""
    found = pattern_of("(?P<jump>{jumps})|(?P<slow>{slow})|{fast}", language).finditer(words)
    said = [
        (HALF if _HALVED.search(m["jump"]) else DOUBLE) if m["jump"] else SLOW if m["slow"] else FAST for m in found
    ]
    return tuple(Change(PACE, pace, place, words) for pace, place in zip(said, places_of(words), strict=False))


def jump_of(speed: str) -> str:
    """What a tempo's words ask for."""
    if cue("doubled", ENGLISH).search(speed):
        return DOUBLE
    return HALF if cue("halved", ENGLISH).search(speed) else SLOW if "slow" in speed else FAST


def _parts(name: str, words: str) -> tuple[Change, ...]:
    """Who is to be louder or softer, or how a part is played: `louder drums`, `pizzicato strings`."""
    who = named_players(words)
    if name == "amount":
        softer = cue("softer", ENGLISH).search(words)
        return (Change(LOUDER, f"{'softer' if softer else 'louder'} {who}", None, words),) if who else ()
    way = next(way for way in table(__name__, "said_course.yaml")["ways"] if way[:5] in words.replace(" ", "-"))
    return (Change(PLAYED, f"{way} {who}".strip(), None, words),)


def _stops(words: str) -> tuple[Change, ...]:
    """A stop at a place, such as `stops before the last chorus`, or of a song `with stops`; none at the end, where it stops anyway."""
    place = place_of(words)
    ends = place is not None and place.kind == END
    return (Change(STOP, "", place, words),) if _STOPS.search(words) and not ends else ()
