"""Rounds of active learning in Weights & Biases: a run for each step, all rounds of a model in one group."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, DataError, one_line
from kmidi_lab.feedback.rounds import Facts, Rounds


def check(cfg: DictConfig) -> None:
    """Before any work. Raises ConfigError: logger=wandb, and W&B is not installed."""
    if cfg.logger.wandb and importlib.util.find_spec("wandb") is None:
        raise ConfigError("logger=wandb needs a package that is not installed; type pip install wandb")


def log_step(cfg: DictConfig, folder: Path, rounds: Rounds, step: str, facts: Facts) -> None:
    """Adds a step to the CSV of the rounds and, with logger=wandb, as a run of its own.

    Args:
        cfg: of the job.
        folder: of the job, for W&B's files.
        rounds: of the model.
        step: `queue` or `label`; a retraining is a run already (`wandb_run.py`).
        facts: numbers and words by column.

    Raises:
        DataError: W&B can't be reached or refuses, after the CSV has the step. DataError, FileError: as `Rounds.note`.
    """
    number = rounds.note(step, facts)
    if not cfg.logger.wandb:
        return
    import wandb

    try:
        run = wandb.init(**settings(cfg, folder, rounds, number, step))
    except wandb.errors.Error as error:
        raise DataError(
            f"logger=wandb: {one_line(str(error), 300)}; type WANDB_MODE=offline in front, or logger=csv"
        ) from None
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
        "tags": tags_of([rounds.model, "active learning", *cfg.logger.tags]),
        "dir": str(folder),
        "mode": mode(cfg),
        "reinit": "create_new",
        "config": {"model": rounds.model, "round": number, "seed": cfg.seed},
    }


def tags_of(words: Iterable[str]) -> list[str]:
    """Such as W&B takes: of 1 to 64 signs, each once."""
    return list(dict.fromkeys(word[:64] for word in words if word))


def mode(cfg: DictConfig) -> str:
    """`online` where somebody is logged in, unless `logger.offline` or WANDB_MODE says otherwise."""
    if cfg.logger.offline:
        return "offline"
    import wandb

    logged_in = bool(os.environ.get("WANDB_API_KEY") or wandb.api.api_key)
    return os.environ.get("WANDB_MODE", "online" if logged_in else "offline")
