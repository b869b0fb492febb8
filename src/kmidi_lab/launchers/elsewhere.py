"""A job of a sweep in a process of its own on another machine, or another time: what Slurm and Ray run.

The machines share a file system, in which the job's folder lies. Whenever the job is run again, after a preemption or a
lost node, it goes on from the `last.ckpt` in its folder.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from omegaconf import DictConfig

from kmidi_lab import stopping
from kmidi_lab.files import ROOTS
from kmidi_lab.launchers.jobs import Jobs, folder_of, no_result
from kmidi_lab.sweeps import state

log = logging.getLogger(__name__)
_SAVING_S = 20.0
"""How long a job that is preempted may take to leave its record."""
_ENVIRONMENT = ("KMIDI_", "WANDB_", "PYTHONPATH", "OMP_NUM_THREADS", "RTNEURAL_RUNNER", *ROOTS)


@dataclass
class Elsewhere:
    """A job, picklable.

    Attributes:
        payload: what `main` reads.
        folder: where the process works, the same on all machines.
        environment: what the lab reads of the environment.
    """

    payload: bytes
    folder: str
    environment: dict[str, str]
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of(cls, jobs: Jobs, words: Sequence[str], number: int) -> Self:
        """The job of these overrides. Needs cloudpickle, which Slurm's and Ray's packages bring."""
        import cloudpickle

        payload = cloudpickle.dumps((jobs, Singleton.get_state(), list(words), number))
        return cls(payload, str(Path.cwd()), {k: v for k, v in os.environ.items() if k.startswith(_ENVIRONMENT)})

    def __call__(self) -> int:
        """Runs the job and waits for it; returns the exit code of its process, which a record in its folder explains."""
        command = [sys.executable, "-m", "kmidi_lab.launchers.elsewhere"]
        env = {**os.environ, **self.environment}
        # In a process group of its own: Ray kills its worker's group a second after a stop, before the job has saved.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, cwd=self.folder, env=env, start_new_session=True
        )
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it has ended before it began; its exit code says so
            self._process.stdin.write(self.payload)
            self._process.stdin.close()
        return self._process.wait()

    def stop(self) -> None:
        """Has the job save what it needs to go on, and end."""
        if self._process is None:
            return
        # A signal has interrupted `Popen.wait`, whose lock another `wait` would wait for for ever.
        pid, began = self._process.pid, time.monotonic()
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGTERM)
            while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                if time.monotonic() - began > _SAVING_S:
                    os.kill(pid, signal.SIGKILL)
                    return
                time.sleep(0.05)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_process": None}


def results(configs: Sequence[DictConfig]) -> list[JobReturn]:
    """What the folders of jobs that have ended say of them: the objective, where there is one."""
    ended = []
    for config in configs:
        folder = folder_of(config)
        record, where = state.record_of(folder), state.state_of(folder)
        if where not in ("done", "failed"):
            log.error("job %s is %s; the others went on", folder.name, "cut off" if where == "cut off" else "lost")
        returned = no_result(config)
        if record and record.objective:
            returned = JobReturn(returned.overrides, status=JobStatus.COMPLETED, _return_value=record.objective.value)
        ended.append(returned)
    return ended


def main() -> None:
    """The process of the job: reads it from standard input."""
    jobs, singletons, words, number = pickle.load(sys.stdin.buffer)  # written by the process that began this one
    setup_globals()
    Singleton.set_state(singletons)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping.SIGNALS)  # a thread of Ray's may have started this process
    stopping.end_with_parent()
    folder = folder_of(jobs.config_of(words, number))
    jobs.run(jobs.config_of(state.words_to_go_on(words, folder), number))


if __name__ == "__main__":
    main()
