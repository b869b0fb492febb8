"""The tables of the page of all models: models, baselines, times, what was published before, runs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kmidi_lab.registry.versions import kept_versions
from kmidi_lab.report.formats import NOTHING, count, decimals, duration, fixed, is_number, microseconds, percent
from kmidi_lab.report.kept_runs import KeptRun
from kmidi_lab.report.latency_view import fastest_of_entry
from kmidi_lab.report.many_lines import colour
from kmidi_lab.report.public import WHERE

Entry = Mapping[str, Any]
MOST_LINES = 12
_ARROWS = {"min": "↓", "max": "↑"}


@dataclass(frozen=True)
class Cell:
    """`key` is what a click on the heading sorts by, `share` the length of a bar behind the text, 0 to 1."""

    text: str
    key: float | str
    numeric: bool = False
    share: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Table:
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


MODEL_HEADINGS = (
    "model", "status", "metric", "value", "best baseline", "its value", "better by", "params", "training",
    "median call", "p99", "backend", "data", "trained", "kept",
)  # fmt: skip


def model_row(entry: Entry) -> list[Cell]:
    """One model under `MODEL_HEADINGS`."""
    primary, training = entry.get("primary") or {}, entry.get("training") or {}
    value, rival = primary.get("value"), primary.get("best_baseline_value")
    places = decimals((value, rival))
    mode = primary.get("mode")
    name, times = fastest_of_entry(entry)
    stand_in = bool(entry.get("stand_in"))
    return [
        _text(entry["id"]),
        _text(entry["status"], "" if entry["status"] in ("trained", "production") else "fail"),
        _text(f"{primary['split']} {primary['metric']} {_ARROWS.get(str(mode), '')}" if primary else NOTHING),
        _number(value, fixed(value, places)),
        _text(primary.get("best_baseline") or NOTHING),
        _number(rival, fixed(rival, places)),
        _gain(value, rival, mode),
        _number(entry.get("params"), count(entry.get("params"))),
        _number(training.get("duration_seconds"), duration(training.get("duration_seconds"))),
        _number(times.get("median_us"), microseconds(times.get("median_us"))),
        _number(times.get("p99_us"), microseconds(times.get("p99_us"))),
        _text(name or NOTHING),
        _text("stand-in" if stand_in else training.get("dataset_id") or NOTHING, "fail" if stand_in else ""),
        _text(str(training.get("training_date") or NOTHING)[:10]),
        _number(len(kept_versions(entry)), str(len(kept_versions(entry)))),
    ]


def baseline_table(entry: Entry) -> Table:
    """The model among its baselines on the metric of the verdict, the best first."""
    primary = entry.get("primary")
    if not primary:
        return Table((), ())
    metric, mode = primary["metric"], primary["mode"]
    rivals = ((entry.get("baselines") or {}).get(primary["split"]) or {}).items()
    values = {name: scores[metric] for name, scores in rivals if is_number(scores.get(metric))}
    own = str(entry["id"])
    values |= {own: primary["value"]} if is_number(primary.get("value")) else {}
    longest, places = max((abs(v) for v in values.values()), default=0.0), decimals(values.values())
    ranked = sorted(values, key=lambda n: values[n], reverse=mode != "min")
    rows = [
        [_text(n, "own" if n == own else ""),
         Cell(fixed(values[n], places), values[n], True, abs(values[n]) / longest if longest else 0.0)]
        for n in ranked
    ]  # fmt: skip
    return Table(("", f"{primary['split']} {metric} {_ARROWS.get(mode, '')}"), rows)


def latency_table(entry: Entry) -> Table:
    """Times of one call by backend."""
    backends = (entry.get("latency") or {}).get("backends") or {}
    keys = ("median_us", "p99_us")
    rows = [[_text(n), *(_number(b.get(k), microseconds(b.get(k))) for k in keys)] for n, b in backends.items()]
    return Table(("backend", "median", "p99"), rows)


def history_table(entry: Entry) -> Table:
    """What was published before, newest first; the value is the one that the line's own reason states."""
    primary = entry.get("primary") or {}
    rows = []
    for line in entry.get("history") or []:
        value = stated_value(str(line.get("reason")), primary)
        rows.append(
            [
                _text(str(line.get("replaced_at") or NOTHING)[:16].replace("T", " ")),
                _text(line.get("version") or line.get("run_id") or NOTHING),
                _text(line.get("status") or NOTHING),
                _number(value, NOTHING if value is None else f"{value:g}"),
                _text("kept" if line.get("kept") else NOTHING),
                _text(line.get("replaced_because") or NOTHING),
            ]
        )
    metric = f"{primary.get('split', '')} {primary.get('metric', 'value')}".strip()
    return Table(("replaced", "version", "status", metric, "files", "because"), rows)


def stated_value(words: str, primary: Mapping[str, Any]) -> float | None:
    """The score of a replaced entry, as its status reason states it: `… on test top1 (0.6365 against 0.6333)`."""
    name = re.escape(f"{primary.get('split')} {primary.get('metric')}")
    match = re.search(rf"\b{name} \((-?[\d.]+(?:e-?\d+)?) against", words)
    try:
        return float(match[1]) if match else None
    except ValueError:
        return None


def run_table(runs: Sequence[KeptRun]) -> Table:
    """The runs of one model, numbered as the lines of its curves are."""
    return Table(
        (
            "#",
            "run",
            "status",
            "seed",
            "metric",
            "value",
            "best baseline",
            "val loss",
            "epochs",
            "training",
            "settings",
        ),
        [_run_row(number, run) for number, run in enumerate(runs, start=1)],
    )


def _run_row(number: int, run: KeptRun) -> list[Cell]:
    own, primary, training = run.record.identity, run.record.primary, run.record.training
    places = decimals((primary.value, primary.best_baseline_value) if primary else ())
    value, rival = (primary.value, primary.best_baseline_value) if primary else (None, None)
    loss, seconds = (training.val_loss, training.seconds) if training else (None, None)
    epochs = training.epochs if training else None
    return [
        Cell(str(number), number, True, mark=colour(number) if number <= MOST_LINES else ""),
        _text(run.folder),
        _text(own.status if own.error is None else f"{own.status}: {own.error}", "" if own.status == "ok" else "fail"),
        _number(own.seed, NOTHING if own.seed is None else str(own.seed)),
        _text(f"{primary.split} {primary.metric}" if primary else NOTHING),
        _number(value, fixed(value, places)),
        _number(rival, fixed(rival, places)),
        _number(loss, fixed(loss, decimals((loss,)))),
        _number(epochs, count(epochs)),
        _number(seconds, duration(seconds)),
        _text(" ".join(o for o in own.overrides if not o.startswith(WHERE)) or NOTHING),
    ]


def _gain(value: Any, rival: Any, mode: str | None) -> Cell:
    """By how much of the best baseline's value the model is better; below zero it is worse."""
    if not (is_number(value) and is_number(rival)) or not rival:
        return Cell(NOTHING, -math.inf, True)
    gain = (rival - value if mode == "min" else value - rival) / abs(rival)
    return Cell(percent(gain).replace("-", "−"), gain, True, mark="good" if gain > 0 else "fail")


def _text(value: object, mark: str = "") -> Cell:
    return Cell(str(value), str(value).lower(), mark=mark)


def _number(value: Any, text: str) -> Cell:
    """A number, sorted below all others where there is none."""
    return Cell(text, value if is_number(value) else -math.inf, True)
