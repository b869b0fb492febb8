"""Plain words for moods in other languages than English, such as `ein trauriges Lied`, and what a scene tells: `a quiet evening`."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.said_where import denied
from kmidi_lab.composition.vocabulary import vocabulary


def said_moods(text: str, language: str) -> list[tuple[str, str]]:
    """The English word for each mood that a text names, and its own, in the text's order, without those that it denies."""
    found = _pattern(language).finditer(text)
    return [(str(match.lastgroup), match[0].lower()) for match in found if not denied(text, match)]


def said_mood(text: str, language: str) -> tuple[str, str]:
    """The first of them; both empty where it names none that is known."""
    return next(iter(said_moods(text, language)), ("", ""))


def pictured_mood(text: str) -> tuple[str, str]:
    """The word of the lexicon for the mood of a scene that an English text pictures first, and its own; both empty without one."""
    found = ((match, mood) for mood, cue in _scenes() for match in cue.finditer(text) if not denied(text, match))
    match, mood = min(found, key=lambda pair: pair[0].start(), default=(None, ""))
    return mood, match[0].lower() if match else ""


@cache
def _scenes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    pictured = vocabulary()["pictured"].items()
    return tuple((mood, re.compile(rf"\b(?:{cue})\b(?!['’])", re.I)) for mood, cue in pictured)


@cache
def _pattern(language: str) -> re.Pattern[str]:
    moods = vocabulary()["moods_elsewhere"].get(language, {})
    named = "|".join(f"(?P<{mood}>{words})" for mood, words in moods.items())
    return re.compile(rf"\b(?:{named or '(?!)'})\b", re.I)
