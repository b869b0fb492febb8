"""The proof and the timing of an export on fewer calls: few tests look at their figures.

A release is proved on thousands of inputs of its data, and timed until the times are steady. Every step of both is
taken here too, on a handful. The tests of the proof and of the timing call these themselves, with calls of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kmidi_lab.export import publish
from kmidi_lab.export.bench import latency, memory_floor

_PROBES, _READS, _WARMUP = 128, 50, 5


def shorten(put: Callable[[object, str, object], None] = setattr) -> None:
    """Until what `put` (object, name, value) has put there is taken back."""
    put(publish, "_PROBES", _PROBES)
    put(publish, "measure_latency", partial(latency.measure_latency, warmup=_WARMUP))
    put(memory_floor, "READS", _READS)
