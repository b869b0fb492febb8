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


def short_of(value: float, limit: float, places: int = 2) -> str:
    """A number that misses a limit, rounded to `places` or to as many as it takes to be another number than the limit."""
    text = f"{value:.{places}f}"
    while float(text) == limit != value and places < 9:
        places += 1
        text = f"{value:.{places}f}"
    return text


def others_are(count: int) -> str:
    """What became of the rest of a file, some of whose rows were refused; `count` of them are stored."""
    return "the others are stored" if count else "nothing is stored"
