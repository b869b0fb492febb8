"""task=dashboard: a page over all published models and all runs, which opens from its file without a network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, RegistryError, UserError, named, reason
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import example_root, has_registry
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report import wandb_workspaces
from kmidi_lab.report.dashboard import write_dashboard
from kmidi_lab.report.kept_runs import kept_runs
from kmidi_lab.report.wandb_sweep import as_yaml, sweep_spec
from kmidi_lab.sweeps.space import searched
from kmidi_lab.tasks.roots import named_root, names_models_root
from kmidi_lab.wording import many

_NOT_OF_A_RUN = (
    "task=",
    "dashboard.",
    "logger=",
    "logger.project=",
    "logger.entity=",
    "sweep.only=",
    "models_root=",
    "export.enabled=",
    "trainer.progress=",
    "hydra",
)
"""Words of this task that its sweep's runs have no use for."""


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    if importlib.util.find_spec("jinja2") is None:
        raise UserError("task=dashboard needs the training packages; type pip install 'kmidi_lab[train]'")
    if cfg.dashboard.sweep:
        _write_sweep(cfg, Path(cfg.dashboard.sweep))
        return
    root, runs = named_root(cfg), Path(cfg.dashboard.runs or cfg.paths.output_root)
    if cfg.dashboard.runs and not runs.is_dir():
        raise UserError(f"dashboard.runs={runs}: no such folder; give one that holds runs/ or sweeps/, such as outputs")
    if names_models_root(cfg) and not has_registry(root):
        raise UserError(f"models_root={root}: no registry.json there; give a models folder; type {example_root()}")
    kept = kept_runs(runs)
    try:
        entries = load_registry(root)["models"]
    except RegistryError as error:
        entries = []
        kept.faults.insert(0, (str(root), reason(error)))
    if not entries and not kept.faults:
        print(f"no models in {root}; to see published ones, type {example_root()}")
    path = Path(cfg.dashboard.out or Path(cfg.paths.output_root, "dashboard", "index.html"))
    about = {"models folder": str(root), "runs": str(runs)}
    faults = [*write_dashboard(entries, kept, about, path), *(named(name, why) for name, why in kept.faults)]
    for line in faults:
        print(f"not shown whole: {line}")
    if cfg.logger.wandb:
        _to_wandb(cfg, entries, path.parent)
    print(f"{many(len(entries), 'model')}, {many(len(kept.runs), 'run')}, {len(faults)} not shown whole | {path}")


def _to_wandb(cfg: DictConfig, entries: list[dict[str, Any]], folder: Path) -> None:
    made = wandb_workspaces.views(entries, cfg.logger.project, cfg.logger.entity)
    if cfg.dashboard.dry_run or cfg.logger.offline:
        wandb_workspaces.write_specs(made, folder / "wandb.json")
        print(f"{many(len(made), 'view')} written, none sent | {folder / 'wandb.json'}")
        return
    for address in wandb_workspaces.send(made, folder / "wandb_addresses.json"):
        print(address)


def _write_sweep(cfg: DictConfig, path: Path) -> None:
    typed = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else [f"model={cfg.model.name}"]
    words = [word for word in typed if not word.lstrip("+").startswith(_NOT_OF_A_RUN)]
    fixed = {word.lstrip("+").partition("=")[0] for word in words}
    dimensions = [d for d in searched([], cfg.model.name, cfg.sweep.only)[1] if d.key not in fixed]
    if not dimensions:
        raise ConfigError("nothing is left to search; leave out the keys that you fixed, or sweep.only")
    spec = sweep_spec(words, dimensions, f"{cfg.model.name} search", cfg.logger.project, cfg.logger.entity)
    write_atomic(path, as_yaml(spec, str(path)).encode())
    print(f"{many(len(dimensions), 'setting')} of model={cfg.model.name} to search | {path}")
