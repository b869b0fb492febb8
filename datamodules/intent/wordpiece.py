"""BERT's tokens: words and marks in lower case, cut into the longest pieces of a vocabulary (J. Devlin et al., 2018)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

_LONGEST_WORD = 100
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


def tokens(text: str, vocabulary: Mapping[str, int], longest: int) -> list[int]:
    """The numbers of a text's pieces between `[CLS]` and `[SEP]`, `longest` at most in all.

    Args:
        text: any text; letters lose case and accents.
        vocabulary: number of each piece; those that go on inside a word begin with `##`.
        longest: how many numbers there may be; what is beyond is cut off.
    """
    pieces = [piece for word in _words(text) for piece in _pieces(word, vocabulary)]
    return [vocabulary["[CLS]"], *pieces[: longest - 2], vocabulary["[SEP]"]]


def _words(text: str) -> list[str]:
    spaced = []
    for letter in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(letter)
        if letter.isspace():
            spaced.append(" ")
        elif kind == "Mn" or kind[0] == "C":
            continue
        elif _is_mark(letter, kind) or any(low <= ord(letter) <= high for low, high in _IDEOGRAPHS):
            spaced.append(f" {letter} ")
        else:
            spaced.append(letter)
    return "".join(spaced).split()


def _is_mark(letter: str, kind: str) -> bool:
    return kind[0] == "P" or (letter.isascii() and not letter.isalnum() and letter.isprintable() and letter != " ")


def _pieces(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    unknown = [vocabulary["[UNK]"]]
    if len(word) > _LONGEST_WORD:
        return unknown
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        end = next((e for e in range(len(word), start, -1) if prefix + word[start:e] in vocabulary), None)
        if end is None:
            return unknown
        pieces.append(vocabulary[prefix + word[start:end]])
        start = end
    return pieces
