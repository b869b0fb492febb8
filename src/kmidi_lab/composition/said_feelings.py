"""The feelings that a text in another language than English names, by a list of words: no model reads these languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from kmidi_lab.composition.glossary import pattern_of_words, plain_letters, words_in
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.composition.word_index import WordIndex
from kmidi_lab.own_yaml import table
from kmidi_lab.song.vocabularies import mood_affect

_NEAR, _BEHIND = 3, 2
"""Words before a feeling that may deny it, and behind it."""
_MOST = 4
"""Feelings that are told."""
OPPOSITES = {True: "melancholy", False: "hopeful"}
"""The word for a text that only denies feelings, by whether these are pleasant."""
_CLAUSE = re.compile(r"[,;:.!?()…\n\"“”«»]")
_ABOUT = re.compile(
    r"\b(?:fur|fuer|uber|ueber|pour|sur|para|sobre|per|sulla|voor|over)\b.*?(?=\b(?:aber|sondern|mais|pero|ma|mas|porem|maar)\b|$)",
    re.I,
)
"""What a song is for or about: a feeling in it does not count against what the song is to be."""
_A_WORD = re.compile(r"\w+")


class SaidFeelings(NamedTuple):
    """Words of the feel lexicon, the text's own, and the valence and arousal, -1..1, that are their mean."""

    words: tuple[str, ...]
    said: tuple[str, ...]
    valence: float
    arousal: float

    @property
    def line(self) -> str:
        """What is told of them."""
        return f"mood {' and '.join(self.words[:_MOST])} from the text ({', '.join(self.said[:_MOST])})"


def said_feelings(text: str, language: str) -> SaidFeelings | None:
    """The feelings that a text names and does not deny; where it only denies some of one kind their opposite, and
    where it names none what a sign in it says; None for none.
    """
    plain = plain_letters(text, language)
    meant: dict[str, str] = {}
    denied: dict[str, str] = {}
    told: set[str] = set()
    about = _ABOUT.search(plain)
    for word, start, end in _feelings(language).found(plain):
        denial = _denial(plain, start, end, language)
        if denial is None:
            meant.setdefault(word, text[start:end].lower())
            told |= {word} if about and about.start() < start < about.end() else set()
        else:
            denied.setdefault(word, text[min(denial, start) : max(denial, end)].lower())
    asked = {word: said for word, said in meant.items() if word not in told}
    if len({_place(word)[0] > 0 for word in meant}) > 1 and len({_place(word)[0] > 0 for word in asked}) == 1:
        meant = asked
    if not meant and denied:
        pleasant = {_place(word)[0] > 0 for word in denied}
        if len(pleasant) == 1:
            meant = {OPPOSITES[pleasant.pop()]: ", ".join(denied.values())}
    if not meant and (signed := signed_mood(text))[0]:
        meant = dict([signed])
    if not meant:
        return None
    places = [_place(word) for word in meant]
    valence, arousal = (sum(axis) / len(places) for axis in zip(*places, strict=True))
    return SaidFeelings(tuple(meant), tuple(meant.values()), valence, arousal)


def signed_mood(text: str) -> tuple[str, str]:
    """The word of the lexicon for the first sign of a mood in a text, such as a smiling face, and the sign; both empty without one."""
    found = [(match, word) for word, signs in _signs() if (match := signs.search(text))]
    match, word = min(found, key=lambda pair: pair[0].start(), default=(None, ""))
    return (word, match[0]) if match else ("", "")


@cache
def _signs() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((word, re.compile(signs)) for word, signs in vocabulary()["signs"].items())


def feelings_of(language: str) -> list[str]:
    """Patterns of the words for feelings of a language."""
    written = words_in(language)["feelings"].values()
    return [one for pattern in written for one in pattern_of_words(pattern, language)]


def _place(word: str) -> tuple[float, float]:
    place = mood_affect(word)
    if place is None:
        raise KeyError(f"words of languages: the feel lexicon has no {word}")
    return place


def _denial(text: str, start: int, end: int, language: str) -> int | None:
    """Where the word begins or ends, whichever is farther from a feeling, that denies it; None where none does."""
    rules = _rules(language)
    begin = max((m.end() for m in _CLAUSE.finditer(text, 0, start)), default=0)
    before = [*_A_WORD.finditer(text, begin, start)]
    if before and rules["without"].fullmatch(before[-1][0]):
        return before[-1].start()
    for n, word in enumerate(before[-_NEAR:]):
        back = any(rules["unless"].fullmatch(w[0]) for w in before[-_NEAR:][n + 1 :])
        if rules["not"].fullmatch(word[0]) and not back:
            return word.start()
    said = f" {' '.join(word[0] for word in before)}".lower()
    for phrase in table(__name__, "said_arc.yaml")["denying"]:
        if said.endswith(f" {plain_letters(phrase, language)}"):
            return before[-len(phrase.split())].start()
    close = _CLAUSE.search(text, end)
    after = [*_A_WORD.finditer(text, end, close.start() if close else len(text))][:_BEHIND]
    return next((word.end() for word in after if rules["behind"].fullmatch(word[0])), None)


@cache
def _rules(language: str) -> Mapping[str, re.Pattern[str]]:
    written = words_in(language)
    return {
        name: re.compile("|".join(pattern_of_words(written[name], language)), re.I)
        for name in ("not", "without", "behind", "unless")
    }


@cache
def _feelings(language: str) -> WordIndex:
    """Names of the lexicon and the words for each; what is longest comes first."""
    said = [*words_in(language)["feelings"].items()]
    said += vocabulary()["moods_elsewhere"].get(language, {}).items()
    found = [(word, one) for word, pattern in said for one in pattern_of_words(pattern, language)]
    return WordIndex(sorted(found, key=lambda pair: (-pair[1].count(" "), -len(pair[1]))))
