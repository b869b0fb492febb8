"""The memory floor: how long one core needs to read as many bytes as a model has weights.

A call reads every weight once, so a faster one would have to read faster than the machine does. The read is measured
on a buffer of exactly that size that is read over and over, as weights are, so a small model's floor is its cache's
and not that of main memory (contract.md §7).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from kmidi_lab.export.onnx.runtime import STATE

if TYPE_CHECKING:
    from torch import nn

READS = 5000
_FLOAT_BYTES, _WORD_BYTES = 4, 8
_TINY_FLOATS = 16
_STEPS_TO_TRUST = 3
"""A difference of fewer clock steps is noise; on a server's clock that is a model of some 10 kB."""


def onnx_weight_bytes(data: bytes) -> int:
    """Bytes of the floating-point tensors stored in the file; the defaults of its state are no weights."""
    stored = [onnx.numpy_helper.to_array(t) for t in onnx.load_from_string(data).graph.initializer if _is_weight(t)]
    return sum(values.nbytes for values in stored if np.issubdtype(values.dtype, np.floating))


def torch_weight_bytes(network: nn.Module) -> int:
    """Bytes of parameters and buffers, in float32 as they are timed; what is shared counts once."""
    return _FLOAT_BYTES * sum(tensor.numel() for tensor in (*network.parameters(), *network.buffers()))


def read_time_us(size_bytes: int) -> float | None:
    """Best time of many to read `size_bytes`, without what the call itself costs; on the caller's core and threads.

    None where the difference is too short for the clock, as with models of a few kB.
    """
    # All bits joined by "or" read as fast as a sum in PyTorch, the fastest of what was tried (88 µs and 86 µs for 8 MB):
    # np.dot needs 1.3 times as long from the L3 cache, np.sum 3.7 times, and the real RTNeural would come out below it.
    buffers = [np.ones(max(size // _WORD_BYTES, 1), np.int64) for size in (size_bytes, _TINY_FLOATS * _FLOAT_BYTES)]
    best = [_time_ns(buffer) for buffer in buffers]
    # In turn, so that a slow spell of the machine hits both.
    for _ in range(READS):
        best = [min(old, _time_ns(buffer)) for old, buffer in zip(best, buffers, strict=True)]
    read, overhead = best
    if read - overhead < _STEPS_TO_TRUST * clock_step_ns():
        return None
    return (read - overhead) / 1000


def memory_floor(weight_bytes: int, read_us: float | None, median_us: float) -> dict[str, Any]:
    """The `memory_floor` object of a backend in run.json.

    Args:
        weight_bytes: read in a call.
        read_us: what `read_time_us` says for them.
        median_us: of the timed calls.

    Returns:
        `weight_bytes`, `bandwidth_gb_s` (10⁹ bytes), `floor_us` and `floor_ratio`, the median over the floor; the
        last three are None where the floor is too short for the clock.
    """
    if read_us is None:
        return {"weight_bytes": weight_bytes, "bandwidth_gb_s": None, "floor_us": None, "floor_ratio": None}
    return {
        "weight_bytes": weight_bytes,
        "bandwidth_gb_s": weight_bytes / read_us / 1000,
        "floor_us": read_us,
        "floor_ratio": median_us / read_us,
    }


def clock_step_ns() -> int:
    """The shortest time this process can tell from none: the smallest step between two readings in a row."""
    reads = [time.perf_counter_ns() for _ in range(1000)]
    return min((b - a for a, b in zip(reads[:-1], reads[1:], strict=True) if b > a), default=1_000_000)


def _time_ns(buffer: np.ndarray) -> int:
    began = time.perf_counter_ns()
    _read(buffer)
    return time.perf_counter_ns() - began


def _read(buffer: np.ndarray) -> None:
    np.bitwise_or.reduce(buffer)


def _is_weight(tensor: onnx.TensorProto) -> bool:
    return not tensor.name.startswith(STATE)
