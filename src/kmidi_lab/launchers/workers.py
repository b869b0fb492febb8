"""launcher=workers: a process for every job, forked from this one, which has imported everything and read the data.

A job costs neither imports nor reading, gets its own copy of the data for nothing (memory is shared until somebody
writes to it), begins as a fresh process does, and takes no other with it when it dies.
"""

from __future__ import annotations

import gc
import importlib
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from kmidi_lab import stopping, tasks
from kmidi_lab.errors import ConfigError
from kmidi_lab.hardware import usable_cores
from kmidi_lab.launchers.jobs import Jobs, no_result

log = logging.getLogger(__name__)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_BY_TRAINING = ("kmidi_lab.report.plots", "matplotlib.backends.backend_svg", "jinja2", "torch.utils.serialization")
_BY_EXPORT = ("torch.onnx", "onnxscript")
"""What a job imports inside functions."""


def launch(jobs: Jobs, words: Sequence[Sequence[str]], first: int, n_jobs: int) -> list[JobReturn]:
    """Runs all jobs, `n_jobs` at a time, each with its share of the cores.

    Args:
        jobs: what Hydra has given.
        words: the overrides of each job.
        first: the number of the first.
        n_jobs: at a time.

    Returns:
        In the order of `words`; a job that was killed has no objective.

    Raises:
        ConfigError: there is no fork here.
    """
    check_fork()
    threads = _share_cores(n_jobs)
    jobs.begin(words, first, f"{n_jobs} at a time, {threads} threads each")
    ended: dict[int, JobReturn] = {}
    running: dict[Connection, tuple[int, DictConfig, BaseProcess]] = {}
    for place, config in _with_data(jobs, words, first):
        while len(running) >= n_jobs:
            _collect(running, ended)
        receiving, process = _fork(jobs, config, threads, first + place)
        running[receiving] = place, config, process
    while running:
        _collect(running, ended)
    return [ended[place] for place in range(len(words))]


def check_fork() -> None:
    """Raises ConfigError where forked processes can't train: on Windows there is none, on macOS they crash."""
    if sys.platform != "linux":
        raise ConfigError("launcher=workers forks processes, which works on Linux alone; type launcher=joblib")


def _with_data(jobs: Jobs, words: Sequence[Sequence[str]], first: int) -> Iterator[tuple[int, DictConfig]]:
    """The config of every job with its place; where the next one has the same data, they are read before, once for
    both.
    """
    configs = (jobs.config_of(own, first + place) for place, own in enumerate(words))
    config = next(configs, None)
    place, imported = 0, False
    while config is not None:
        if not imported:
            _import_for(config)
            imported = True
        following = next(configs, None)
        if config.task == "train":
            _read_for(config, following)
        yield place, config
        config, place = following, place + 1


def _import_for(config: DictConfig) -> None:
    """What is missing or wrong, the jobs say themselves."""
    with suppress(Exception):
        tasks.module_of(config.task)
        if config.task == "train":
            from kmidi_lab.targets import find

            for component in (config.model.module, config.model.evaluator, config.data):
                find(component._target_, object, config.trusted)
            for name in (*_BY_TRAINING, *(_BY_EXPORT if config.export.enabled else ())):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a job would write to every page that it shares


def _read_for(config: DictConfig, following: DictConfig | None) -> None:
    with suppress(Exception):
        import torch

        from kmidi_lab import ready

        torch.set_num_threads(1)  # threads don't live on in a fork, and OpenMP waits for them
        if following and ready.key_of(config) == ready.key_of(following):
            ready.read(config)


def _fork(jobs: Jobs, config: DictConfig, threads: int, number: int) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    sys.stdout.flush()
    sys.stderr.flush()
    process = context.Process(target=_job, args=(jobs, config, threads, sending), name=f"job {number}")
    process.start()
    sending.close()  # so that the job alone holds it, and its end is heard
    return receiving, process


def _job(jobs: Jobs, config: DictConfig, threads: int, sending: Connection) -> None:
    """In the job's own process."""
    stopping.end_with_parent()
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
    sending.send(jobs.run(config))


def _collect(running: dict[Any, tuple[int, DictConfig, BaseProcess]], ended: dict[int, JobReturn]) -> None:
    """Waits until at least one job has ended."""
    ready: list[Any] = wait(list(running))
    for receiving in ready:
        place, config, process = running.pop(receiving)
        try:
            ended[place] = receiving.recv()
        except EOFError:
            ended[place] = no_result(config)
        process.join()
        receiving.close()
        if process.exitcode:
            log.error("%s: its process %s; the others go on", process.name, _how_it_ended(process.exitcode))


def _how_it_ended(code: int) -> str:
    number = -code if code < 0 else code - 128
    with suppress(ValueError):
        return f"was ended by {signal.Signals(number).name}"
    return f"ended with code {code}"


def _share_cores(n_jobs: int) -> int:
    """Threads for each job: what the user has set, else a fair share; for libraries that are yet to be imported, too."""
    threads = max(1, usable_cores() // n_jobs)
    for name in _THREADS:
        os.environ.setdefault(name, str(threads))
    with suppress(ValueError):
        return max(1, int(os.environ["OMP_NUM_THREADS"].split(",")[0]))
    return threads
