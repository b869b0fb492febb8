"""The bar of what takes long: bytes done of bytes in all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, int], None]
"""Is told bytes done and bytes in all (0 if unknown)."""


@contextmanager
def bar(text: str, progress: bool) -> Iterator[Advance]:
    """What to tell of progress; without `progress` nothing is shown."""
    if not progress:
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
