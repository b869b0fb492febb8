"""A progress bar where one is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shown(items: Sequence[T], text: str, progress: bool) -> Iterable[T]:
    """The same items, with a bar that is gone when they are done."""
    if not progress:
        return items
    from rich.progress import track

    return track(items, description=text, transient=True)
