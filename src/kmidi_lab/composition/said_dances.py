"""Dances that a text in another language than English does not ask for: denied, as in `kein Walzer`, or told of: `zum Marsch in Berlin`."""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.said_where import denied
from kmidi_lab.composition.vocabulary import vocabulary

_ENDS = re.compile(r"\s*(?:$|[,.;:!])")


def without_other_dances(text: str, language: str) -> str:
    """The text without the dances, and the tempos in Italian, that it denies or tells of."""
    for match in reversed([*_dances(language).finditer(text)]):
        named = not text[: match.start()].strip() and _ENDS.match(text, match.end())  # such as `la valse, en do majeur`
        if (match["of"] and not named) or denied(text, _at(match)):
            text = f"{text[: match.start('dance')]} , {text[match.end() :]}"
    return text


def _at(match: re.Match[str]) -> re.Match[str]:
    """The dance of a match alone."""
    return next(_named().finditer(match.string, match.start("dance")))


@cache
def _dances(language: str) -> re.Pattern[str]:
    """A dance with an article or a preposition of one that is told of, where it has one, and one word between them at most."""
    articles = vocabulary()["told_of"].get(language, "(?!)")
    return re.compile(rf"(?:\b(?P<of>{articles}) (?:[\w'’]+ )??)?\b(?P<dance>{_names()})\b", re.I)


@cache
def _named() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_names()})\b", re.I)


def _names() -> str:
    said = {*vocabulary()["dances"], *vocabulary()["characters"], *vocabulary()["italian"]}
    return "|".join(map(re.escape, sorted(said, key=len, reverse=True)))
