"""launcher=slurm: a Slurm job for each job of a sweep, by submitit; preempted and timed-out ones are queued again and
go on.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn

from kmidi_lab.errors import ConfigError, UserError, one_line
from kmidi_lab.launcher_schema import SlurmConfig
from kmidi_lab.launchers.elsewhere import Elsewhere, results
from kmidi_lab.launchers.jobs import Jobs
from kmidi_lab.launchers.values import minutes

log = logging.getLogger(__name__)
_FOLDER = "submitit"
_POLL_S = 1.0


class Requeued(Elsewhere):
    """What submitit runs; it asks `checkpoint` for what it is to run when the job is queued again."""

    def checkpoint(self) -> Any:
        """Stops the job, which saves; the same job goes on from there."""
        from submitit.helpers import DelayedSubmission

        self.stop()
        return DelayedSubmission(self)


def launch(jobs: Jobs, words: Sequence[Sequence[str]], first: int, own: SlurmConfig) -> list[JobReturn]:
    """Submits all jobs, `own.at_once` at a time, and waits for them; a stop cancels them, and each of them saves.

    Raises:
        UserError: submitit or Slurm is not there. ConfigError: Slurm refuses the job.
    """
    executor = _executor(Path(jobs.config.hydra.sweep.dir), own)
    jobs.begin(words, first, f"{own.at_once} at a time by {own.cluster}, output in {executor.folder}")
    configs = [jobs.config_of(each, first + place) for place, each in enumerate(words)]
    submitted: list[Any] = []
    try:
        for place, each in enumerate(words):
            while sum(not job.done() for job in submitted) >= own.at_once:
                time.sleep(_POLL_S)
            submitted.append(_submit(executor, Requeued.of(jobs, each, first + place)))
            log.info("job %d is %s %s", first + place, own.cluster, submitted[-1].job_id)
        while not all(job.done() for job in submitted):
            time.sleep(_POLL_S)
    except BaseException:
        for job in submitted:
            job.cancel(check=False)
        raise
    return results(configs)


def _executor(folder: Path, own: SlurmConfig) -> Any:
    try:
        import submitit
    except ImportError:
        raise UserError("launcher=slurm needs submitit; type pip install 'kmidi_lab[slurm]'") from None
    if own.cluster == "slurm" and shutil.which("sbatch") is None:
        raise UserError(
            "launcher=slurm: there is no sbatch here; type it where jobs are submitted, or try it by hydra.launcher.cluster=local"
        )
    executor = submitit.AutoExecutor(folder / _FOLDER, cluster=own.cluster, slurm_max_num_timeout=own.timeouts)
    executor.update_parameters(name="kmidi_lab", timeout_min=minutes(own.time), gpus_per_node=own.gpus)
    if own.cluster == "slurm":
        more = {"requeue": True, **({"account": own.account} if own.account else {})}
        executor.update_parameters(
            cpus_per_task=own.cpus, slurm_partition=own.partition, slurm_additional_parameters=more
        )
        if own.memory_gb:
            executor.update_parameters(mem_gb=own.memory_gb)
    return executor


def _submit(executor: Any, job: Requeued) -> Any:
    from submitit.core.utils import FailedJobError

    try:
        return executor.submit(job)
    except FailedJobError as error:
        raise ConfigError(f"launcher=slurm: sbatch refuses the job: {one_line(str(error))}") from None
