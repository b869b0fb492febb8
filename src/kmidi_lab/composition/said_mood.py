"""Plain words for moods in other languages than English, such as `ein trauriges Lied`, and what a scene tells: `a quiet evening`."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.asked_terms import OF_PLACES
from kmidi_lab.composition.said_feel import ahead, behind, items_of
from kmidi_lab.composition.said_where import denied
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.composition.words import parts_of

_GLOOMY = "gloomy"
_SIGNS = {"cheerful": 1, _GLOOMY: -1}
"""Sign of the valence of a scene's mood, where it has one."""
_AGAINST = 0.1
"""Valence beyond which a reading is against a scene of the other sign."""
_OF_MUSIC = ("head", "genre", "other_genre", "wish")
_SHARED, _WITH = ("you", "me", "us"), ("with", "for", "to", "by", "of")
"""People whom a scene is shared with, who need not do anything in it."""
_DESCRIBING = ("filler", "pace", "mood", "length", "owner", "instrument", "ensemble")


def said_moods(text: str, language: str) -> list[tuple[str, str, int]]:
    """The English word for each mood that a text names, its own, and where that stands, without those that it denies."""
    found = _pattern(language).finditer(text)
    return [(str(match.lastgroup), match[0].lower(), match.start()) for match in found if not denied(text, match)]


def said_mood(text: str, language: str) -> tuple[str, str]:
    """The first of them; both empty where it names none that is known."""
    return next(((mood, said) for mood, said, _ in said_moods(text, language)), ("", ""))


def pictured_mood(text: str, valence: float = 0.0) -> tuple[str, str]:
    """The word of the lexicon for the mood of a scene that an English text pictures first, and its own; both empty without one.

    A scene tells a mood where the text describes it or asks for its music, and says nothing against it: neither in words, such
    as `the holidays without my dad`, nor in the `valence`, -1..1, that a model reads in it.
    """
    found = [(match, mood) for mood, cue in _scenes() for match in cue.finditer(text) if not denied(text, match)]
    if len({_SIGNS[mood] for _, mood in found if mood in _SIGNS}) > 1:  # such as a birthday at the cemetery
        return "", ""
    match, mood = min(found, key=lambda pair: pair[0].start(), default=(None, ""))
    against = valence * _SIGNS.get(mood, 0) < -_AGAINST
    spoilt = mood != _GLOOMY and _pattern_of("pictured_spoilt").search(text)
    if match is None or against or spoilt or not _shown(text, match):
        return "", ""
    return mood, match[0].lower()


def _shown(text: str, match: re.Match[str]) -> bool:
    """Whether the clause of a scene describes it, as in `summer nights by the sea`, or asks for its music: `music for a wedding`.

    What happens in one tells another mood: `a fairground ride crashed`.
    """
    before, after = parts_of(behind(text, match.start()))[-1], parts_of(ahead(text, match.end()))[0]
    items = items_of(f"{before} {match[0]} {after}")
    for n, item in enumerate(items):
        shared = item.text in _SHARED and n > 0 and items[n - 1].text in _WITH
        if item.kind in ("story", "negation") or (item.kind == "stop" and item.text not in OF_PLACES and not shared):
            return False
    if any(i.kind in _OF_MUSIC for i in items) or _pattern_of("pictured_like").fullmatch(match[0]):
        return True
    return all(i.kind in _DESCRIBING for i in items_of(before)) and bool(
        _pattern_of("pictured_on").fullmatch(after.strip())
    )


@cache
def _pattern_of(name: str) -> re.Pattern[str]:
    """The pattern that stands under a name of the vocabulary."""
    return re.compile(vocabulary()[name], re.I)


@cache
def _scenes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    pictured = vocabulary()["pictured"].items()
    return tuple((mood, re.compile(rf"\b(?:{cue})\b(?!['’])", re.I)) for mood, cue in pictured)


@cache
def _pattern(language: str) -> re.Pattern[str]:
    moods = vocabulary()["moods_elsewhere"].get(language, {})
    named = "|".join(f"(?P<{mood}>{words})" for mood, words in moods.items())
    return re.compile(rf"\b(?:{named or '(?!)'})\b", re.I)
