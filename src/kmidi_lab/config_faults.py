"""What Hydra refuses of a command line or of a file in conf/, in one line that helps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from kmidi_lab.conf_dir import (
    conf_dir,
    config_file,
    has_settings,
    options,
)
from kmidi_lab.config_choices import with_choices
from kmidi_lab.errors import first_line, one_of

_QUOTES = "'\""
_CHOOSE_MODEL = ("model=", "data=", "experiment=", "hydra.searchpath=")
_NUMBERS = {"Integer": "int", "Float": "float"}


def explained(error: ConfigCompositionException, overrides: list[str]) -> str:
    """Of a choice, a key or an override that Hydra can't put together."""
    text = f"{error} {error.__cause__ or ''}"
    missing = re.search(r"(?:Could not find|In '[^']+': Could not (?:find|load)) '?([\w/]+)/([^/'\s]+)'", text)
    if missing:
        group, choice = missing.groups()
        there = options(group)
        if group == "hydra/sweeper":
            own = ", ".join(options("sweep"))
            return (
                f"{group}={choice}: no such sweeper is installed; type sweep=optuna, or another of the lab's own: {own}"
            )
        return one_of(group, choice, there) if there else f"{group}={choice}: there is no such choice"
    absent = re.search(r"Could not delete from config. '([^']+)' does not exist", text)
    if absent:
        return f"~{absent[1]}: there is none to remove; leave it out, or type one that --cfg job shows"
    in_file = re.search(r"In '([^']+)': \w+ raised while composing config:\s+([^\n]+)", text)
    if in_file:
        place = re.search(r"full_key: (\S+)", text)
        return f"{in_file[1]}.yaml: {f'{place[1]}: ' if place else ''}{in_file[2]}"
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        return _unknown_key(key[1], text, overrides)
    taken = re.search(r"An item is already at '([^']+)'", text)
    if taken:
        name = taken[1].replace("trainer.more.", "trainer.")
        return f"+{name}: there is one already; type ++{name}=… to put yours in its place"
    merging = re.search(r"Error merging override ([^=\s]+)=(.*)", str(error))
    if merging:
        if "is not a ListConfig" in text:
            return f"{merging[1]} is a list; type {merging[1]}=[{merging[2]}]"
        if kind := re.search(r"could not be converted to (Integer|Float)", text):
            return f"{merging[1]}={merging[2]!r} must be of type {_NUMBERS[kind[1]]}"
        return f"{merging[1]}: {first_line(error.__cause__ or error)}"
    return first_line(error.__cause__ or error)


def explained_value(error: HydraException | OmegaConfBaseException) -> str:
    """Of a value that can't stand where it stands, such as one that names a setting which is not there."""
    key = re.search(r"full_key: (\S+)", str(error))
    told = first_line(error)
    if isinstance(error, InterpolationKeyError) and (name := re.search(r"'(.*)'", told)):
        told = f"${{{name[1]}}} stands for another setting, and none is named {name[1]!r}; write it without ${{…}}"
    return f"{key[1]}: {told}" if key else told


def _unknown_key(key: str, text: str, overrides: list[str]) -> str:
    keys = _known_keys([o for o in overrides if o.startswith(_CHOOSE_MODEL)])
    if "not in struct" in text or "No match" in text or key not in keys:
        block, _, last = key.rpartition(".")
        if block and last in keys and not options(last) and not any(k.startswith(f"{last}.") for k in keys):
            value = next((o.partition("=")[2] for o in overrides if o.lstrip("+").startswith(f"{key}=")), "…")
            return f"key: {key!r} does not exist; {last} stands in no block: type {last}={value.strip(_QUOTES)}"
        near = one_of("key", key, keys).split(" Allowed:")[0].replace("is not allowed", "does not exist")
        beside = {k for k in keys if k.rpartition(".")[0] == key.rpartition(".")[0]}
        siblings = sorted(k for k in beside if not k.endswith("_target_"))
        return f"{near} Allowed here: {', '.join(siblings or sorted({k.split('.')[0] for k in keys}))}"
    reason = re.search(r"(Value '[^']*'[^\n]*)", text)
    return f"{key}: {reason[1] if reason else first_line(Exception(text))}"


def _known_keys(choices: list[str]) -> list[str]:
    tasks = [OmegaConf.load(config_file("task", name)) for name in options("task") if has_settings(name)]
    keys = {key for cfg in (with_choices(tuple(choices)), *tasks) for key, _ in _leaves(cfg)}
    return sorted(
        {key for key in keys if not key.endswith("_target_") and key.split(".")[0] != "hydra"}
        | {p.name for p in conf_dir().iterdir() if p.is_dir()}
    )


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key in node if isinstance(node, DictConfig) else []:
        name = f"{prefix}{key}"
        child = None if OmegaConf.is_missing(node, key) or OmegaConf.is_interpolation(node, key) else node[key]
        yield name, child
        if isinstance(child, DictConfig):
            yield from _leaves(child, f"{name}.")
