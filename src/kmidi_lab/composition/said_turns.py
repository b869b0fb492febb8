"""How a sentence wants a song to turn: moods one after another or of one section, and changes of key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.change import KEY, MODE, MOOD, SHIFT, Change
from kmidi_lab.composition.course_patterns import pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.said_mood import said_moods
from kmidi_lab.composition.said_places import END, MIDDLE, SECOND_HALF, Place, place_of
from kmidi_lab.composition.said_where import denied
from kmidi_lab.own_yaml import table

_OTHER_MODE = {"major": "minor", "minor": "major"}
_HALF, _WHOLE = 1, 2
"""Semitones of a step; a song that says none goes up a whole one."""
_STEPS = (("minor third", 3), ("third", 4), ("fourth", 5), ("two half", 2), ("half", _HALF), ("semi", _HALF),
          *((name, _HALF) for name in ("halbton", "demi-ton", "medio tono", "mezzo tono", "meio tom", "halve toon")))  # fmt: skip
_LATER = ("bridge", "outro", "solo", "breakdown", "drop", END, MIDDLE, SECOND_HALF)
"""Places whose mood is not the whole song's."""
_DOWN = re.compile(r"\b(?:down(?:wards?)?|tiefer|bas|bajo|sotto|abaixo|lager)\b")


def moods(words: str, language: str = ENGLISH) -> tuple[Change, ...]:
    """The moods that words ask for, each as a word of the lexicon: one of a place, such as `a sad bridge`, or several in turn."""
    said = said_in(words, language)
    if not said:
        return ()
    section = "{which}?{stretch}(?: [1-4])?" if language == ENGLISH else "{close}|{section}"
    places = [place_of(match[0]) for match in pattern_of(section, language).finditer(words)]
    if places and len(places) == len(said):
        return tuple(Change(MOOD, mood, place or Place(END), words) for mood, place in zip(said, places, strict=True))
    if len(said) == 1:
        return (Change(MOOD, said[0], None, words, (1, 2)),)
    return tuple(Change(MOOD, mood, None, words, (n, len(said))) for n, mood in enumerate(said))


def moods_named(text: str, language: str) -> list[str]:
    """Words for moods in a text, in its order, without those that it denies; in another language what each is in English."""
    return [mood for mood, *_ in named_moods(text, language)]


@lru_cache(maxsize=256)
def named_moods(text: str, language: str) -> tuple[tuple[str, str, int], ...]:
    """The same, each with the text's own word and where it stands."""
    if language != ENGLISH:
        return tuple(said_moods(text, language))
    found = pattern_of("{turning}", ENGLISH).finditer(text)
    return tuple((known(m[0].lower()), m[0].lower(), m.start()) for m in found if not denied(text, m))


def from_mood(changes: Sequence[Change], rest: str, language: str) -> tuple[Change, ...]:
    """The changes with the mood that a song turns from, where the rest of the text names one: `melancholy, ends happy`."""
    turn = next((n for n, c in enumerate(changes) if c.what == MOOD), -1)
    named = named_moods(rest, language) if turn >= 0 and changes[turn].share == (1, 2) else []
    if not named:
        return tuple(changes)
    mood, words, _ = named[0]
    return (*changes[:turn], Change(MOOD, known(mood), None, words, (0, 2)), *changes[turn:])


def begins_so(changes: Sequence[Change]) -> bool:
    """Whether the first of several moods is the song's own, and not one that it turns to, or of a place such as its end."""
    first = next((c for c in changes if c.what == MOOD), None)
    several = sum(c.what == MOOD for c in changes) > 1
    if first is None or first.share:
        return first is not None and (first.share or (0, 0))[0] == 0
    return several or (first.place is not None and first.place.kind not in _LATER)


def said_in(words: str, language: str) -> list[str]:
    """Words of the lexicon for the moods that words name, in their order."""
    if language != ENGLISH:
        return [mood for mood, *_ in said_moods(words, language)]
    found = list(pattern_of("{turning}|{more}", ENGLISH).finditer(words))
    # Of two at once, as in `sad and lonely`, the first.
    alone = [
        m
        for before, m in zip([None, *found], found, strict=False)
        if not (before and words[before.end() : m.start()] == " and ")
    ]
    return [known(match[0].lower()) for match in alone]


def known(word: str) -> str:
    """The word of the lexicon for `happily`, `gently`, `sadder` or `despair`; one that is there, or that none is near, as it is."""
    nouns = table(__name__, "said_course.yaml")["nouns"]
    plain = re.sub("ily$|ier$", "y", word).removeprefix("more ")
    tried = (
        word,
        str(nouns.get(word, "")),
        plain,
        plain.removesuffix("ly"),
        re.sub("ly$", "le", plain),
        re.sub("(d)?d?er$", r"\1", plain),
    )
    return next((one for one in tried if one in lexicon()), word)


def turned_keys(words: str) -> tuple[Change, ...]:
    """The key or the mode that a song goes to."""
    keys, place = keys_in(words), place_of(words.split(keys_in(words)[-1])[-1]) if keys_in(words) else None
    if keys:
        return (Change(KEY, keys[-1], place, words),)
    modes = re.findall(r"\b(?:major|minor)\b", words)
    return (Change(MODE, modes[-1], None, words),) if modes else ()


def shifted(words: str) -> tuple[Change, ...]:
    """How far up or down a song goes, in semitones, and where."""
    steps = next((steps for name, steps in _STEPS if name in words), _WHOLE)
    return (Change(SHIFT, str(-steps if _DOWN.search(words) else steps), place_of(words), words),)


def keys_in(words: str) -> list[str]:
    """The keys that words name, as they are written: `c minor`."""
    return [match[0].lower() for match in pattern_of("{key}", ENGLISH).finditer(words)]


def first_mode(changes: Sequence[Change]) -> str:
    """The mode that a song begins in that goes to another; empty where none is asked for."""
    return next((_OTHER_MODE[change.value] for change in changes if change.what == MODE), "")
