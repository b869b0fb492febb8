"""The words of other languages than English, as `words_german.yaml` and so on write them, without regard to accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from kmidi_lab.composition.misspelt import slips
from kmidi_lab.composition.vocabulary import kinds, vocabulary
from kmidi_lab.composition.word_index import WordIndex
from kmidi_lab.own_yaml import table

PLAYERS, GENRES = ("instrument", "other_instrument", "part", "ensemble"), ("genre", "other_genre")
_EVERYWHERE = (*PLAYERS, *GENRES, "head", "metre", "mood")
"""Kinds of English terms that are read in each language."""
_KEPT = (
    "bpm",
    "tempo",
    "solo",
    "duo",
    "trio",
    "feat",
    "style",
    "vibe",
    "minute",
    "minutes",
    "second",
    "seconds",
    "hour",
    "hours",
    "bars",
)
"""Other English words that are."""
LIKE = "nice"
"""What stands for a word that tells what a song is like."""
_DESCRIBING = (
    "gentle",
    "romantic",
    "playful",
    "energetic",
    "epic",
    "eerie",
    "mysterious",
    "warm",
    "bittersweet",
    "dreamy",
    "nostalgic",
    "relaxed",
    "gloomy",
    "sunny",
    "angry",
)
"""Feelings whose words describe a song."""
_KNOWN = ("German", "French", "Spanish", "Italian", "Portuguese", "Dutch")
_NO_WORDS: Mapping[str, Any] = {"terms": {}, "elsewhere": (), "feelings": {}}
_ELIDING = ("French", "Italian", "Portuguese")
"""Languages that write two words with an apostrophe."""
_LONG = 6
"""Letters of a player's name that no other word is one letter from."""
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = "ɏ"
"""The last Latin letter that is looked at."""


def plain_letters(text: str, language: str) -> str:
    """A text without the accents of its words, in which `d'un` are two; a letter alone keeps its own, as in `è` and `e`."""
    if language in _ELIDING:
        text = re.sub(r"(?<!\w)([^\W\d_]{1,5})['’](?=\w)", r"\1 ", text)
    return _WORD.sub(lambda word: _plain(word[0]) if len(word[0]) > 1 else word[0], text)


def _plain(text: str) -> str:
    return "".join(c if c > _LATIN else unicodedata.normalize("NFD", c)[0] for c in text)


def pattern_of_words(written: str, language: str) -> list[str]:
    """The alternatives of a pattern as `plain_letters` writes their words."""
    alternatives, depth = [""], 0
    spelled = words_in(language).get("spelled", {})
    for c in written:
        depth += (c in "([") - (c in ")]")
        if c == "|" and not depth:
            alternatives.append("")
        else:
            alternatives[-1] += f"(?:{c}|{spelled[c]})" if c in spelled else c
    return [" ".join(word if len(word) == 1 else _plain(word) for word in one.split(" ")) for one in alternatives]


def knows(language: str) -> bool:
    """Whether there are words of a language."""
    return language in _KNOWN


def words_in(language: str) -> Mapping[str, Any]:
    """What the file of a language says; nothing of one that has none."""
    return table(__name__, f"words_{language.lower()}.yaml") if knows(language) else _NO_WORDS


def terms_of(language: str) -> list[str]:
    """Patterns of the words for music that a language has for itself."""
    return [one for name, one in alternatives(language) if kind_of_term(name) in _EVERYWHERE]


@cache
def terms(language: str) -> WordIndex:
    return WordIndex(alternatives(language))


@cache
def misspelt(language: str) -> Mapping[str, str]:
    """What players of six letters or more were to be that lack a letter, or have two in each other's place."""
    out: dict[str, str] = {}
    for name, one in alternatives(language):
        word = re.sub(r"(?:\(\?:[^()]*\)\?|\w\?)+$", "", one)
        if name and word.isalpha() and len(word) >= _LONG and kind_of_term(name) in PLAYERS:
            out |= dict.fromkeys(slips(word), name)
    return {word: name for word, name in out.items() if terms(language).at(word, 0) is None}


@cache
def alternatives(language: str) -> tuple[tuple[str, str], ...]:
    """(English term, pattern) of all words of a language, what is longest first; of those that are the same everywhere the term is empty."""
    words = words_in(language)
    own: dict[str, Iterable[str]] = {name: [said] for name, said in words["terms"].items()}
    own |= {mood: [said] for mood, said in vocabulary()["moods_elsewhere"].get(language, {}).items()}
    paces = vocabulary()["paces_elsewhere"].get(language, {})
    felt = words["feelings"]
    own[LIKE] = [said for name, said in paces.items() if name != "very"]
    own |= {unit: [said] for unit, said in words.get("counted", {}).items()}
    found = [
        (name, one) for name, several in own.items() for said in several for one in pattern_of_words(said, language)
    ]
    slow_or_fast = re.compile("|".join(own[LIKE]) or "(?!)")
    found += [(LIKE, one) for name in _DESCRIBING if name in felt for one in pattern_of_words(felt[name], language)]
    tempos = [name for name in vocabulary()["italian"] if not slow_or_fast.fullmatch(name)]
    same = [name for name, (kind, _) in kinds().items() if kind in _EVERYWHERE]
    found += [("", re.escape(name)) for name in (*same, *_KEPT) if name not in words["elsewhere"]]
    found.sort(key=lambda pair: (r"\w*" in pair[1], -pair[1].count(" "), -len(pair[1])))
    return *(("", tempo) for tempo in sorted(tempos, key=len, reverse=True)), *found


def any_of(patterns: Iterable[str], language: str) -> str:
    alternatives = [one for pattern in patterns for one in pattern_of_words(pattern, language)]
    return "|".join(sorted(alternatives, key=len, reverse=True))


def kind_of_term(term: str) -> str:
    return kinds()[term][0] if term in kinds() else ""
