"""All combinations of a sweep's values, each a job; what is done is left, what was cut off goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import product
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from kmidi_lab.errors import ConfigError
from kmidi_lab.overrides import values_of
from kmidi_lab.sweeps import kept, state
from kmidi_lab.sweeps.choice import FinishedJob, chosen, compared_on_other_data

log = logging.getLogger(__name__)
Launch = Callable[[list[list[str]], int], object]
"""Runs jobs, given by their overrides, the first with that number."""
Compose = Callable[[list[str]], DictConfig]


def sweep(folder: Path, jobs: list[list[str]], settings: DictConfig, launch: Launch, compose: Compose) -> None:
    """Runs the jobs that are not done in folders named by their numbers, then the test of the chosen ones.

    Args:
        folder: of the sweep.
        jobs: the overrides of each; those that the sweep began with count where it goes on.
        settings: the `sweep` node of the config.
        launch: of the launcher.
        compose: makes the config of a job, to tell whether what is done was done with the same settings.

    Raises:
        ConfigError: another process is at it, or what is done was done with other settings.
    """
    with kept.alone(folder):
        _sweep(folder, jobs, settings, launch, compose)


def _sweep(folder: Path, jobs: list[list[str]], settings: DictConfig, launch: Launch, compose: Compose) -> None:
    begun = kept.read(folder) if settings.resume else kept.begin(folder, jobs)
    rest = {}
    for number, words in enumerate(begun.jobs):
        own = folder / str(number)
        there = state.state_of(own)
        if there != "waiting":
            state.check_same(own, plain(compose(words)))
        if there == "done" or (there == "failed" and not settings.retry_failed):
            log.info("job %d is %s", number, there)
            continue
        rest[number] = in_folder(state.words_to_go_on(words, own), number)
    if rest:
        launch(list(rest.values()), 0)
    if settings.test == "chosen":
        test_chosen(folder, begun, set(rest), launch)


def test_chosen(folder: Path, begun: kept.KeptSweep, trained: Set[int], launch: Launch) -> None:
    """Has the jobs of the chosen setting go on with what the others do without: student, test, export.

    The choice is kept: one whose test or export fails is not replaced by the next best.

    Args:
        folder: of the sweep.
        begun: the sweep; its choice is made where there is none, or where jobs that it didn't know were trained.
        trained: the numbers of the jobs that were run just now.
        launch: of the launcher.
    """
    jobs, tried = begun.jobs, tried_in(folder, begun.jobs)
    ended = {job.number for job in tried}
    if compared_on_other_data(tried):
        log.warning("the jobs were validated on different data, so their losses can't be compared; see sweep.test=all")
    if not begun.chosen or (trained - set(begun.chosen) and ended.issuperset(begun.chosen)):
        begun.chosen = chosen(tried)
        kept.write(begun, folder)
    if failed := sorted(set(begun.chosen) - ended):
        log.warning("chosen by validation, but failed: job %s; see sweep.retry_failed", ", ".join(map(str, failed)))
    numbers = {job.number for job in tried if job.run.scores is None} & set(begun.chosen)
    if numbers:
        log.info("chosen by validation: job %s; its test follows", ", ".join(map(str, sorted(numbers))))
        launch([in_folder(state.words_to_test(jobs[n], folder / str(n)), n) for n in sorted(numbers)], 0)


def tried_in(folder: Path, jobs: Sequence[Sequence[str]]) -> list[FinishedJob]:
    """The jobs that have ended well."""
    records = ((n, words, state.record_of(folder / str(n))) for n, words in enumerate(jobs))
    return [FinishedJob(n, tuple(words), run) for n, words, run in records if run and run.identity.status == "ok"]


def in_folder(words: Sequence[str], number: int) -> list[str]:
    """The same job in the folder of its number, whichever place the launcher gives it."""
    return [*words, f"hydra.sweep.subdir={number}"]


def combinations(
    arguments: Sequence[str], params: Mapping[str, object] | None, parser: OverridesParser
) -> list[list[str]]:
    """The overrides of every job.

    Args:
        arguments: of the command line.
        params: further overrides by key, for keys that the command line leaves alone.
        parser: Hydra's, with its config loader, which `glob(*)` needs.

    Raises:
        ConfigError: a range such as `interval(0,1)`, which has no list of values.
    """
    typed = {argument.partition("=")[0] for argument in arguments}
    more = [f"{key}={value}" for key, value in (params or {}).items() if key not in typed]
    choices: list[list[str]] = []
    for override in parser.parse_overrides([*arguments, *more]):
        if override.is_sweep_override() and not override.is_discrete_sweep():
            raise ConfigError(
                f"{override.key_or_group}: a range has no list of values; list some, as in {override.key_or_group}=1,2"
            )
        choices.append(values_of(override))
    return [list(job) for job in product(*choices)]


def plain(cfg: DictConfig) -> dict[str, object]:
    """The job's own settings, as its record keeps them."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    return OmegaConf.to_container(own, resolve=True)  # type: ignore[return-value]
