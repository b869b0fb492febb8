"""Data that are read before jobs are forked off, so that each has them at once. A process has one data module ready at
most.
"""

from __future__ import annotations

import json

from omegaconf import DictConfig, OmegaConf

from kmidi_lab.data import DataModule
from kmidi_lab.targets import build

key: str | None = None
"""Of the data that are ready."""
_module: DataModule | None = None


def key_of(cfg: DictConfig, batch_size: int | None = None) -> str:
    """What makes two data modules the same.

    Args:
        cfg: of the job.
        batch_size: what the machine allows; the config's where None.
    """
    made_with = [OmegaConf.to_container(cfg.data, resolve=True), list(cfg.trusted), cfg.trainer.progress]
    return json.dumps([*made_with, cfg.data.batch_size if batch_size is None else batch_size], sort_keys=True)


def read(cfg: DictConfig) -> None:
    """Has the data of this job ready for those that are forked off later. Raises LabError as the job itself would."""
    global key, _module
    if key == key_of(cfg):
        return
    key, _module = None, None
    module = _built(cfg, cfg.data.batch_size)
    module.prepare_data()
    module.setup("fit")
    module.train_dataloader()  # what they make of the examples, they keep
    module.val_dataloader()
    key, _module = key_of(cfg), module


def data_module(cfg: DictConfig, batch_size: int) -> DataModule:
    """The data of a job: those that are ready, which nobody else in this process may use, or new ones.

    Args:
        cfg: of the job.
        batch_size: examples a step.

    Raises:
        ConfigError: a value out of range, or no class of the lab.
    """
    global key, _module
    if _module is not None and key == key_of(cfg, batch_size):
        taken, key, _module = _module, None, None
        return taken
    return _built(cfg, batch_size)


def _built(cfg: DictConfig, batch_size: int) -> DataModule:
    return build(cfg.data, DataModule, cfg.trusted, batch_size=batch_size, progress=cfg.trainer.progress)
