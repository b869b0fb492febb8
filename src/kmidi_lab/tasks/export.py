"""task=export: proves and publishes a finished run again, with the spread of its sweep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.callbacks import evaluate_module
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.publish import export_module
from kmidi_lab.files import write_atomic
from kmidi_lab.report.leaderboard import leaderboard
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build
from kmidi_lab.tasks.evaluate import load_run


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    if not cfg.export.source:
        raise ConfigError("task=export needs a finished run; type export.source=outputs/runs/harmony/…")
    module, config, checkpoint = load_run(Path(cfg.export.source), cfg.trusted)
    folder = checkpoint.parent.parent
    record_path = folder / "run.json"
    if not record_path.is_file():
        raise ConfigError(f"{folder}: run.json is missing; the run has not finished")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    if record["status"] != "ok":
        raise ConfigError(f"{folder}: the run failed ({record['error']}); export a run that ended well")
    if folder.name.isdigit():
        spread = leaderboard(folder.parent)[1]
        record["spread"] = spread if spread.get("metrics") else None
    data = build(
        {**_without_licence(config["data"]), "root": cfg.paths.data_root, "cache_dir": cfg.paths.cache_dir},
        DataModule,
        cfg.trusted,
    )
    data.setup("test")
    if data.describe()["version"] != record["data"]["version"]:
        raise ConfigError(
            f"{folder}: trained on other data than {cfg.paths.data_root} holds; set DATA_ROOT to the same data"
        )
    record["data_settings"] = data.identity(config["data"])  # a run of 0.1.0 didn't record them
    # The scores published are always those of these weights, whatever was in run.json.
    evaluator = build(config["model"].get("evaluator"), Evaluator, cfg.trusted)
    record |= evaluate_module(module, evaluator, data)
    record["training"]["test_loss"] = record["metrics"]["test"][evaluator.loss]
    models_root = Path(cfg.models_root)
    export_module(
        module, data.probes(), record, models_root, cfg.export.tolerance, cfg.export.calls, cfg.export.release
    )
    write_atomic(context["folder"] / "run.json", json.dumps(record, indent=1).encode())
    print(f"{record['id']}: {record['export']['status']} in {models_root} | record: {context['folder'] / 'run.json'}")


def _without_licence(data: dict[str, Any]) -> dict[str, Any]:
    """Whoever made the run accepted a licence and fetched the data; the user of today has not."""
    fetch = False if isinstance(data.get("fetch"), bool) else None
    return {**data, "fetch": fetch} if "fetch" in data else data
