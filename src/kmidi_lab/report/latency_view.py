"""Times of one call as rows of text, for the card, RESULTS.md and the HTML report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmidi_lab.report.formats import NOTHING, count, fixed, is_number, microseconds, percent
from kmidi_lab.report.view import Grid, Pairs, text_of
from kmidi_lab.run_export import Deadline, Latency, MemoryFloor, Timing
from kmidi_lab.run_record import RunRecord

_FLOOR = (
    "The memory floor is the time in which one core reads as many bytes as the model has weights, from the cache they "
    "stay in between calls; a call reads each weight, so it can hardly be faster."
)
_NO_GRID = Grid((), ())
_TIMES = ("median", "p90", "p99", "max", "first call", "p99 / budget", "in budget")


@dataclass(frozen=True)
class LatencyGrid(Grid):
    """Times of one call; `floor_note` says what the memory floor is, empty where none was measured.

    `deadlines` is what a call takes of an audio block and `deadlines_note` says of which backend; without rows and
    empty for runs from before they were kept.
    """

    floor_note: str = ""
    deadlines: Grid = _NO_GRID
    deadlines_note: str = ""

    @property
    def times(self) -> Grid:
        """Without the last column: version and flags are sentences, too long for a page's table."""
        return Grid(self.headings[:-1], tuple(row[:-1] for row in self.rows), self.numeric)

    @property
    def flags(self) -> Pairs:
        """Version and flags by backend."""
        return [(row[0], row[-1]) for row in self.rows]


def measured(run: RunRecord) -> Latency:
    """What was timed, nothing for a run without an export."""
    return run.export.latency if run.export else Latency()


def runs_student(backend: str) -> bool:
    """Whether a backend runs RTNeural's file: of a model with a student that is the student, not what was scored."""
    return backend.startswith(("rtneural", "kmidi"))


def fastest(medians: Mapping[str, Any], has_student: bool) -> str:
    """The backend whose time may stand beside the model's score; empty where none was timed.

    Args:
        medians: of one call, by backend; what is no number counts as not timed.
        has_student: RTNeural's file holds a student, which has scores of its own.
    """
    scored = [n for n, us in medians.items() if is_number(us) and not (has_student and runs_student(n))]
    return min(scored, key=lambda n: medians[n], default="")


def fastest_of_run(run: RunRecord) -> str:
    """The same of what a run measured."""
    return fastest({n: b.median_us for n, b in measured(run).backends.items()}, run.student is not None)


def fastest_of_entry(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The same of a registry's entry, with its times by name (`median_us`, `p99_us`)."""
    backends = (entry.get("latency") or {}).get("backends") or {}
    name = fastest({n: b.get("median_us") for n, b in backends.items()}, bool(entry.get("rtneural_is_student")))
    return name, backends.get(name, {})


def latency(run: RunRecord) -> LatencyGrid:
    """Times of one call by backend, against the budget and the memory floor, and the deadlines of the best backend."""
    budget, backends = measured(run).budget_ms, measured(run).backends
    rows = []
    for name, b in backends.items():
        share = percent(b.p99_us / (budget * 1000)) if budget else NOTHING
        times = [microseconds(us) for us in (b.median_us, b.p90_us, b.p99_us, b.max_us, b.first_us)]
        within = {True: "yes", False: "NO", None: NOTHING}[b.within_budget]
        how = " ".join(filter(None, (b.version, b.flags)))
        rows.append((name, *times, share, within, *_floor(b.memory_floor), how))
    headings = ("backend", *_TIMES, "weights", "memory floor", "median / floor", "version, flags")
    note = _FLOOR if any(b.memory_floor for b in backends.values()) else ""
    best = _best(backends)
    shares = f"{best}, one call in a block: share of the block that the 99th percentile and the slowest call take."
    grid = _deadlines(backends[best].deadlines) if best else _NO_GRID
    return LatencyGrid(headings, tuple(rows), (1, 2, 3, 4, 5, 6, 8, 9, 10), note, grid, shares if best else "")


def setting(run: RunRecord) -> str:
    """How it was measured, in a sentence."""
    m = measured(run)
    core = f"pinned to core {m.pinned_core}" if m.pinned_core is not None else "not pinned to a core"
    threads = f"{m.threads} thread{'' if m.threads == 1 else 's'}" if m.threads is not None else "threads not recorded"
    return f"{count(m.frames)} single calls, {threads}, {core}; budget {text_of(m.budget_ms)} ms a call."


def _floor(floor: MemoryFloor | None) -> tuple[str, str, str]:
    """Weights, floor and the median over it."""
    if floor is None:
        return NOTHING, NOTHING, NOTHING
    weights = f"{fixed(floor.weight_bytes / 1000, 1)}\u00a0kB"
    if floor.floor_us is None:
        return weights, "below the clock", NOTHING
    return weights, microseconds(floor.floor_us), f"{fixed(floor.floor_ratio, 2)}×"


def _best(backends: Mapping[str, Timing]) -> str:
    """RTNeural where it was timed, for that is what the plugin runs; else the fastest ONNX; empty without deadlines."""
    timed = [name for name, b in backends.items() if b.deadlines]
    fit = [name for name in timed if name == "rtneural"] or [name for name in timed if name.startswith("onnx")] or timed
    return min(fit, key=lambda name: backends[name].p99_us, default="")


def _deadlines(deadlines: list[Deadline]) -> Grid:
    rates = list(dict.fromkeys(d.rate_hz for d in deadlines))
    cells = {(d.block, d.rate_hz): _shares(d) for d in deadlines}
    rows = [
        (f"{block} samples", *(cells.get((block, rate), NOTHING) for rate in rates))
        for block in dict.fromkeys(d.block for d in deadlines)
    ]
    return Grid(("block", *(f"{rate / 1000:g} kHz" for rate in rates)), tuple(rows), tuple(range(1, len(rates) + 1)))


def _shares(d: Deadline) -> str:
    late = "" if d.meets_max else ", slowest LATE" if d.meets_p99 else ", LATE"
    return f"{percent(d.p99_share)} / {percent(d.max_share)}{late}"
