"""Which setting of a sweep is chosen, by validation alone: the test then says how good it is, and has chosen nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from kmidi_lab.run_record import RunRecord

REPEATS = ("seed=", "data.fold=")
"""What jobs of one setting may differ in."""
_OF_THE_SWEEP = ("sweep=", "sweep.", "launcher=", "hydra.", "hydra/")


@dataclass(frozen=True)
class FinishedJob:
    """A job of a sweep: its number, its overrides, and its record where it has finished well."""

    number: int
    words: tuple[str, ...]
    run: RunRecord


def setting(words: Iterable[str]) -> tuple[str, ...]:
    """The overrides that tell a job's setting: without its seed and fold, and what is the sweep's own."""
    return tuple(sorted(word for word in words if not word.startswith((*REPEATS, *_OF_THE_SWEEP))))


def only_repeats(jobs: Iterable[tuple[str, Sequence[str]]]) -> bool:
    """Whether there is nothing to choose: jobs of one model, given with their overrides, differ in seed and fold alone."""
    settings = defaultdict(set)
    for model, words in jobs:
        settings[model].add(setting(words))
    return all(len(own) == 1 for own in settings.values())


def chosen(tried: Sequence[FinishedJob]) -> list[int]:
    """The jobs of the setting with the least mean objective, one setting for each model.

    A setting counts only where it has as many jobs as the fullest one of its model: the mean over the seeds that did
    not fail is no fair figure.
    """
    by_model: dict[str | None, dict[tuple[str, ...], list[FinishedJob]]] = defaultdict(lambda: defaultdict(list))
    for job in tried:
        if job.run.objective is not None:
            by_model[job.run.identity.model][setting(job.words)].append(job)
    numbers: list[int] = []
    for settings in by_model.values():
        most = max(map(len, settings.values()))
        full = [jobs for jobs in settings.values() if len(jobs) == most]
        numbers += [job.number for job in min(full, key=_mean)]
    return sorted(numbers)


def compared_on_other_data(tried: Sequence[FinishedJob]) -> bool:
    """Whether settings of one model were validated on other examples, so that their losses can't be compared."""
    versions: dict[str | None, dict[tuple[str, ...], set[str | None]]] = defaultdict(lambda: defaultdict(set))
    for job in tried:
        if job.run.data:
            versions[job.run.identity.model][setting(job.words)].add(job.run.data.version)
    return any(len({frozenset(v) for v in own.values()}) > 1 for own in versions.values())


def _mean(jobs: Sequence[FinishedJob]) -> float:
    values = [job.run.objective.value for job in jobs if job.run.objective]
    sign = -1.0 if jobs[0].run.objective and jobs[0].run.objective.mode == "max" else 1.0
    return sign * fmean(values)
