"""Terms that are misspelt, drawn out as `sloooow`, written short as `w/`, or in letters of another font."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from kmidi_lab.composition.vocabulary import kinds, vocabulary

_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_STARTS_SO = (
    r"\b((starts?|starting|begins?|beginning|opens?|opening)(?: \w+){1,4}?) with "
    r"(?=(?:just|only|solo|a lone) |(?:\w+ ){1,3}alone\b)"
)
"""How a song starts before who starts it, as in `starts lonely and quiet with piano alone`."""
_SWAPPED = r"\b(guitar|piano|bass) (electric|acoustic|distorted)\b(?! (?:guitar|piano|bass|drums))"
"""Words for a player behind it, as in other languages."""
_IN_QUOTES = r"[\"'](\w+)[\"']\s*:\s*[\"']?([^\"',{}]+)[\"']?"
"""A name and what it is, as programs write them: `"bpm": 140`."""
_FIRST_BARS = r"\b(?:(?:for|in) )?(?:the )?first (\d{1,3}) bars\b(?! of\b)"
_LONG, _SHORT = 6, 4
"""Letters of an instrument's name that no other word is one letter from; of a word that a letter can't be taken from."""


_LINE_ENDS = re.compile(r"(?<=[^\s.,;:!?])[ \t\r]*\n\s*")
"""An end of a line without a mark, which ends a clause."""
_MARKS = re.compile("[\u0300-\u036f]")
"""Marks that no letter has taken up, as in text that is crossed out."""


def in_plain_letters(text: str) -> str:
    """A text of one line whose letters and figures are plain ones: `sad song` of `ｓａｄ　𝓼𝓸𝓷𝓰`; what nobody sees is left out."""
    text = _LINE_ENDS.sub(", ", text.strip())
    seen = (c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf")
    return _MARKS.sub("", " ".join("".join(map(_plain, seen)).split()))


def _plain(c: str) -> str:
    plain = c if c.isascii() else unicodedata.normalize("NFKC", c)
    return plain if plain.isalnum() else c


def written_out(text: str) -> str:
    """A text in which what people write short stands in words: `with piano and flute` of `w/ piano & flute`, `jazz style` of `jazz-ish`."""
    for said, short in _shorthand():
        text = short.sub(said, text)
    return text


@cache
def _shorthand() -> tuple[tuple[str, re.Pattern[str]], ...]:
    genres = "|".join(
        name for name, (kind, _) in kinds().items() if kind in ("genre", "other_genre") and name.isalpha()
    )
    told = {said: rf"(?<!\w)(?:{short})(?!\w)" for said, short in vocabulary()["shorthand"].items()}
    told |= {"with ": vocabulary()["shorthand"]["with "], r"\1 style": rf"\b({genres})-?ish\b"}
    told |= {r"\1, \2 with ": _STARTS_SO, r"\2 \1": _SWAPPED, r"\1: \2": _IN_QUOTES}
    told |= {r"bars 1 to \1": _FIRST_BARS}
    return tuple((said, re.compile(short, re.I)) for said, short in told.items())


def spelt(word: str) -> str:
    """A word as it is meant: a term that is misspelt, or one that is drawn out, as `sloooow`."""
    low = word.lower()
    if (meant := _misspelt().get(low)) is not None:
        return meant
    short = _DRAWN_OUT.sub(r"\1", low)
    return next((w for w in (short, _DRAWN_OUT.sub(r"\1\1", low)) if w in kinds()), word) if short != low else word


@cache
def _misspelt() -> Mapping[str, str]:
    """The term that each of these was to be; what is a term itself is not among them."""
    words = vocabulary()
    out: dict[str, str] = {}
    for term in [*(name for name in words["instruments"] if name.isalpha() and len(name) >= _LONG), *words["misspelt"]]:
        out |= dict.fromkeys(slips(term), term)
    return {word: term for word, term in out.items() if word not in kinds() and word not in words["other_words"]}


def slips(term: str) -> set[str]:
    """A word with a letter too few or doubled, or two in each other's place."""
    swapped = {term[:i] + term[i + 1] + term[i] + term[i + 2 :] for i in range(len(term) - 1)}
    doubled = {term[:i] + term[i] + term[i:] for i in range(len(term))}
    lacking = {term[:i] + term[i + 1 :] for i in range(1, len(term))} if len(term) > _SHORT else set()
    return swapped | doubled | lacking
