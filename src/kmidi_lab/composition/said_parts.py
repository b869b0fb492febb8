"""What each part of a song is to be, counted: `first part sad, second angry, third hopeful`, `three parts: calm, angry, happy`."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.change import FAST, LEVEL, MOOD, PACE, SLOW, Change
from kmidi_lab.composition.course_patterns import pattern_of
from kmidi_lab.composition.glossary import knows
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_levels import loudness
from kmidi_lab.composition.said_places import NTH
from kmidi_lab.composition.said_turns import said_in
from kmidi_lab.composition.said_where import denied
from kmidi_lab.own_yaml import table


def take_parts(text: str, language: str = ENGLISH) -> tuple[tuple[Change, ...], str]:
    """The mood, loudness or tempo of each part of a song in turn, and the text without them."""
    match = _pattern(language).search(text) if language == ENGLISH or knows(language) else None
    if match is None or denied(text, match):
        return (), text
    words, states = match[0].lower(), [m[0].strip().lower() for m in _state(language).finditer(match[0])]
    changes = tuple(Change(*_what(state, language), None, words, (n, len(states))) for n, state in enumerate(states))
    return changes, f"{text[: match.start()]}, {text[match.end() :]}"


def _what(state: str, language: str) -> tuple[str, str]:
    """What a part's word asks for: the kind of change and its value; a word that the lexicon of feelings has is a mood."""
    for pace, name in ((SLOW, "slow"), (FAST, "fast")):
        if pattern_of("{very}{" + name + "}", language).fullmatch(state):
            return PACE, pace
    mood = next(iter(said_in(state, language)), state)
    return (MOOD, mood) if mood in lexicon() else (LEVEL, loudness(state, language))


def _states(language: str) -> str:
    return f"{{very}}(?:{'{turning}' if language == ENGLISH else '{mood}'}|{{level}}|{{slow}}|{{fast}})"


@cache
def _state(language: str) -> re.Pattern[str]:
    return pattern_of(_states(language), language)


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Three parts or more by their numbers, of which the first is called a part, or a number of parts and what each is."""
    words = {name: f"(?:{said})" for name, said in table(__name__, "said_course.yaml")["counted_parts"].items()}
    part, article, more = words["part"], f"(?:{words['article']} )?", rf"\W+(?:{words['then']}\W+){{0,2}}"
    state, named = _states(language), rf"(?:\s?[:(]\s?|,? (?:{words['is']} )?)"
    first, second, *others = NTH
    counted = rf"{article}(?:{first}) {part}{named}{state}"
    for nth, times in ((second, ""), ("|".join(others), "+")):
        counted += rf"(?:{more}{article}(?:{nth})(?: {part})?{named}{state}){times}"
    numbered = rf"{part} (?:1|one|i){named}{state}(?:{more}{part} (?:[2-5]|two|three|four|ii|iii|iv){named}{state})+"
    listed = rf"{words['several']} {part}(?:\s?[:(]\s?|,? |\s[-–]\s){state}(?:{more}{state})+"
    return pattern_of(f"(?:in )?(?:{counted}|{numbered}|{listed})", language)
