"""task=prepare: reads, checks and caches the data; prints the report."""

from __future__ import annotations

import json
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.data import DataModule
from kmidi_lab.targets import build


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    data = build(cfg.data, DataModule, cfg.trusted, progress=cfg.trainer.progress)
    data.prepare_data()
    data.setup("fit")
    data.write_problems(context["folder"] / "problems.csv")
    print(json.dumps(data.describe(), indent=1))
    print(f"every skipped item: {context['folder'] / 'problems.csv'}")
