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

_PART = r"(?:parts?|sections?|movements?|phases?|acts?|scenes?|teile?n?|abschnitte?|parties?|mouvements?|partes?|movimient[oi]s?|moviment[oi]s?|delen|deel)"
_COUNT = "(?:two|three|four|[2-4]|zwei|drei|vier|deux|trois|quatre|dos|tres|cuatro|due|tre|quattro|duas|três|quatro|twee|drie)"
_ARTICLE = r"(?:(?:the|an?|der|die|das|la|le|el|il|o|a|het|de) )?"
_IS = r"(?:\s?[:(]\s?|,? (?:(?:is|should be|being|ist|soll|est|es|è|é) )?)"
_NEXT = r"\W+(?:(?:and|then|und|dann|et|puis|y|luego|e|poi|depois|en|dan)\W+){0,2}"
"""What stands between one part and the next."""


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
    state, (first, second, *others) = _states(language), NTH
    counted = rf"{_ARTICLE}(?:{first}) {_PART}{_IS}{state}"
    for nth, more in ((second, ""), ("|".join(others), "+")):
        counted += rf"(?:{_NEXT}{_ARTICLE}(?:{nth})(?: {_PART})?{_IS}{state}){more}"
    numbered = rf"{_PART} (?:1|one|i){_IS}{state}(?:{_NEXT}{_PART} (?:[2-5]|two|three|four|ii|iii|iv){_IS}{state})+"
    listed = rf"{_COUNT} {_PART}(?:\s?[:(]\s?|,? |\s[-–]\s){state}(?:{_NEXT}{state})+"
    return pattern_of(f"(?:in )?(?:{counted}|{numbered}|{listed})", language)
