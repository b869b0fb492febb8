"""docs/baseline_report.md: every released model in one place, from baselines to the trend.

`python -m kmidi_lab.report.results` writes it with the other generated pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kmidi_lab.report import formats, latency_view
from kmidi_lab.report.dashboard_tables import stated_value
from kmidi_lab.report.formats import NOTHING, cell, count, decimals, duration, fixed, is_number, microseconds, percent
from kmidi_lab.report.scores import label, typical
from kmidi_lab.run_record import RunRecord

DOCUMENT = Path("docs/baseline_report.md")
_HEAD = """# Baselines, latency, cost and trend

Generated from the runs in [`results/`](results) and the release's registry by
`python -m kmidi_lab.report.results`, not by hand. All scores of the released runs are in [RESULTS.md](RESULTS.md).
Where a model was tested in folds, values are their means. The time and the core hours are of the training epochs alone:
their time on all cores of the machine, which is the most that they can have taken. Multiply by the price
of a core for an hour. The whole costs more: what prepares the data, distilling a student, the tests, the export, other
seeds and other folds are not in it.
"""
_TREND = """
## Trend

The score that each release before stated. One that was tested in folds stated that of a single one, so no change is
given. Where the data changed from one to the next, the two are not comparable.

"""
_BASELINES = """
## Baselines

Every baseline on the metric of the verdict, the best first; the model is bold.

"""


def baseline_report(runs: Sequence[RunRecord], entries: Sequence[Mapping[str, Any]]) -> str:
    """The whole page.

    Args:
        runs: the released ones, in the order of the page.
        entries: of the release's registry.
    """
    headings = (
        "model",
        "metric",
        "value",
        "best baseline",
        "better by",
        "parameters",
        "training",
        "core hours",
        "p99 of one call",
        "seed",
    )
    table = formats.table(headings, [_line(run) for run in runs], right=(2, 4, 5, 6, 7, 8, 9))
    rivals = [(f"`{run.identity.model}`", _ranked(run)) for run in runs]
    history = [line for run in runs for line in _history(run, entries)]
    trend = formats.table(("model", "replaced", "metric", "stated then", "now", "change"), history, right=(3, 4, 5))
    return "\n".join((_HEAD, table)) + _BASELINES + formats.table(("model", "scores"), rivals) + _TREND + trend


def _line(run: RunRecord) -> tuple[str, ...]:
    primary, training = run.primary, run.training
    assert primary and run.network
    timed = latency_view.measured(run).backends
    name = latency_view.fastest_of_run(run)
    value, rival = typical(run), typical(run, str(primary.best_baseline))
    places = decimals((value, rival))
    return (
        f"`{run.identity.model}`",
        cell(f"{primary.split} {label(primary.metric, primary.mode)}"),
        fixed(value, places),
        cell(f"{fixed(rival, places)} {primary.best_baseline}"),
        _gain(value, rival, primary.mode),
        count(run.network.params),
        duration(training.seconds if training else None),
        _core_hours(run),
        f"{microseconds(timed[name].p99_us)} {name}" if name else NOTHING,
        str(run.identity.seed),
    )


def _core_hours(run: RunRecord) -> str:
    """Two significant digits; a dash where time or cores are not known."""
    seconds, cores = run.training.seconds if run.training else None, run.machine.get("usable_cores")
    return NOTHING if seconds is None or cores is None else f"{seconds * cores / 3600:.2g}"


def _gain(value: float | None, rival: float | None, mode: str) -> str:
    if value is None or not rival:
        return NOTHING
    return percent((rival - value if mode == "min" else value - rival) / abs(rival)).replace("-", "−")


def _ranked(run: RunRecord) -> str:
    primary, scores = run.primary, run.scores
    assert primary and scores
    own = str(run.identity.model)
    names = {own: None, **{name: name for name in scores.baselines.get(primary.split, {})}}
    values = {name: v for name, rival in names.items() if is_number(v := typical(run, rival))}
    places = decimals(values.values())
    ranked = sorted(values, key=lambda n: values[n] or 0.0, reverse=primary.mode != "min")
    texts = (f"{cell(name)} {fixed(values[name], places)}" for name in ranked)
    return ", ".join(f"**{text}**" if name == own else text for name, text in zip(ranked, texts, strict=True))


def _history(run: RunRecord, entries: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A line for each earlier run whose score the history states, newest first."""
    primary = run.primary
    assert primary
    entry = next((e for e in entries if e["id"] == run.identity.id), {})
    seen = {run.identity.run_id}
    lines: list[tuple[str, ...]] = []
    for line in entry.get("history") or []:
        then = stated_value(str(line.get("reason")), {"split": primary.split, "metric": primary.metric})
        if then is None or line.get("run_id") in seen:
            continue
        seen.add(line.get("run_id"))
        now = typical(run)
        places = decimals((then, now))
        lines.append(
            (
                f"`{run.identity.model}`",
                cell(str(line.get("replaced_at"))[:10]),
                cell(f"{primary.split} {label(primary.metric, primary.mode)}"),
                fixed(then, places),
                fixed(now, places),
                NOTHING if run.spread and run.spread.folds else _gain(now, then, primary.mode),
            )
        )
    return lines or [
        (f"`{run.identity.model}`", NOTHING, cell(f"{primary.split} {primary.metric}"), "first release", "", "")
    ]
