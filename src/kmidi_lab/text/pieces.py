"""The pieces of a text that `text128-v1` counts: words, pairs of them and parts of them (docs/text.md is the rule in full)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

ROWS = 32_768
LONGEST_WORD, MOST_WORDS = 40, 2_000
"""Letters of a word and words of a text that count; what is beyond is cut off."""
NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "without",
        "nothing",
        "nobody",
        "none",
        "neither",
        "nor",
        "cannot",
        "cant",
        "dont",
        "didnt",
        "doesnt",
        "isnt",
        "wasnt",
        "wont",
        "hardly",
        "barely",
        "scarcely",
    ]
)
SCOPE = 3
"""Words behind a negation that count as negated, up to the next mark."""
_PARTS = (3, 4, 5)
_LETTERS = (
    "0-9a-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2c00-\u2dff\u2e80-\u2fff\u3040-\ud7ff\uf900-\ufdff"
    "\ufe70-\ufeff\U00010000-\U0001efff\U00020000-\U0003ffff"
)
_WORD = re.compile(
    rf"[{_LETTERS}]+(?:'[{_LETTERS}]+)*|[!?]+|[!-/:-@\[-`{{-~\u2000-\u2bff\u3000-\u303f\U0001f000-\U0001faff]"
)
_IS_WORD = re.compile(f"[{_LETTERS}]")
_APOSTROPHES = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'", "\ufe0f": None, "\u200d": None, "\u200b": None}
)
_UPPER = str.maketrans({c: c + 32 for c in (*range(0x41, 0x5B), *range(0xC0, 0xD7), *range(0xD8, 0xDF))})
_RUN = re.compile(r"(.)\1{2,}")


def tokens(text: str) -> list[str]:
    """The words and marks of a text, in order: small letters, three equal letters or more as two, two marks at most in a row."""
    words = _WORD.findall(text.translate(_APOSTROPHES).translate(_UPPER))[:MOST_WORDS]
    return [_RUN.sub(r"\1\1", token)[:LONGEST_WORD] if is_word(token) else token[:2] for token in words]


def is_word(token: str) -> bool:
    """Whether a token is a word, or a number, and no mark."""
    return _IS_WORD.match(token) is not None


def pieces(text: str) -> list[str]:
    """Every piece of a text, one that is there twice twice; each begins with the letter of its kind.

    `w` a word or mark, `wnot_` a negated word once more, `b` two neighbours, `c` three to five letters in a row of a
    word between `<` and `>`.
    """
    words = tokens(text)
    out = [f"w{token}" for token in words]
    out += [f"wnot_{word}" for word in negated(words)]
    out += [f"b{first} {second}" for first, second in zip(words, words[1:], strict=False)]
    for token in words:
        out += _parts(token)
    return out


def negated(found: list[str]) -> Iterator[str]:
    """The words that stand behind a negation, `SCOPE` of them at most, before the next mark."""
    left = 0
    for token in found:
        if not is_word(token):
            left = 0
        elif token in NEGATIONS or token.endswith("n't"):
            left = SCOPE
        elif left:
            left -= 1
            yield token


@lru_cache(maxsize=1 << 16)
def _parts(token: str) -> tuple[str, ...]:
    if not is_word(token) or len(token) < _PARTS[0]:
        return ()
    framed = f"<{token}>"
    return tuple(f"c{framed[i : i + n]}" for n in _PARTS for i in range(len(framed) - n + 1))


@lru_cache(maxsize=1 << 20)
def fnv1a(piece: str) -> int:
    """The 32-bit FNV-1a hash of a text's UTF-8 bytes; half of a surrogate pair is left out."""
    value = 0x811C9DC5
    for byte in piece.encode(errors="ignore"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def rows(text: str) -> list[int]:
    """The row of the table, 0..32,767, of each piece of a text."""
    return [fnv1a(piece) % ROWS for piece in pieces(text)]
