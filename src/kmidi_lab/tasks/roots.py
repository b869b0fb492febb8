"""The folder that a task reads models from: the user's own, or the released one where there is nothing of the user's."""

from __future__ import annotations

import os
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.inference.published import has_registry, release_root
from kmidi_lab.registry.registry import published_entry
from kmidi_lab.streams import remark


def models_root(cfg: DictConfig, model: str | None = None) -> Path:
    """Where a model is read: the release where the user names no folder and has not published it, or anything at all."""
    root = Path(cfg.models_root)
    release = None if _publishes(root, model) else spare_root(cfg)
    if release is None or not _publishes(release, model):
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
