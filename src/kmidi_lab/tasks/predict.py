"""task=predict: asks a published model what `predict` in its config says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.adapters import adapter_folder, with_adapter
from kmidi_lab.inference.api import Request, Session
from kmidi_lab.inference.published import has_registry, load_published, release_root
from kmidi_lab.registry.registry import published_entry
from kmidi_lab.streams import remark, say
from kmidi_lab.targets import build


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    asked: dict[str, Any] = OmegaConf.to_container(cfg.predict, resolve=True)  # type: ignore[assignment]
    sound, adapter = bool(asked.pop("sound")), asked.pop("adapter")  # of every model, so no model's own
    if "_target_" not in asked:
        raise ConfigError(f"model={cfg.model.name} can't be asked: its config has no predict; choose another model=…")
    request = build(asked, Request, cfg.trusted)
    name, root = cfg.model.name, models_root(cfg, cfg.model.name)
    session = Session(name, context["folder"], Path(cfg.paths.cache_dir), cfg.seed, say, sound)
    published = load_published(root, name)
    if adapter:
        if published is None:
            raise ConfigError(f"predict.adapter={adapter}: no trained {name} model in {root} that it could belong to")
        published = with_adapter(published, adapter_folder(str(adapter), name, Path(cfg.paths.output_root)))
    if published is not None:
        for warning in published.warnings():
            remark(warning)
    elif request.without_model is None:
        raise ConfigError(
            f"no trained {name} model in {root}; train one, or type models_root={release_root() or 'DIR'}"
        )
    else:
        remark(f"No trained {name} model in {root}; using {request.without_model} instead.")
    request.show(request.run(published, session), session)


def models_root(cfg: DictConfig, model: str | None = None) -> Path:
    """Where a model is read: the release where the user names no folder and has not published it, or anything at all."""
    root, release = Path(cfg.models_root), spare_root(cfg)
    if release is None or _publishes(root, model) or not _publishes(release, model):
        return root
    remark(f"No trained {model or 'models'} in {root}; using the released one{'' if model else 's'} in {release}.")
    return release


def spare_root(cfg: DictConfig) -> Path | None:
    """Where models come from that the user's folder lacks: the release, None where the user names a folder."""
    return None if names_models_root() else release_root()


def names_models_root() -> bool:
    """Whether the user names the models folder, on the command line or by MODELS_ROOT."""
    choices = [o for o in HydraConfig.get().overrides.task if o.startswith(("models_root=", "paths.models_root="))]
    return bool(choices) or bool(os.environ.get("MODELS_ROOT"))


def _publishes(root: Path, model: str | None) -> bool:
    """Whether a folder holds that model, or any."""
    if model is None or model not in CONTRACTS:
        return has_registry(root)
    entry = published_entry(root, CONTRACTS[model].id)
    return entry is not None and entry["status"] != "stub"
