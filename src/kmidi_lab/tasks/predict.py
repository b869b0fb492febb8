"""task=predict: each model has its own way to be asked, in `predict_<model>.py`, whose `READS` names the keys it knows."""

from __future__ import annotations

import importlib
from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError
from kmidi_lab.schema import PredictConfig


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    asked = importlib.import_module(f"kmidi_lab.models.{cfg.model.name}.predict")
    for key, default in asdict(PredictConfig()).items():
        if cfg.predict[key] != default and key not in asked.READS:
            known = ", ".join(f"predict.{name}" for name in asked.READS)
            raise ConfigError(f"model={cfg.model.name} does not read predict.{key}; it reads {known}")
    asked.main(cfg, context)
