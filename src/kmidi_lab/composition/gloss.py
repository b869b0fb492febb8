"""The musical terms of a text in another language, in English: `a song with piano and flute` of `ein Lied mit Klavier und Flöte`.

The rules of English then say which of them are asked for. A word that is no such term stands as one that says nothing.
"""

from __future__ import annotations

import re
from functools import cache

from kmidi_lab.composition.glossary import (
    GENRES,
    LIKE,
    PLAYERS,
    alternatives,
    any_of,
    kind_of_term,
    knows,
    misspelt,
    pattern_of_words,
    plain_letters,
    terms,
    words_in,
)
from kmidi_lab.composition.vocabulary import kinds

_UNKNOWN, _DESCRIBES = "⁇", "there"
"""What stands for a word that says nothing; for one behind a player, which tells how it plays."""
_TOKEN = re.compile(
    r"(?P<written>(?<!\w)(?:in|key of) (?-i:[A-G])[#b]?(?: (?:major|minor))?(?![\w#])|\d+(?:[.,:/]\d+)*(?: ?bpm\b)?)|[^\W\d_]+",
    re.I,
)
"""Keys and figures, which stay as they are, and words."""
_COMPOUNDING = ("German", "Dutch")
"""Languages that write `piano ballad` as one word."""
_BEFORE_THEM = "with|without|for|and|or|on|in|at|of|only|no|not|instead of"
"""Words between which and a player an article says nothing."""


def glossed(text: str, language: str) -> str:
    """A text with its musical terms in English, and `⁇` in the place of its other words.

    Args:
        text: with its keys in English already.
        language: a name of `languages.yaml`; of any other only what is the same everywhere is kept.
    """
    plain = _counted(plain_letters(text, language), language)
    out: list[str] = []
    at, before = 0, ""
    while token := _TOKEN.search(plain, at):
        between, start = plain[at : token.start()], token.start()
        said, at = (token[0], token.end()) if token["written"] else _read(plain, start, token.end(), language)
        kind = kind_of_term(said)
        adjoins = said == _UNKNOWN and not between.strip(" -")
        if adjoins and before in PLAYERS:
            said = _DESCRIBES
        elif adjoins and before == "head" and language not in _COMPOUNDING:
            said = LIKE  # such as `una canción mexicana`
        elif adjoins and before in GENRES and language in _COMPOUNDING:
            out[-1] = out[-1].removesuffix(" song")  # such as a `Jazz Konzert`
        out += [" " if between == "-" else between, f"{said} song" if kind in GENRES else said]
        before = kind
    said = _the_players().sub(r"\1 ", "".join([*out, plain[at:]]))
    return _several().sub(r"\g<0>s", said)


def _read(plain: str, start: int, end: int, language: str) -> tuple[str, int]:
    """The English term for what begins at a place, and where it ends; `⁇` for a word, which ends at `end`, that is none."""
    found = terms(language).at(plain, start)
    if found is None:
        return misspelt(language).get(plain[start:end].lower(), _UNKNOWN), end
    name, end = found
    return name or plain[start:end].lower(), end


def apart(text: str, language: str) -> str:
    """A text in which words such as `Klavierballade` are two."""
    if language not in _COMPOUNDING:
        return text
    plain = plain_letters(text, language)
    for match in reversed([*_compounds(language).finditer(plain)]):
        text = f"{text[: match.end(1)]} {text[match.start(2) :]}"
    return text


def _counted(text: str, language: str) -> str:
    """A text in which what is counted stands in figures: `2.5 minutes` of `zwei und eine halbe Minute`."""
    if not knows(language):
        return text
    words = words_in(language)
    numbers, units = (
        {name: re.compile("|".join(pattern_of_words(said, language)), re.I) for name, said in words[group].items()}
        for group in ("numbers", "counted")
    )

    def counted(match: re.Match[str]) -> str:
        said = match["n"].replace(",", ".")
        number = float(said) if said[0].isdigit() else next(n for n, p in numbers.items() if p.fullmatch(said))
        unit = next(unit for unit, pattern in units.items() if pattern.fullmatch(match["unit"]))
        number += 0.5 * bool(match["half"]) + float(match["seconds"] or 0) / 60
        return f"{number:g} {unit.removesuffix('s') if number == 1 and unit != 'bars' else unit}"

    return _numbers(language).sub(counted, text)


@cache
def _numbers(language: str) -> re.Pattern[str]:
    words = words_in(language)
    said, units = (any_of(words[group].values(), language) for group in ("numbers", "counted"))
    half = any_of([words["half"]], language)
    return re.compile(
        rf"(?<![\w.,:])(?P<n>\d{{1,4}}(?:[.,]\d+)?|{said})[ -]?(?P<unit>{units})(?!\w)(?P<half> (?:{half})(?!\w))?(?P<seconds>(?:(?<=min)|(?<=min[uú]t[eiao])|(?<=min[uú]t[eiao]s)|(?<=minuten)) ?[0-5]\d(?![\w/:]| ?bpm))?",
        re.I,
    )


@cache
def _compounds(language: str) -> re.Pattern[str]:
    """A player or a genre, and a word for a song, in one word."""
    words = words_in(language)
    first = [
        one for of, one in alternatives(language) if kind_of_term(of or one) in (*PLAYERS, *GENRES) and " " not in one
    ]
    heads = [
        one
        for name, said in words["terms"].items()
        if kind_of_term(name) == "head"
        for one in pattern_of_words(said, language)
    ]
    heads += [name for name, (kind, _) in kinds().items() if kind == "head" and name.isalpha()]
    second = "|".join([*(one for one in heads if "(?!" not in one), words["joined"]])
    return re.compile(rf"(?<!\w)({'|'.join(first)})(?:en|n|s|-)?({second})(?!\w)", re.I)


@cache
def _the_players() -> re.Pattern[str]:
    """The article of players that are asked for, as in `con la guitarra y el piano`."""
    names = "|".join(re.escape(name) for name, (kind, _) in kinds().items() if kind in PLAYERS)
    return re.compile(rf"\b({_BEFORE_THEM}) the (?=(?:{names})\b)")


@cache
def _several() -> re.Pattern[str]:
    """Two or more of one instrument, whose name the glossary has for one alone."""
    names = "|".join(re.escape(name) for name, (kind, _) in kinds().items() if kind == "instrument" and name[-1] != "s")
    return re.compile(rf"\b(?:two|three|four|[2-6]) (?:{names})\b(?!s)")
