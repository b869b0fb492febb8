"""One file a task; `run_task` picks it by the config's `task`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import UserError
from kmidi_lab.tasks import early

_MODULES = {
    "train": "train",
    "eval": "evaluate",
    "export": "export",
    "bench": "bench",
    "verify": "verify",
    "registry": "registry",
    "predict": "predict",
    "prepare": "prepare",
    "info": "info",
}
_TRAINING = ("train", "eval", "export", "prepare")


def run_task(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Runs `cfg.task`; `context` holds the job's folder, command, start time and sweep group.

    Raises:
        UserError: the task needs packages that `pip install kmidi_lab` alone does not bring, or its input is wrong.
    """
    if cfg.task in _TRAINING and not all(map(_is_there, ("torch", "lightning"))):
        raise UserError(f"task={cfg.task} needs the training packages; type pip install 'kmidi_lab[train]'")
    early.check(cfg)
    importlib.import_module(f"kmidi_lab.tasks.{_MODULES[cfg.task]}").main(cfg, context)


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False
