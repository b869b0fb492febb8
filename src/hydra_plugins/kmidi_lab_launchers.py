"""Hydra's door to the lab's launchers. Hydra takes launchers from this package alone, and imports it at every start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from kmidi_lab.launcher_schema import RayConfig, SlurmConfig, WorkersConfig


class _LabLauncher(Launcher):
    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from kmidi_lab.launchers.jobs import Jobs

        self.jobs = Jobs(hydra_context, task_function, config)


class WorkersLauncher(_LabLauncher):
    """Forks a process for each job (`kmidi_lab.launchers.workers`).

    Args:
        n_jobs: at a time.
    """

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from kmidi_lab.launchers import workers

        return workers.launch(self.jobs, job_overrides, initial_job_idx, self.n_jobs)


class SlurmLauncher(_LabLauncher):
    """Submits a Slurm job for each job (`kmidi_lab.launchers.slurm`).

    Args:
        own: fields of `SlurmConfig`.
    """

    def __init__(self, **own: Any) -> None:
        self.own = SlurmConfig(**own)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from kmidi_lab.launchers import slurm

        return slurm.launch(self.jobs, job_overrides, initial_job_idx, self.own)


class RayLauncher(_LabLauncher):
    """Runs a Ray task for each job (`kmidi_lab.launchers.ray`).

    Args:
        own: fields of `RayConfig`.
    """

    def __init__(self, **own: Any) -> None:
        self.own = RayConfig(**own)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from kmidi_lab.launchers import ray

        return ray.launch(self.jobs, job_overrides, initial_job_idx, self.own)


for _name, _node in (("workers", WorkersConfig), ("slurm", SlurmConfig), ("ray", RayConfig)):
    ConfigStore.instance().store(group="hydra/launcher", name=_name, node=_node, provider="kmidi_lab")
