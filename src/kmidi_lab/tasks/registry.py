"""task=registry: lists and compares published models, puts one into production, out of it, or back; rehomes a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError, RegistryError, one_of, reason
from kmidi_lab.inference.published import example_root
from kmidi_lab.registry.history import demote, promote, require, rollback
from kmidi_lab.registry.names import FILE
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.registry.rehoming import rehome
from kmidi_lab.registry.versions import NoVersionError, kept_versions, read_version, version_of
from kmidi_lab.report.registry_table import compared, history_table, models_table
from kmidi_lab.tasks.roots import named_root, way_back, whole_root

_ACTIONS = ("list", "history", "compare", "promote", "demote", "rollback", "rehome")
_READ_ONLY = ("list", "history", "compare")
_ABOUT_ONE = ("compare", "promote", "demote", "rollback")


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    options = cfg.registry
    if options.action not in _ACTIONS:
        raise ConfigError(one_of("registry.action", options.action, _ACTIONS))
    if options.action in _ABOUT_ONE and not options.model:
        raise ConfigError(f"registry.action={options.action} is about one model; type registry.model=harmony")
    root = whole_root(cfg) if options.action in _READ_ONLY else named_root(cfg)
    registry = _there(root, whole=options.action not in _READ_ONLY)
    model_id = _model_id(options.model, registry) if options.model else None
    if options.action == "promote":
        _say_changed(promote(root, str(model_id), options.reason))
    elif options.action == "demote":
        _say_changed(demote(root, str(model_id), options.reason))
    elif options.action == "rollback":
        try:
            _say_changed(rollback(root, str(model_id), options.version, options.reason))
        except NoVersionError as error:
            behind = way_back(root, str(model_id))
            raise RegistryError(f"{error}{'; ' if behind else ''}{behind}") from None
    elif options.action == "rehome":
        print(f"{root}: onnx_path is absolute now in {len(rehome(root))} of {len(registry['models'])} entries")
    else:
        print(_table(root, registry, model_id, options))


def _table(root: Path, registry: dict[str, Any], model_id: str | None, options: DictConfig) -> str:
    """What list, history and compare show. Raises RegistryError, also where an entry holds what can't be shown."""
    try:
        if options.action == "compare":
            return _compare(root, require(registry, root, str(model_id)), options.other, options.version)
        entries = [require(registry, root, model_id)] if model_id else registry["models"]
        return models_table(entries) if options.action == "list" else "\n\n".join(map(history_table, entries))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        # The schema leaves scores and proofs open, and other programs write entries, too.
        raise RegistryError(
            f"{root}: an entry holds what can't be shown ({reason(error)}); task=verify says where"
        ) from error


def _there(root: Path, key: str = "models_root", whole: bool = False) -> dict[str, Any]:
    """The registry of the folder that `key` names. Raises RegistryError: none there."""
    registry = load_registry(root)
    if not (root / FILE).is_file():
        raise RegistryError(f"{root}: no {FILE} there; train a model first, or type {example_root(key, whole)}")
    return registry


def _model_id(model: str, registry: dict[str, Any]) -> str:
    if model in CONTRACTS:
        return CONTRACTS[model].id
    ids = [contract.id for contract in CONTRACTS.values()]
    ids += [entry["id"] for entry in registry["models"] if entry["id"] not in ids]
    if model not in ids:
        raise ConfigError(one_of("registry.model", model, [*CONTRACTS, *ids]))
    return model


def _compare(root: Path, entry: dict[str, Any], other: str | None, version: str | None) -> str:
    here = (f"{root} (published)", entry)
    if not other:
        before, _ = read_version(root, entry, version)
        return compared(here, (f"version {version or kept_versions(entry)[0]}", before))
    if version:
        raise ConfigError("compare with registry.other or with registry.version, not both; leave one out")
    return compared(here, (other, require(_there(Path(other), "registry.other"), Path(other), entry["id"])))


def _say_changed(entry: dict[str, Any]) -> None:
    line = entry["history"][0]
    print(
        f"{entry['id']}: {line['version']} ({line['status']}) → {version_of(entry)} ({entry['status']}); "
        f"{line['replaced_because']}"
    )
