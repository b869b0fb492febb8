"""What is wrong with a command and shows before torch and Lightning are imported, which takes seconds."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from kmidi_lab import hardware
from kmidi_lab.errors import ConfigError
from kmidi_lab.targets import check_names

_NO_MODEL = "no model there; give a run folder, a .ckpt, an .onnx or a folder with registry.json"
_NO_CHECKPOINT = "no checkpoint there; give a run folder or a .ckpt file"
_NO_RUN = "no run there; give a run folder, such as outputs/runs/harmony/…"
_READ = {
    "train": ("trainer.resume", _NO_CHECKPOINT),
    "eval": ("eval.model", _NO_MODEL),
    "export": ("export.source", _NO_RUN),
}
"""The file or folder that a task starts from where one is named."""


def check(cfg: DictConfig) -> None:
    """Raises UserError, as the task itself would later."""
    for key in ("data", "model.module", "model.evaluator"):
        check_names(OmegaConf.select(cfg, key), cfg.trusted)
    if cfg.task in _READ:
        key, why = _READ[cfg.task]
        source = OmegaConf.select(cfg, key)
        if source and not Path(source).exists():
            raise ConfigError(f"{key}={source}: {why}")
    if cfg.task == "train":
        hardware.check_choices(cfg.hardware.accelerator, cfg.hardware.precision)
        hardware.may_train(cfg.build.name, cfg.build.may_train, cfg.preset)
    if cfg.task == "export" and not cfg.export.source:
        raise ConfigError("task=export needs a finished run; type export.source=outputs/runs/harmony/…")
