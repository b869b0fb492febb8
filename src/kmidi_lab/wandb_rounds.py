"""Rounds of active learning in Weights & Biases: a run for each step, all rounds of a model in one group."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError
from kmidi_lab.feedback.rounds import Facts, Rounds


def log_step(cfg: DictConfig, folder: Path, rounds: Rounds, step: str, facts: Facts) -> None:
    """Adds a step to the CSV of the rounds and, with logger=wandb, as a run of its own.

    Args:
        cfg: of the job.
        folder: of the job, for W&B's files.
        rounds: of the model.
        step: `queue` or `label`; a retraining is a run already (`wandb_run.py`).
        facts: numbers and words by column.

    Raises:
        ConfigError: W&B is not installed. DataError, FileError: as `Rounds.note`.
    """
    number = rounds.note(step, facts)
    if not cfg.logger.wandb:
        return
    try:
        import wandb
    except ImportError:
        raise ConfigError("logger=wandb needs a package that is not installed; type pip install wandb") from None
    run = wandb.init(**settings(cfg, folder, rounds, number, step))
    run.log({"round": number, **{f"{step}/{key}": value for key, value in facts.items()}})
    run.summary["status"] = "ok"
    run.finish()


def settings(cfg: DictConfig, folder: Path, rounds: Rounds, number: int, step: str) -> dict[str, Any]:
    """What a run of a round begins with, for `wandb.init`."""
    return {
        "project": cfg.logger.project,
        "entity": cfg.logger.entity,
        "name": f"{rounds.model}-round-{number}-{step}",
        "group": rounds.group,
        "job_type": step,
        "tags": [rounds.model, "active learning"],
        "dir": str(folder),
        "mode": mode(),
        "reinit": "create_new",
        "config": {"model": rounds.model, "round": number, "seed": cfg.seed},
    }


def mode() -> str:
    """`online` where somebody is logged in, unless WANDB_MODE says otherwise."""
    import wandb

    logged_in = bool(os.environ.get("WANDB_API_KEY") or wandb.api.api_key)
    return os.environ.get("WANDB_MODE", "online" if logged_in else "offline")
