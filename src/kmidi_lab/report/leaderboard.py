"""A sweep's jobs side by side, and the spread of the metrics over its seeds and folds."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from kmidi_lab.report import markdown
from kmidi_lab.report.numbers import NOTHING, decimals, fixed, is_number
from kmidi_lab.report.scores import plus_minus, runs_of

_REPEATS = ("seed=", "data.fold=")
"""What jobs of one setting may differ in."""


@dataclass(frozen=True)
class Entry:
    """One line of the table, as text; the fields are its columns."""

    job: str
    overrides: str
    status: str
    metric: str
    value: str
    best_baseline: str
    error: str


@dataclass(frozen=True)
class _Job:
    number: int
    overrides: tuple[str, ...]
    run: dict[str, Any] | None
    status: str

    @property
    def primary(self) -> Mapping[str, Any]:
        return (self.run or {}).get("primary") or {}


def leaderboard(sweep_dir: Path) -> tuple[str, dict[str, Any]]:
    """The aligned table, best job first, and the `spread` of run.json over the seeds and folds of the jobs that are ok.

    Jobs that differ in more than their seed and fold have no spread over seeds: `metrics` is empty then, and a line says so.
    """
    jobs = _jobs(sweep_dir)
    if not jobs:
        return f"{sweep_dir} holds no jobs.\n", {"seeds": [], "metrics": {}}
    entries = _entries(jobs)
    head = [f.name.replace("_", " ") for f in fields(Entry)]
    lines = [head, *(list(astuple(e)) for e in entries)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    text = "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)
    spread, why_not = _spread(jobs)
    return f"{text}\n{_summary(jobs, spread, why_not)}\n", spread


def write_leaderboard(sweep_dir: Path) -> tuple[str, dict[str, Any]]:
    """What `leaderboard` returns, and the same in leaderboard.csv and leaderboard.md of the sweep's folder."""
    jobs = _jobs(sweep_dir)
    entries = _entries(jobs)
    head = [f.name.replace("_", " ") for f in fields(Entry)]
    with (sweep_dir / "leaderboard.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[f.name for f in fields(Entry)], *(astuple(e) for e in entries)])
    rows = [[markdown.cell(text) for text in astuple(e)] for e in entries]
    summary = markdown.cell(_summary(jobs, *_spread(jobs)))
    page = (
        f"# Leaderboard of {markdown.cell(sweep_dir.name)}\n\n{markdown.table(head, rows, right=(0, 4))}\n{summary}\n"
    )
    (sweep_dir / "leaderboard.md").write_text(page, encoding="utf-8")
    return leaderboard(sweep_dir)


def _jobs(sweep_dir: Path) -> list[_Job]:
    folders = sorted((f for f in sweep_dir.iterdir() if f.is_dir() and f.name.isdigit()), key=lambda f: int(f.name))
    return [_Job(int(f.name), _overrides(f), *_run(f / "run.json")) for f in folders]


def _run(path: Path) -> tuple[dict[str, Any] | None, str]:
    """A job that was killed leaves no run.json, or half of one."""
    if not path.exists():
        return None, "no result"
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None, "unreadable run.json"
    return run, str(run.get("status"))


def _overrides(folder: Path) -> tuple[str, ...]:
    path = folder / ".hydra" / "overrides.yaml"
    return tuple(map(str, yaml.safe_load(path.read_text(encoding="utf-8")) or ())) if path.exists() else ()


def _entries(jobs: list[_Job]) -> list[Entry]:
    places = decimals(p.get(key) for job in jobs for p in [job.primary] for key in ("value", "best_baseline_value"))
    return [_entry(job, places) for job in sorted(jobs, key=_rank)]


def _rank(job: _Job) -> tuple[bool, bool, float, int]:
    value = job.primary.get("value")
    sign = 1 if job.primary.get("mode") == "min" else -1
    return job.status != "ok", not is_number(value), sign * value if is_number(value) else 0.0, job.number  # type: ignore[operator]


def _entry(job: _Job, places: int) -> Entry:
    p = job.primary
    rival = p.get("best_baseline")
    error = (job.run or {}).get("error")
    return Entry(
        job=str(job.number),
        overrides=" ".join(job.overrides) or NOTHING,
        status=job.status,
        metric=f"{p['split']} {p['metric']}" if p else NOTHING,
        value=fixed(p.get("value"), places),
        best_baseline=f"{fixed(p.get('best_baseline_value'), places)} {rival}" if rival else NOTHING,
        error=" ".join(str(error).split()) if error else "",
    )


def _spread(jobs: list[_Job]) -> tuple[dict[str, Any], str]:
    """Mean and sample standard deviation by split and metric, or why there is none.

    `folds` and the spread of the baselines are there where the jobs have folds, each of which has a test of its own.
    """
    done = [job for job in jobs if job.run and job.status == "ok" and job.run.get("metrics")]
    runs = [job.run for job in done if job.run]
    seeds = [run["seed"] for run in runs]
    folds = [run["data"]["split"]["fold"] for run in runs if "fold" in ((run.get("data") or {}).get("split") or ())]
    settings = {tuple(sorted(o for o in job.overrides if not o.startswith(_REPEATS))) for job in done}
    if not runs:
        return {"seeds": [], "metrics": {}}, "no job finished"
    if len(settings) > 1 or len({run["model"] for run in runs}) > 1:
        return {"seeds": seeds, "metrics": {}}, "the jobs differ in more than their seed"
    if len(set(folds)) < 2:
        folds = []
    repeats = list(zip(seeds, folds, strict=True)) if folds else seeds
    if len(set(repeats)) < len(runs):
        return {"seeds": seeds, "metrics": {}}, "a seed comes more than once"
    over: dict[str, Any] = {"seeds": seeds, "metrics": _statistics([run["metrics"] for run in runs])}
    if folds:
        rivals = [run.get("baselines") or {} for run in runs]
        over["folds"] = folds
        over["baselines"] = {
            split: _statistics([told.get(split) or {} for told in rivals]) for split in over["metrics"]
        }
    return over, ""


def _statistics(tables: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Mean and sample standard deviation of every score that all tables have, by the two keys it lies under."""
    out: dict[str, dict[str, dict[str, float | None]]] = {}
    for name, scores in tables[0].items():
        for metric in scores:
            values = [table.get(name, {}).get(metric) for table in tables]
            if all(is_number(v) and isinstance(v, float) for v in values):  # an int is a count, not a score
                std = statistics.stdev(values) if len(values) > 1 else None
                out.setdefault(name, {})[metric] = {"mean": statistics.fmean(values), "std": std}
    return out


def _summary(jobs: list[_Job], spread: Mapping[str, Any], why_not: str) -> str:
    ok = sum(job.status == "ok" for job in jobs)
    line = f"{ok} of {len(jobs)} jobs ok."
    if why_not:
        return f"{line} No spread over seeds: {why_not}."
    primary = next(job.primary for job in jobs if job.status == "ok")
    own = spread["metrics"].get(primary.get("split"), {}).get(primary.get("metric"))
    if not own:
        return line
    split, metric = primary["split"], primary["metric"]
    places = decimals([own["mean"]])
    line = f"{line} {split} {metric} over {runs_of(spread)}: {plus_minus(own, places)}"
    rivals = spread.get("baselines", {}).get(split, {}).items()
    return "; ".join([line, *(f"{name} {plus_minus(scores.get(metric), places)}" for name, scores in rivals)]) + "."
