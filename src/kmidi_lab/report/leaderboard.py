"""A sweep's jobs side by side, the best on validation first, and the spread of the metrics over its seeds and folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from kmidi_lab.files import write_atomic
from kmidi_lab.report import formats
from kmidi_lab.report.formats import NOTHING, csv_text, decimals, fixed, is_number, text_table
from kmidi_lab.report.scores import plus_minus, runs_of
from kmidi_lab.report.spread import spread_of
from kmidi_lab.report.sweep_jobs import SweepJob, sweep_jobs
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Spread, Statistic
from kmidi_lab.sweeps.choice import FinishedJob, chosen, only_repeats
from kmidi_lab.sweeps.kept import choice_in
from kmidi_lab.wording import many

_BY_TEST = "Ranked by test: a job that is chosen by its test score is worse on new data than that score says; choose by validation."


@dataclass(frozen=True)
class Entry:
    """One line of the table, as text; the fields are its columns."""

    job: str
    overrides: str
    status: str
    validation: str
    metric: str
    value: str
    best_baseline: str
    error: str


_OF_SCORES = slice(3, 7)
"""The columns that tell scores."""


def leaderboard(sweep_dir: Path, rank_by: str = "validation") -> tuple[str, Spread | None]:
    """The table, best job first, and the spread over the seeds and folds of the jobs that are ok and tested.

    Jobs that differ in more than their seed and fold have no spread: a line says so.

    Args:
        sweep_dir: of the sweep.
        rank_by: validation or test.
    """
    jobs = sweep_jobs(sweep_dir)
    if not jobs:
        return f"{sweep_dir} holds no jobs.\n", None
    spread, why_not = spread_of(jobs)
    table = [_headings(), *map(astuple, _entries(jobs, rank_by))]
    right: tuple[int, ...] = (3, 5)
    if _scores_nothing(jobs):
        table, right = [(*row[: _OF_SCORES.start], *row[_OF_SCORES.stop :]) for row in table], ()
    text = text_table(table[0], table[1:], right)
    return f"{text}\n{_summary(sweep_dir, jobs, spread, why_not, rank_by)}\n", spread


def finished(sweep_dir: Path) -> list[tuple[Path, RunRecord]]:
    """Folders and records of the jobs that a spread is over: those that are ok and tested."""
    return [(sweep_dir / str(job.number), job.run) for job in sweep_jobs(sweep_dir) if job.run and job.is_tested]


def write_leaderboard(sweep_dir: Path, rank_by: str = "validation") -> tuple[str, Spread | None]:
    """What `leaderboard` returns, and the same in leaderboard.csv and leaderboard.md of the sweep's folder."""
    jobs = sweep_jobs(sweep_dir)
    entries = _entries(jobs, rank_by)
    table = csv_text([[f.name for f in fields(Entry)], *(astuple(e) for e in entries)])
    write_atomic(sweep_dir / "leaderboard.csv", table.encode())
    rows = [[formats.cell(text) for text in astuple(e)] for e in entries]
    summary = formats.cell(_summary(sweep_dir, jobs, *spread_of(jobs), rank_by))
    page = formats.table(_headings(), rows, right=(0, 3, 5))
    page = f"# Leaderboard of {formats.cell(sweep_dir.name)}\n\n{page}\n{summary}\n"
    write_atomic(sweep_dir / "leaderboard.md", page.encode())
    return leaderboard(sweep_dir, rank_by)


def _scores_nothing(jobs: Sequence[SweepJob]) -> bool:
    """Whether all jobs are done and none has a score, as those of task=predict."""
    return all(job.status == "ok" and job.primary is None and job.objective is None for job in jobs)


def _headings() -> list[str]:
    return [field.name.replace("_", " ") for field in fields(Entry)]


def _entries(jobs: list[SweepJob], rank_by: str) -> list[Entry]:
    values = [v for job in jobs if (p := job.primary) for v in (p.value, p.best_baseline_value)]
    places = decimals(values), max(4, decimals([o.value for job in jobs if (o := job.objective)]))
    return [_entry(job, *places) for job in sorted(jobs, key=lambda job: _rank(job, rank_by))]


def _rank(job: SweepJob, rank_by: str) -> tuple[bool, str, bool, float, int]:
    """Where nothing was trained, as in a sweep of task=eval, by what was scored."""
    own = job.objective if rank_by == "validation" and job.objective else job.primary
    value = own.value if own else None
    sign = 1 if own and own.mode == "min" else -1
    there = value is not None and is_number(value)
    model = (job.run.identity.model if job.run else None) or ""
    return (
        job.status != "ok",
        model if job.status == "ok" else "",
        not there,
        sign * value if value is not None and there else 0.0,
        job.number,
    )


def _entry(job: SweepJob, places: int, of_validation: int) -> Entry:
    p, validated = job.primary, job.objective
    rival = p.best_baseline if p else None
    error = job.run.identity.error if job.run else None
    return Entry(
        job=str(job.number),
        overrides=" ".join(job.overrides) or NOTHING,
        status=job.status,
        validation=f"{validated.metric} {validated.value:.{of_validation}f}" if validated else NOTHING,
        metric=f"{p.split} {p.metric}" if p else NOTHING,
        value=fixed(p.value if p else None, places),
        best_baseline=f"{fixed(p.best_baseline_value, places)} {rival}" if p and rival else NOTHING,
        error=" ".join(error.split()) if error else "",
    )


def _choice(sweep_dir: Path, jobs: list[SweepJob]) -> str:
    """The jobs of the best setting; nothing where there is one setting alone."""
    tried = [FinishedJob(job.number, job.overrides, job.run) for job in jobs if job.run and job.status == "ok"]
    kept_choice, elsewhere = choice_in(sweep_dir)
    if elsewhere:
        return f" The study's best is elsewhere: {elsewhere}."
    if not kept_choice and only_repeats((job.run.identity.model or "", job.words) for job in tried):
        return ""
    numbers = ", ".join(map(str, kept_choice or chosen(tried)))
    return f" Chosen by validation: job {numbers}." if numbers else ""


def _summary(sweep_dir: Path, jobs: list[SweepJob], spread: Spread | None, why_not: str, rank_by: str) -> str:
    line = f"{sum(job.status == 'ok' for job in jobs)} of {many(len(jobs), 'job')} ok."
    if _scores_nothing(jobs):
        return line
    line += f" {_BY_TEST}" if rank_by == "test" else _choice(sweep_dir, jobs)
    if spread is None:
        return f"{line} No spread over seeds: {why_not}."
    primary = next((job.primary for job in jobs if job.status == "ok" and job.primary), None)
    own = spread.metrics.get(primary.split, {}).get(primary.metric) if primary else None
    if primary is None or own is None:
        return line
    places = decimals([own.mean])
    line = f"{line} {primary.split} {primary.metric} over {runs_of(spread)}: {plus_minus(own, places)}"
    rivals: Mapping[str, Mapping[str, Statistic]] = spread.baselines.get(primary.split, {})
    rest = (f"{name} {plus_minus(scores.get(primary.metric), places)}" for name, scores in rivals.items())
    return "; ".join([line, *rest]) + "."
