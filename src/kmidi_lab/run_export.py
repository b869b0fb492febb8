"""Of the record of a run: the files that were written, how far they agree, and how fast a call is."""

from __future__ import annotations

from dataclasses import dataclass, field

LARGEST_TOLERANCE = 1e-4
"""Of `export.tolerance`: the gate may be tightened, not opened."""


@dataclass
class MemoryFloor:
    """Time in which one core reads the weights; None where the clock is too coarse."""

    weight_bytes: int
    bandwidth_gb_s: float | None
    floor_us: float | None
    floor_ratio: float | None


@dataclass
class Deadline:
    """One call in an audio block of `block` samples: shares of its time that the p99 and the slowest call take."""

    block: int
    rate_hz: int
    deadline_us: float
    p99_share: float
    max_share: float
    meets_p99: bool
    meets_max: bool


@dataclass
class Histogram:
    edges_us: list[float]
    counts: list[int]


@dataclass
class Timing:
    """Times of one call of a backend in µs; what an older lab did not measure is None or empty."""

    median_us: float
    p99_us: float
    first_us: float | None = None
    p90_us: float | None = None
    max_us: float | None = None
    mean_us: float | None = None
    within_budget: bool | None = None
    version: str | None = None
    flags: str | None = None
    histogram: Histogram | None = None
    memory_floor: MemoryFloor | None = None
    deadlines: list[Deadline] = field(default_factory=list)


@dataclass
class Latency:
    """Single calls by backend; `not_measured` says why a backend is not there."""

    budget_ms: float | None = None
    frames: int | None = None
    threads: int | None = None
    pinned_core: int | None = None
    backends: dict[str, Timing] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)


@dataclass
class FileFacts:
    sha256: str
    bytes: int


@dataclass
class Export:
    """The artefacts: `parity` holds the largest error by reader, with the `tolerance` and the number of `calls`.

    Receptive fields are in calls, None without an end. `no_effect` names the inputs of the RTNeural file that change
    nothing, None where nobody looked. `published` is False where a better entry stays.
    """

    models_root: str
    status: str
    reason: str
    stored_params: int | None = None
    receptive_field: int | None = None
    onnx_receptive_field: int | None = None
    parity: dict[str, float | None] = field(default_factory=dict)
    no_effect: list[str] | None = None
    latency: Latency = field(default_factory=Latency)
    published: bool = True
    files: dict[str, FileFacts] = field(default_factory=dict)
