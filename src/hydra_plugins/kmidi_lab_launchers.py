"""Hydra's door to the lab's launchers. Hydra takes launchers from this package alone, and imports it at every start."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from kmidi_lab.schema import WorkersConfig


class WorkersLauncher(Launcher):
    """Forks a process for each job (`kmidi_lab.launchers.workers`).

    Args:
        n_jobs: at a time.
    """

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from kmidi_lab.launchers.jobs import Jobs

        self.jobs = Jobs(hydra_context, task_function, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from kmidi_lab.launchers import workers

        return workers.launch(self.jobs, job_overrides, initial_job_idx, self.n_jobs)


ConfigStore.instance().store(group="hydra/launcher", name="workers", node=WorkersConfig, provider="kmidi_lab")
