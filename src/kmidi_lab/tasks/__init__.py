"""One file a task; `run_task` picks it by the config's `task`."""

from __future__ import annotations

import importlib
from typing import Any

from omegaconf import DictConfig

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


def run_task(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Runs `cfg.task`; `context` holds the job's folder, command, start time and sweep group."""
    importlib.import_module(f"kmidi_lab.tasks.{_MODULES[cfg.task]}").main(cfg, context)
