"""What all launchers share: what Hydra gives them, the config of a job, and a job run in this process."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

log = logging.getLogger(__name__)


@dataclass
class Jobs:
    """What Hydra gives a launcher before it launches anything."""

    context: HydraContext
    task: TaskFunction
    config: DictConfig

    def begin(self, words: Sequence[Sequence[str]], first: int, how: str) -> None:
        """Makes the sweep's folder and says what is launched, as Hydra's own launchers do."""
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        Path(self.config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
        log.info("Launching %d jobs, %s", len(words), how)
        for place, own in enumerate(words):
            log.info("\t#%d : %s", first + place, " ".join(filter_overrides(own)))

    def config_of(self, words: Sequence[str], number: int) -> DictConfig:
        """The config of one job."""
        config = self.context.config_loader.load_sweep_config(self.config, list(words))
        with open_dict(config):
            config.hydra.job.id = f"{config.hydra.job.name}_{number}"
            config.hydra.job.num = number
        return config

    def run(self, config: DictConfig) -> JobReturn:
        """Runs one job in this process."""
        return run_job(self.task, config, "hydra.sweep.dir", "hydra.sweep.subdir", self.context)


def no_result(config: DictConfig) -> JobReturn:
    """Of a job whose process has left nothing: as one that has failed, it has no objective, and the others go on."""
    return JobReturn(overrides=list(config.hydra.overrides.task), status=JobStatus.COMPLETED, _return_value=None)


def folder_of(config: DictConfig) -> Path:
    """Where the job leaves its files."""
    return Path(config.hydra.sweep.dir, str(config.hydra.sweep.subdir))
