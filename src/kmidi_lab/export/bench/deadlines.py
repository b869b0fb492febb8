"""What one call takes of an audio block: the time until the next block must be ready.

One call in a block is meant. For a model that takes audio frames it is the most there can be: a frame comes every
256 samples at 16 kHz, 16 ms, and the longest block here lasts 11.6 ms. A model that takes notes, bars or chords is
called when one comes.
"""

from __future__ import annotations

from typing import Any

BLOCKS = (64, 128, 256, 512)
RATES_HZ = (44_100, 48_000, 96_000)


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
