"""A sentence as groups of musical terms and other words, among which `asked_terms.py` sees what is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from kmidi_lab.composition.misspelt import spelt
from kmidi_lab.composition.said_keys import said_key
from kmidi_lab.composition.said_numbers import said_bars, said_metre, said_tempo, said_time
from kmidi_lab.composition.vocabulary import OTHER, Item, kinds, terms, vocabulary

_LESS = re.compile(r"\b(drum|beat|bas)(?:s?less|-free)\b", re.I)
_PLAIN_WORD = re.compile(r"[A-Za-z]{4,}")
_WORD = re.compile(r"[\w'♯♭#&+./-]*[\w♯♭#]")
_CLAUSES = re.compile(
    r"(?:[,;!?\n()\"“”…]|(?<!key)(?<!tempo)(?<!bpm)(?<!genre)(?<!style):|\.(?!\d)|(?<=\s)[-–—](?=\s)|—)+(?:\s|$)"
    r"|(?<!\banything )(?<!\beverything )\bbut\b(?! no\b)",
    re.I,
)
_MOST = 200
"""Terms of a clause: a longer one is read in pieces, since each term is looked at beside those before it."""


def parts_of(text: str) -> list[str]:
    """The clauses of a text, in its own words."""
    return [str(part) for part in _CLAUSES.split(text)]


def clauses(text: str) -> list[list[Item]]:
    """The terms of each clause of a text, in order."""
    plain = _sayings().sub(" ⁇ ", text.replace("’", "'"))
    plain = _LESS.sub(r"without \1s", _PLAIN_WORD.sub(lambda m: spelt(m[0]), plain))
    shouted = not any(letter.islower() for letter in plain)
    whole = (list(_items(part.strip(), shouted)) for part in parts_of(plain))
    return [items[n : n + _MOST] for items in whole for n in range(0, len(items), _MOST)]


def _items(clause: str, shouted: bool) -> Iterator[Item]:
    at = 0
    while at < len(clause):
        if clause[at].isspace() or clause[at] in ":=":
            at += 1
            continue
        item, length = _item(clause, at, shouted)
        yield item
        at += length


def _item(clause: str, at: int, shouted: bool) -> tuple[Item, int]:
    """The term that begins at a place, and how many characters it has."""
    for read in (said_tempo, said_bars, said_time, said_metre):
        if (item := read(clause, at)) is not None:
            return item
    if (key := said_key(clause, at, shouted)) is not None:
        return key
    if match := terms().match(clause, at):
        text = match[0].lower()
        kind, value = kinds()[text]
        return Item(kind, text, value), len(match[0])
    match = _WORD.match(clause, at)
    word = match[0] if match else clause[at]
    return Item("number" if word.isdecimal() else OTHER, word.lower(), word), len(word)


@cache
def _sayings() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(vocabulary()['sayings'])})\b", re.I)
