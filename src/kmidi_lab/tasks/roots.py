"""The folder that a task reads models from: the user's own, or the released one where there is nothing of the user's."""

from __future__ import annotations

import os
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.published import example_root, has_registry, release_root
from kmidi_lab.registry.registry import published_entry
from kmidi_lab.registry.versions import kept_versions
from kmidi_lab.streams import remark
from kmidi_lab.tasks.again import command

_DEFAULT = Path("outputs", "models")
"""models_root where nobody sets it, nor the folder above (conf/paths/default.yaml)."""


def models_root(cfg: DictConfig, model: str | None = None) -> Path:
    """Where a model is read: the release where the user names no folder and has not published it, or anything at all.

    MODELS_ROOT may name a folder that the first training will make; until then it names none.

    Raises:
        ConfigError: the user types a folder that is not there, where answers without models would surprise.
    """
    return _this_or(named_root(cfg), spare_root(cfg), model)


def named_root(cfg: DictConfig) -> Path:
    """The models folder that is set. Raises ConfigError: the user types one that is not there."""
    root = Path(cfg.models_root)
    if not os.path.lexists(root) and names_models_root(cfg) and not _to_be_made(root):
        raise ConfigError(f"models_root={root}: there is no such folder; leave it out, or type {example_root()}")
    return root


def start_root(cfg: DictConfig, model: str) -> Path:
    """Where a retraining begins. The release also for a folder that the user names: the result goes there."""
    return _this_or(Path(cfg.models_root), release_root(), model)


def _this_or(root: Path, release: Path | None, model: str | None) -> Path:
    if release is None or _publishes(root, model) or not _publishes(release, model):
        return root
    remark(f"No trained {model or 'models'} in {root}; using the released one{'' if model else 's'} in {release}.")
    return release


def whole_root(cfg: DictConfig) -> Path:
    """The folder that a task lists, checks or times as a whole: the release only where the user means no other.

    A folder that isn't the default one, whatever names it, or that holds any file is taken as it is, so that a mistyped
    one never ends in a table of the released models.

    Raises:
        ConfigError: as `models_root`.
    """
    root = named_root(cfg)
    return models_root(cfg) if root == _DEFAULT and _is_empty(root) else root


def way_back(root: Path, model: str) -> str:
    """What to type in order to leave what a folder publishes: for the version before, else for the released one.

    Args:
        root: the folder.
        model: by its name or its contract's id.

    Returns:
        Words that go on a sentence; empty where neither is there.
    """
    name, model_id = next(((n, c.id) for n, c in CONTRACTS.items() if model in (n, c.id)), (model, model))
    entry = published_entry(root, model_id)
    if entry is not None and kept_versions(entry):
        words = ("task=registry", "registry.action=rollback", f"registry.model={name}", "registry.reason=why")
        return f"to go back to the version before: python -m kmidi_lab {command(*words, models_root=root)}"
    return released_instead(root, name)


def released_instead(root: Path, name: str) -> str:
    """What to type for the released model in the place of a folder's; empty where there is none, or it is that one."""
    release = release_root()
    if release is None or release.resolve() == root.resolve() or not _publishes(release, name):
        return ""
    return f"to use the released {name} instead, add {example_root()} to a command, or set MODELS_ROOT to that folder"


def spare_root(cfg: DictConfig) -> Path | None:
    """Where models come from that the user's folder lacks: the release, None where the user names a folder."""
    named = names_models_root(cfg) and not _to_be_made(Path(cfg.models_root))
    return None if named else release_root()


def names_models_root(cfg: DictConfig) -> bool:
    """Whether the user names the models folder, on the command line, by MODELS_ROOT or in a config of their own."""
    choices = [o for o in HydraConfig.get().overrides.task if o.startswith(("models_root=", "paths.models_root="))]
    elsewhere = Path(cfg.models_root) != Path(cfg.paths.output_root, "models")
    return elsewhere or bool(choices) or bool(os.environ.get("MODELS_ROOT"))


def _to_be_made(root: Path) -> bool:
    """Whether it is the folder of MODELS_ROOT and not there yet; `models_root=` typed with the same name is taken so,
    too.
    """
    own = os.environ.get("MODELS_ROOT")
    return bool(own) and root == Path(str(own)) and not os.path.lexists(root)


def _is_empty(root: Path) -> bool:
    """Whether there is no such folder, or no file in it; one that can't be looked into may hold some."""
    if not os.path.lexists(root):
        return True
    readable = root.is_dir() and os.access(root, os.R_OK | os.X_OK)
    return readable and not any(files for _, _, files in os.walk(root))


def _publishes(root: Path, model: str | None) -> bool:
    """Whether a folder holds that model, or any."""
    if model is None or model not in CONTRACTS:
        return has_registry(root)
    entry = published_entry(root, CONTRACTS[model].id)
    return entry is not None and entry["status"] != "stub"
