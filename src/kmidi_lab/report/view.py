"""The parts of run.json as plain rows of text, for the HTML report and RESULTS.md alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmidi_lab.report.numbers import NOTHING, count, duration, fixed, is_number, microseconds, percent, small

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Grid:
    """`numeric` are the columns to align right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


def part(run: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A nested object of the run, empty where any step is missing or null."""
    at: Any = run
    for key in keys:
        at = (at or {}).get(key)
    return at or {}


def text_of(value: Any) -> str:
    """Any value of run.json in one line."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {text_of(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "; ".join(text_of(v) for v in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def pairs(values: Mapping[str, Any]) -> Pairs:
    return [(k.replace("_", " "), text_of(v)) for k, v in values.items()]


def sources(run: Mapping[str, Any]) -> Grid:
    """Where the data came from; the counted columns are whatever the data set counts."""
    return _grid("source", [(s.get("name", NOTHING), s) for s in part(run, "data").get("sources") or ()], ("name",))


def splits(run: Mapping[str, Any]) -> Grid:
    split = part(run, "data", "split")
    return _grid("split", [(name, split[name]) for name in ("train", "val", "test") if split.get(name)])


def _grid(first: str, named: list[tuple[str, Mapping[str, Any]]], without: tuple[str, ...] = ()) -> Grid:
    keys = list(dict.fromkeys(k for _, values in named for k in values if k not in without))
    numbers = [k for k in keys if any(is_number(v.get(k)) for _, v in named)]
    keys = numbers + [k for k in keys if k not in numbers]
    rows = [(name, *(count(v.get(k)) if k in numbers else text_of(v.get(k)) for k in keys)) for name, v in named]
    return Grid((first, *(k.replace("_", " ") for k in keys)), tuple(rows), tuple(range(1, len(numbers) + 1)))


def problems(run: Mapping[str, Any]) -> Grid:
    """What was skipped, by reason, the commonest first."""
    counted = sorted(part(run, "data", "problems").items(), key=lambda item: -item[1])
    return Grid(("skipped because", "count"), tuple((reason, count(n)) for reason, n in counted), (1,))


@dataclass(frozen=True)
class LatencyGrid(Grid):
    """Times of one call; `floor_note` says what the memory floor is, empty where none was measured.

    `deadlines` is what a call takes of an audio block and `deadlines_note` says of which backend; without rows and
    empty for runs from before they were kept.
    """

    floor_note: str = ""
    deadlines: Grid = Grid((), ())
    deadlines_note: str = ""

    @property
    def times(self) -> Grid:
        """Without the last column: version and flags are sentences, too long for a page's table."""
        return Grid(self.headings[:-1], tuple(row[:-1] for row in self.rows), self.numeric)

    @property
    def flags(self) -> Pairs:
        """Version and flags by backend."""
        return [(row[0], row[-1]) for row in self.rows]


def latency(run: Mapping[str, Any]) -> LatencyGrid:
    """Times of one call by backend, against the budget and the memory floor, and the deadlines of the best backend."""
    measured = part(run, "export", "latency")
    budget, backends = measured.get("budget_ms"), measured.get("backends") or {}
    rows = []
    for name, b in backends.items():
        p99 = b.get("p99_us")
        share = percent(p99 / (budget * 1000)) if budget and p99 is not None else NOTHING
        times = [microseconds(b.get(f"{key}_us")) for key in ("median", "p90", "p99", "max", "first")]
        how = " ".join(filter(None, (b.get("version"), b.get("flags"))))
        rows.append((name, *times, share, _within(b), *_floor(b.get("memory_floor")), how))
    times_of = ("median", "p90", "p99", "max", "first call", "p99 / budget", "in budget")
    headings = ("backend", *times_of, "weights", "memory floor", "median / floor", "version, flags")
    note = _FLOOR if any(b.get("memory_floor") for b in backends.values()) else ""
    best = _best(backends)
    shares = f"{best}, one call in a block: share of the block that the 99th percentile and the slowest call take."
    grid = _deadlines(backends[best]["deadlines"]) if best else Grid((), ())
    return LatencyGrid(headings, tuple(rows), (1, 2, 3, 4, 5, 6, 8, 9, 10), note, grid, shares if best else "")


def _within(backend: Mapping[str, Any]) -> str:
    return {True: "yes", False: "NO"}.get(backend.get("within_budget"), NOTHING)  # type: ignore[arg-type]


_FLOOR = (
    "The memory floor is the time in which one core reads as many bytes as the model has weights, from the cache they "
    "stay in between calls; a call reads each weight, so it can hardly be faster."
)


def _floor(floor: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Weights, floor and the median over it."""
    if not floor:
        return NOTHING, NOTHING, NOTHING
    weights = f"{fixed(floor['weight_bytes'] / 1000, 1)}\u00a0kB"
    if floor["floor_us"] is None:
        return weights, "below the clock", NOTHING
    return weights, microseconds(floor["floor_us"]), f"{fixed(floor['floor_ratio'], 2)}×"


def _best(backends: Mapping[str, Mapping[str, Any]]) -> str:
    """RTNeural where it was timed, for that is what the plugin runs; else the fastest ONNX; empty without deadlines."""
    known = [name for name, b in backends.items() if b.get("deadlines")]
    fit = [name for name in known if name == "rtneural"] or [name for name in known if name.startswith("onnx")] or known
    return min(fit, key=lambda name: backends[name]["p99_us"], default="")


def _deadlines(kept: list[dict[str, Any]]) -> Grid:
    rates = list(dict.fromkeys(d["rate_hz"] for d in kept))
    cells = {(d["block"], d["rate_hz"]): _shares(d) for d in kept}
    rows = [
        (f"{block} samples", *(cells.get((block, rate), NOTHING) for rate in rates))
        for block in dict.fromkeys(d["block"] for d in kept)
    ]
    return Grid(("block", *(f"{rate / 1000:g} kHz" for rate in rates)), tuple(rows), tuple(range(1, len(rates) + 1)))


def _shares(deadline: Mapping[str, Any]) -> str:
    late = "" if deadline["meets_max"] else ", slowest LATE" if deadline["meets_p99"] else ", LATE"
    return f"{percent(deadline['p99_share'])} / {percent(deadline['max_share'])}{late}"


def latency_setting(run: Mapping[str, Any]) -> str:
    """How it was measured, in a sentence."""
    m = part(run, "export", "latency")
    core = f"pinned to core {m['pinned_core']}" if m.get("pinned_core") is not None else "not pinned to a core"
    threads = f"{m['threads']} thread{'' if m['threads'] == 1 else 's'}" if "threads" in m else "threads not recorded"
    return f"{count(m.get('frames'))} single calls, {threads}, {core}; budget {text_of(m.get('budget_ms'))} ms a call."


def parity(run: Mapping[str, Any]) -> Grid:
    """Largest difference from the PyTorch network for each file or reader."""
    proof = part(run, "export", "parity")
    tolerance = proof.get("tolerance")
    rows = []
    for name, error in proof.items():
        if name in ("tolerance", "calls") or (name == "chunking" and error is None):
            continue
        passed = NOTHING if error is None or tolerance is None else "yes" if error <= tolerance else "NO"
        rows.append((name, "not checked here" if error is None else small(error), passed))
    within = f"within {small(tolerance)}" if tolerance is not None else "within tolerance"
    return Grid(("file or reader", "largest error", within), tuple(rows), (1,))


def files(run: Mapping[str, Any]) -> Grid:
    made = part(run, "export", "files")
    rows = tuple((name, count(f.get("bytes")), str(f.get("sha256", NOTHING))) for name, f in made.items())
    return Grid(("file", "bytes", "sha256"), rows, (1,))


def emotion(run: Mapping[str, Any]) -> str:
    """Whether knowing the emotion helps, with its interval, or an empty string."""
    e = part(run, "analysis", "emotion")
    if not e:
        return ""
    songs = f" in {count(e['songs'])} songs" if "songs" in e else ""
    text = (
        f"On the {count(e['events'])} events{songs} whose emotion is known, perplexity is "
        f"{fixed(e['perplexity_known'], 3)} with the emotion and {fixed(e['perplexity_unknown'], 3)} without it"
    )
    if "top1_known" in e:
        text += f"; top1 {fixed(e['top1_known'], 3)} and {fixed(e['top1_unknown'], 3)}"
    low, high = e["ci95"]
    text += f". The difference in NLL is {fixed(e['nll_difference'], 3)} nats"
    text += f" (95 % interval {fixed(low, 3)} to {fixed(high, 3)}, negative means the emotion helps): "
    if high < 0:
        return text + "it helps."
    return text + ("it hurts." if low > 0 else "the interval holds zero, so this is no evidence that it helps.")


def provenance(run: Mapping[str, Any]) -> list[tuple[str, Pairs]]:
    """Groups of facts that say what ran, on what, from which code."""
    commit = run.get("git_commit")
    dirty = " with uncommitted changes" if run.get("git_dirty") else ""
    made = [
        ("run", run.get("run_id")),
        ("started", run.get("started_at")),
        ("finished", run.get("finished_at")),
        ("took", duration(run.get("duration_seconds"))),
        ("of it training", duration(run.get("training_seconds"))),
        ("seed", run.get("seed")),
        ("commit", f"{commit}{dirty}" if commit else "not in a git checkout"),
        ("code sha256", run.get("code_sha256")),
        ("data version", part(run, "data").get("version")),
    ]
    groups = [
        ("Run", [(name, text_of(value)) for name, value in made]),
        ("Training", pairs({**part(run, "training"), **{k: run[k] for k in ("params", "arch") if k in run}})),
        ("Hardware asked for", pairs(part(run, "hardware"))),
        ("Machine", pairs(part(run, "machine"))),
        ("Versions", pairs(part(run, "versions"))),
    ]
    return [(title, rows) for title, rows in groups if rows]


def raw(run: Mapping[str, Any]) -> str:
    return json.dumps(run, indent=1, ensure_ascii=False)
