"""task=eval: a checkpoint, a registry entry or an ONNX file beside the baselines, on any data root; or a sweep's jobs anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import run_file
from kmidi_lab.after_fit import BEGAN_WITH_ALL, numpy_call
from kmidi_lab.contract_types import Contract, version_told
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError, RegistryError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import has_registry, load_onnx, load_published
from kmidi_lab.registry.registry import published_entry
from kmidi_lab.report.scores import plain_tables
from kmidi_lab.run_scores import Primary, Scores
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build, find, plain_values
from kmidi_lab.tasks.run_data import training_data
from kmidi_lab.tasks.run_weights import load_run
from kmidi_lab.tasks.sweep_scores import score_again
from kmidi_lab.text.table import Table
from kmidi_lab.typed_json import from_json
from kmidi_lab.wording import many

Call = Callable[[np.ndarray], np.ndarray]


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    if cfg.eval.sweep:
        score_again(Path(cfg.eval.sweep), cfg)
        return
    call, head, source, trained_on, contract, table = load(cfg)
    version, began_with_all = trained_on.pop("version", None), trained_on.pop("began_with_all", False)
    data = build(_other_root_only(cfg), DataModule, cfg.trusted, progress=cfg.trainer.progress)
    data.use_contract(contract.version)
    data.use_table(table)
    data.for_scoring()
    data.setup("test")
    training, training_root = training_data(cfg, plain_values(trained_on, source), version, contract)
    split = cfg.data.split
    evaluator = build(cfg.model.evaluator, Evaluator, cfg.trusted)
    result = evaluator(call, head, data, split, training)
    songs = data.songs(split)
    same = training.describe()["version"] == version
    leaked = training.overlap(songs) if same and not began_with_all else None
    if began_with_all:
        result.analysis["not_comparable"] = BEGAN_WITH_ALL
    primary = evaluator.verdict(result, split)
    out = {
        "model": source,
        "data_root": cfg.data.root,
        "split": split,
        "counts": {"songs": len(songs), "events": result.metrics[split]["events"], "songs_also_in_training": leaked},
        "baselines_fitted_on_the_model's_training_data": same,
        "baselines_fitted_on": training.describe(),
        "metrics": result.metrics,
        "directions": dict(evaluator.METRICS),
        "baselines": result.baselines,
        "primary": primary,
        "analysis": result.analysis,
        "problems": data.describe()["problems"],
    }
    path = Path(cfg.eval.out) if cfg.eval.out else context["folder"] / "eval.json"
    path = path / "eval.json" if path.is_dir() else path
    write_atomic(path, json.dumps(out, indent=1).encode())
    print(f"{source} on {split} of {cfg.data.root}: {many(len(songs), 'song')}, {_overlap(leaked, began_with_all)}")
    if not same:
        names = ", ".join(s["name"] for s in training.describe()["sources"])
        print(
            f"NOT COMPARABLE: the baselines are fitted on what {training_root} holds ({names}), not on what trained this model; set DATA_ROOT"
        )
    print(plain_tables(Scores(result.metrics, result.baselines, from_json(Primary, primary), dict(evaluator.METRICS))))
    print(f"written: {path}")


def _overlap(leaked: int | None, began_with_all: bool) -> str:
    """How many of the scored songs the model was trained on; None where nobody knows."""
    told = "how many of them it was trained on is not known" if leaked is None else f"{leaked} of them also trained on"
    return f"{told}: {BEGAN_WITH_ALL}" if began_with_all else told


def _other_root_only(cfg: DictConfig) -> DictConfig:
    """With a data root of its own, what comes with the lab is left out: those songs trained the model."""
    if Path(cfg.data.root).resolve() == Path(cfg.paths.data_root).resolve() or "sources" not in cfg.data:
        return cfg.data
    there = [s for s in cfg.data.sources if s in find(cfg.data._target_, DataModule, cfg.trusted).root_sources]
    return OmegaConf.merge(cfg.data, {"sources": there})  # type: ignore[return-value]


Loaded = tuple[Call, dict[str, np.ndarray], str, dict[str, Any], Contract, Table | None]


def load(cfg: DictConfig) -> Loaded:
    """(callable, head, what it is, the data settings it was trained with, its contract, its table) of `eval.model`."""
    contract, data = CONTRACTS[cfg.model.name], find(cfg.data._target_, DataModule, cfg.trusted)
    path = Path(cfg.eval.model or cfg.models_root)
    if path.suffix == ".onnx":
        entry = _entry_beside(path, contract)
        contract = contract.at(version_told(entry)) if entry else contract
        model = load_onnx(path, contract)
        settings = {"began_with_all": bool(entry and entry.get("heard_all"))}
        return model.call, model.head, str(path), settings, contract, model.table
    if path.suffix == ".ckpt" or (path / "checkpoints").is_dir():
        return _checkpoint(path, data, cfg.trusted)
    if has_registry(path):
        published = load_published(path, cfg.model.name)
        if published is None:
            raise RegistryError(
                f"{path}/registry.json has no {contract.id}; train it or name another folder in eval.model"
            )
        settings = data.identity(published.entry.get("data_settings", {}))
        settings["version"] = published.entry["training"]["dataset_version"]
        settings["began_with_all"] = bool(published.entry.get("heard_all"))
        source = f"{contract.id} in {path}"
        return published.call, published.head, source, settings, published.contract, published.table
    raise ConfigError(
        f"eval.model={path}: no model there; give a run folder, a .ckpt, an .onnx or a folder with registry.json, such as outputs/release"
    )


def _checkpoint(path: Path, data: type[DataModule], trusted: Sequence[str]) -> Loaded:
    module, config, checkpoint = load_run(path, trusted)
    settings = data.identity(config["data"])
    record = run_file.read(checkpoint.parent.parent / run_file.FILE)
    settings["version"] = record.data.version if record.data else None
    settings["began_with_all"] = record.data is not None and record.data.began_with_all
    call = numpy_call(module.export_network())
    return call, module.head(), str(checkpoint), settings, module.contract, module.table()


def _entry_beside(path: Path, contract: Contract) -> Mapping[str, Any] | None:
    """What the registry in the file's folder tells of it; None of a file that stands alone."""
    entry = published_entry(path.parent, contract.id) if has_registry(path.parent) else None
    return entry if entry and entry.get("exports", {}).get("onnx_path") == path.name else None
