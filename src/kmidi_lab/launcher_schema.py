"""What may stand in `hydra.launcher`, and of what type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class WorkersConfig:
    """`hydra.launcher` of launcher=workers."""

    _target_: str = "hydra_plugins.kmidi_lab_launchers.WorkersLauncher"
    n_jobs: int = 2


@dataclass
class SlurmConfig:
    """`hydra.launcher` of launcher=slurm."""

    _target_: str = "hydra_plugins.kmidi_lab_launchers.SlurmLauncher"
    partition: str | None = None
    account: str | None = None
    time: Any = "24:00:00"
    gpus: int = 0
    cpus: int = 2
    memory_gb: float | None = None
    timeouts: int = 10
    at_once: int = 100
    cluster: str = "slurm"


@dataclass
class RayConfig:
    """`hydra.launcher` of launcher=ray."""

    _target_: str = "hydra_plugins.kmidi_lab_launchers.RayLauncher"
    address: str | None = None
    cpus: int = 1
    gpus: float = 0
    retries: int = 3
    at_once: int = 2
