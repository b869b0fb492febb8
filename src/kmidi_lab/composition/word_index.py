"""Many patterns of words that are looked for at once where a word begins: by its first letter, so that a long text is read fast."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

_FIRST = re.compile(r"[^\W\d_](?![?*{])")
_WORD = re.compile(r"[^\W\d_]+")


class WordIndex:
    """Patterns of whole words with a name each; of those that match at one place the first counts.

    Args:
        pairs: (name, pattern), in the order that counts.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = tuple(pairs)
        letters = {first[0].lower() for _, one in self._pairs if (first := _FIRST.match(one))}
        by: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, one in self._pairs:
            first = _FIRST.match(one)
            for letter in [first[0].lower()] if first else ["", *letters]:
                by[letter].append((name, one))
        self._by = {letter: (_together(found), [name for name, _ in found]) for letter, found in by.items()}
        self._any = self._by.get("", (re.compile("(?!)"), []))

    def at(self, text: str, start: int) -> tuple[str, int] | None:
        """The name of the pattern that matches at a place, and where it ends; None where none does."""
        pattern, names = self._by.get(text[start].lower(), self._any)
        match = pattern.match(text, start)
        return (names[match.lastindex - 1], match.end()) if match and match.lastindex else None

    def found(self, text: str) -> Iterator[tuple[str, int, int]]:
        """(name, start, end) of each match in a text, in its order."""
        end = 0
        for word in _WORD.finditer(text):
            if word.start() >= end and (found := self.at(text, word.start())):
                name, end = found
                yield name, word.start(), end


def _together(pairs: Iterable[tuple[str, str]]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(f'({one})' for _, one in pairs)})(?!\w)", re.I)
