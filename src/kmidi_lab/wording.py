"""Small parts of sentences that tasks print."""

from __future__ import annotations


def many(number: int, thing: str, things: str | None = None) -> str:
    """A count with its noun: `1 note`, `2 notes`.

    Args:
        number: how many.
        thing: the noun for one.
        things: for any other number; None is the same with an s.
    """
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


def others_are(count: int) -> str:
    """What became of the rest of a file, some of whose rows were refused; `count` of them are stored."""
    return "the others are stored" if count else "nothing is stored"
