"""task=export: proves and publishes a finished run again, with the spread of its sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab import run_record
from kmidi_lab.after_fit import evaluate
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.publish import export_module
from kmidi_lab.report.leaderboard import leaderboard
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build
from kmidi_lab.tasks.evaluate import load_run


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    module, config, checkpoint = load_run(Path(cfg.export.source), cfg.trusted)
    folder = checkpoint.parent.parent
    if not (folder / run_record.FILE).is_file():
        raise ConfigError(f"{folder}: run.json is missing; the run has not finished")
    record = run_record.read(folder / run_record.FILE)
    if record.identity.status != "ok" or record.data is None:
        why = f"failed ({record.identity.error})" if record.identity.error else "has not finished"
        raise ConfigError(f"{folder}: the run {why}; export a run that ended well")
    if folder.name.isdigit():
        record.spread = leaderboard(folder.parent)[1]
    data = build(
        {**_without_licence(config["data"]), "root": cfg.paths.data_root, "cache_dir": cfg.paths.cache_dir},
        DataModule,
        cfg.trusted,
    )
    data.setup("test")
    if data.describe()["version"] != record.data.version:
        raise ConfigError(
            f"{folder}: trained on other data than {cfg.paths.data_root} holds; set DATA_ROOT to the same data"
        )
    record.data.settings = data.identity(config["data"])  # a run of 0.1.0 didn't record them
    # The scores published are always those of these weights, whatever was in run.json.
    evaluate(record, module, build(config["model"].get("evaluator"), Evaluator, cfg.trusted), data)
    export = cfg.export
    models_root = Path(cfg.models_root)
    export_module(
        module, data.probes(), record, models_root, export.tolerance, export.calls, export.release, export.cpp
    )
    run_record.write(record, context["folder"])
    status = record.export.status if record.export else "not exported"
    print(f"{record.identity.id}: {status} in {models_root} | record: {context['folder'] / run_record.FILE}")


def _without_licence(data: dict[str, Any]) -> dict[str, Any]:
    """Whoever made the run accepted a licence and fetched the data; the user of today has not."""
    fetch = False if isinstance(data.get("fetch"), bool) else None
    return {**data, "fetch": fetch} if "fetch" in data else data
