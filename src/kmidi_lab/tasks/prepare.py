"""task=prepare: reads, checks and caches the data; prints a summary."""

from __future__ import annotations

import json
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.data import DataModule
from kmidi_lab.files import write_atomic
from kmidi_lab.report.prepared import prepared_text
from kmidi_lab.targets import build


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    data = build(cfg.data, DataModule, cfg.trusted, progress=cfg.trainer.progress)
    data.prepare_data()
    data.setup("fit")
    problems, record = context["folder"] / "problems.csv", context["folder"] / "data.json"
    data.write_problems(problems)
    described = data.describe()
    write_atomic(record, json.dumps(described, indent=1).encode())
    print(prepared_text(described))
    print(f"\nwritten: {record}; everything that was left out: {problems}")
