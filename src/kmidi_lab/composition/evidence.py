"""Words for music and for feelings that tell a language, where the small words of a text are too few."""

from __future__ import annotations

from functools import cache

from kmidi_lab.composition.glossary import plain_letters, terms_of
from kmidi_lab.composition.said_feelings import feelings_of
from kmidi_lab.composition.vocabulary import kinds
from kmidi_lab.composition.word_index import WordIndex

_SHORTEST = 5
"""Letters of such a word: shorter ones are words of several languages."""


def telling(text: str, language: str) -> list[str]:
    """The words for music and for feelings in a text that a language has and English has not, without their accents."""
    plain = plain_letters(text, language)
    found = [plain[start:end].lower() for _, start, end in _own(language).found(plain) if end - start >= _SHORTEST]
    return [word for word in found if word not in kinds() and word.removesuffix("s") not in kinds()]


@cache
def _own(language: str) -> WordIndex:
    words = [one for one in (*terms_of(language), *feelings_of(language)) if r"\w" not in one]
    return WordIndex((one, one) for one in words)
