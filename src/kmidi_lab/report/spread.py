"""The spread of scores over seeds and folds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from kmidi_lab.report.formats import is_number
from kmidi_lab.report.sweep_jobs import SweepJob
from kmidi_lab.run_scores import MetricTable, Spread, Statistic
from kmidi_lab.sweeps.choice import setting


def spread_of(jobs: list[SweepJob]) -> tuple[Spread | None, str]:
    """Mean and sample standard deviation by split and metric, or None and why there is none.

    `folds` and the spread of the baselines are there where the jobs have folds, each of which has a test of its own.
    """
    results = [(job, job.run, job.run.scores) for job in jobs if job.is_tested and job.run and job.run.scores]
    seeds = [run.identity.seed for _, run, _ in results]
    folds = [job.fold for job, _, _ in results if job.fold is not None]
    settings = {setting(job.overrides) for job, _, _ in results}
    if not results:
        finished = any(job.status == "ok" for job in jobs)
        return None, "no job has scores" if finished else "no job finished"
    if len(settings) > 1 or len({run.identity.model for _, run, _ in results}) > 1:
        return None, "the jobs differ in more than their seed"
    if len(set(folds)) < 2:
        folds = []
    repeats: list[Any] = list(zip(seeds, folds, strict=True)) if folds else seeds
    if len(set(repeats)) < len(results):
        return None, "a seed comes more than once"
    over = Spread(seeds, _statistics([scores.metrics for _, _, scores in results]), folds)
    if folds:
        over.baselines = {
            split: _statistics([scores.baselines.get(split, {}) for _, _, scores in results]) for split in over.metrics
        }
    return over, ""


def _statistics(tables: Sequence[MetricTable]) -> dict[str, dict[str, Statistic]]:
    """Mean and sample standard deviation of every score that all tables have, by the two keys it lies under."""
    out: dict[str, dict[str, Statistic]] = {}
    for name, scores in tables[0].items():
        for metric in scores:
            values = [table.get(name, {}).get(metric) for table in tables]
            numbers = [v for v in values if isinstance(v, float) and is_number(v)]  # an int is a count, not a score
            if len(numbers) == len(values):
                std = statistics.stdev(numbers) if len(numbers) > 1 else None
                out.setdefault(name, {})[metric] = Statistic(statistics.fmean(numbers), std)
    return out
