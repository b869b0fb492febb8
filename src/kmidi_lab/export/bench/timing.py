"""Single calls timed on one core and one thread (batch 1; the first call and the outliers are kept), and audio's deadlines.

A deadline is the time until the next audio block must be ready. One call in a block is meant. For a model that takes
audio frames it is the most there can be: a frame comes every 256 samples at 16 kHz, 16 ms, and the longest block here
lasts 11.6 ms. A model that takes notes, bars or chords is called when one comes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Call = Callable[[np.ndarray], np.ndarray]
"""`[1, N]` float32 to `[1, M]`; advances the state."""
_BINS = 60
BLOCKS = (64, 128, 256, 512)
RATES_HZ = (44_100, 48_000, 96_000)


def time_calls(call: Call, frames: np.ndarray, calls: int, warmup: int) -> tuple[np.ndarray, int]:
    """(times of `calls` single calls, time of the very first call) in nanoseconds, with the garbage collector off."""
    rows = [np.ascontiguousarray(frame[None], np.float32) for frame in frames]
    times = np.empty(calls, np.int64)
    collecting = gc.isenabled()
    gc.disable()
    try:
        began = time.perf_counter_ns()
        call(rows[0])
        first = time.perf_counter_ns() - began
        for i in range(warmup):
            call(rows[i % len(rows)])
        for i in range(calls):
            row = rows[i % len(rows)]
            began = time.perf_counter_ns()
            call(row)
            times[i] = time.perf_counter_ns() - began
    finally:
        if collecting:
            gc.enable()
    return times, first


def summary(times_ns: np.ndarray, first_ns: int, budget_ms: float) -> dict[str, Any]:
    """Order statistics in µs and a histogram with log-spaced edges; every call counts.

    `within_budget` asks it of the 99th percentile, since an audio thread misses its deadline on the slow calls.
    """
    us = np.asarray(times_ns, np.float64) / 1000
    # A coarse clock can read 0, which has no logarithm.
    edges = np.geomspace(max(us.min(), 0.001) * 0.999, max(us.max(), 0.001) * 1.001, _BINS + 1)
    counts, _ = np.histogram(us.clip(edges[0], edges[-1]), edges)
    median, p90, p99 = (float(q) for q in np.percentile(us, (50, 90, 99)))
    return {
        "first_us": first_ns / 1000,
        "median_us": median,
        "p90_us": p90,
        "p99_us": p99,
        "max_us": float(us.max()),
        "mean_us": float(us.mean()),
        "within_budget": p99 <= budget_ms * 1000,
        "histogram": {"edges_us": edges.tolist(), "counts": counts.tolist()},
    }


@contextlib.contextmanager
def one_core() -> Iterator[int | None]:
    """One thread on the core given, None where the system lets no process choose; child processes inherit it."""
    torch = sys.modules.get("torch")  # where nobody has imported it, nobody calls it
    threads = torch.get_num_threads() if torch else 0
    if torch:
        torch.set_num_threads(1)
    try:
        with _pinned() as core:
            yield core
    finally:
        if torch:
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


def deadline_us(block: int, rate_hz: int) -> float:
    """How long a block of so many samples lasts, in µs."""
    return block / rate_hz * 1e6


def deadlines(p99_us: float, max_us: float) -> list[dict[str, Any]]:
    """The `deadlines` of a backend in run.json, by block and then by rate.

    Returns:
        For each of `BLOCKS` × `RATES_HZ`: `block` (samples), `rate_hz`, `deadline_us`, the shares of it that the 99th
        percentile and the slowest call take, `p99_share` and `max_share` (1 = all of it), `meets_p99`, `meets_max`.
    """
    rows = []
    for block in BLOCKS:
        for rate in RATES_HZ:
            limit = deadline_us(block, rate)
            shares = {"p99_share": p99_us / limit, "max_share": max_us / limit}
            met = {"meets_p99": p99_us <= limit, "meets_max": max_us <= limit}
            rows.append({"block": block, "rate_hz": rate, "deadline_us": limit, **shares, **met})
    return rows
