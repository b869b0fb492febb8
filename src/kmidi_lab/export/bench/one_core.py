"""One thread on one core for a measurement, put back afterwards."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def one_core() -> Iterator[int | None]:
    """One torch thread on the core given, None where the system lets no process choose; child processes inherit it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _pinned() as core:
            yield core
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _pinned() -> Iterator[int | None]:
    if sys.platform != "linux":
        yield None
        return
    allowed = os.sched_getaffinity(0)
    # The last core: interrupts and other programs crowd the first ones.
    core = max(allowed)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, allowed)
