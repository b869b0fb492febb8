"""Finds `conf/`, composes it, and turns every mistake into one line that helps."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import product
from math import inf
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import ConfigCompositionException, HydraException, OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from kmidi_lab import schema
from kmidi_lab.conf_dir import conf_dir, conf_dirs
from kmidi_lab.contracts import CONTRACTS, register
from kmidi_lab.errors import ConfigError, first_line, one_of
from kmidi_lab.files import with_home
from kmidi_lab.hardware import usable_cores
from kmidi_lab.targets import find

_MOST_COMBINATIONS = 200
_LIMITS = (
    ("seed", 0, 2**32 - 1),
    ("trainer.max_epochs", 1, inf),
    ("trainer.min_epochs", 1, inf),
    ("trainer.patience", 0, inf),
    ("trainer.accumulate", 1, inf),
    ("trainer.gradient_clip", 0, inf),
    ("trainer.ema", 0, 0.9999),
    ("trainer.limit_train_batches", 1e-3, inf),
    ("export.calls", 1, inf),
    ("hardware.memory_budget_gb", 0.01, 1_000_000),
    ("hardware.devices", 1, inf),
    ("hardware.num_nodes", 1, inf),
)
_CHOOSE_MODEL = ("model=", "data=", "experiment=", "hydra.searchpath=")
_TASK_BLOCKS = ("eval", "predict", "registry")
_OF_ONE_TASK = {"export.source": "export", "trainer.resume": "train"}
_FIXED = {
    "model.name": "belongs to the model; type model={value}",
    "hydra.mode": "is what -m sets; type -m",
    "hydra.sweep.subdir": "numbers the jobs, which the leaderboard reads; type hydra.sweep.dir=… to move the sweep",
}
"""Keys that are none of the user's to set, and why."""
_FREE_TEXT = (
    "paths.",
    "models_root=",
    "data.root=",
    "eval.",
    "export.source=",
    "registry.",
    "trainer.resume=",
)


def new_run_id() -> str:
    """Unique also within a second and between processes; sorts by time."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def options(group: str) -> list[str]:
    """The choices of a config group."""
    return sorted({p.stem for folder in conf_dirs() for p in (folder / group).glob("*.yaml")})


def with_home_of(argument: str) -> str:
    """`key=value` with the home folder for `~` in the value, which a shell expands at the front of a word only."""
    key, eq, value = argument.partition("=")
    return f"{key}{eq}{with_home(value)}"


def quote_free_text(argument: str, multirun: bool = False) -> str:
    """Quotes values that people type as plain text (chords, paths), so that `#` and spaces need no escape.

    Of `predict`, text is what no model declares as a number.
    In a multirun a comma divides values to sweep, so such a value is left as it is.
    """
    key, eq, value = argument.partition("=")
    quoted = value[:1] in ("'", '"', "$") or value in ("", "null")
    if not eq or quoted or (multirun and "," in value) or not _is_free_text(argument.lstrip("+")):
        return argument
    return f"{key}={QuotedString(value, Quote.single).with_quotes()}"


def _is_free_text(argument: str) -> bool:
    if not argument.startswith("predict."):
        return argument.startswith(_FREE_TEXT)
    name = argument.partition("=")[0].removeprefix("predict.")
    return all(isinstance(model.get("predict", {}).get(name), str | None) for model in _models(conf_dirs()).values())


@cache
def _models(folders: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    """What model/<m>.yaml in one of the folders says, by m; the first that has it counts."""
    paths = [path for folder in reversed(folders) for path in sorted((folder / "model").glob("*.yaml"))]
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths}


def with_model(arguments: list[str]) -> list[str]:
    """The same with `model=…` where `data=…` alone is given and the default model can't take it: the first that can."""
    given = dict(a.split("=", 1) for a in arguments if "=" in a)
    if "data" not in given or "model" in given or "experiment" in given:
        return arguments
    default = next(d.model for d in OmegaConf.load(conf_dir() / "config.yaml").defaults if "model" in d)
    takers = [name for name, declared in _models(conf_dirs()).items() if given["data"] in declared["model"]["accepts"]]
    return arguments if not takers or default in takers else [*arguments, f"model={takers[0]}"]


def check(overrides: list[str], multirun: bool) -> list[DictConfig]:
    """Composes every combination of a (multi)run before anything starts; raises ConfigError."""
    schema.register()
    os.environ.setdefault("KMIDI_RUN_ID", new_run_id())
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        given = [*_search_path(), *overrides]
        combinations = _listed(given, multirun)
        composed = [_check_sweep(_compose(list(combination)), multirun) for combination in combinations]
        more = _of_the_sweep(composed[0], overrides) if multirun else []
        return [_compose(list(c)) for c in _listed([*given, *more], multirun)] if more else composed


def _listed(overrides: list[str], multirun: bool) -> list[tuple[str, ...]]:
    try:
        combinations = list(_combinations(overrides, multirun))
    except HydraException as error:
        raise ConfigError(f"{first_line(error)}; a sweep lists its values, such as seed=1,2,3") from None
    if not combinations:
        raise ConfigError("the sweep has no jobs; list the values of a key, such as seed=1,2,3")
    return combinations


def _of_the_sweep(cfg: DictConfig, overrides: list[str]) -> list[str]:
    """What `sweep=…` adds to every job, unless the command line says it otherwise."""
    given = {o.partition("=")[0] for o in overrides}
    params = {k: v for k, v in (cfg.hydra.sweeper.get("params") or {}).items() if k not in given}
    for key in params:
        if OmegaConf.select(cfg, key) is None:
            raise ConfigError(
                f"sweep={cfg.sweep} varies {key}, which data={cfg.hydra.runtime.choices.data} does not have; "
                "type -m sweep=seeds, or give a model and data that do"
            )
    return [f"{key}={value}" for key, value in params.items()]


def _search_path() -> list[str]:
    """What `--config-dir` is to Hydra's compose, which knows no such option."""
    folders = [f"'file://{folder}'" for folder in conf_dirs()[1:]]
    return [f"hydra.searchpath=[{','.join(folders)}]"] if folders else []


def _check_sweep(cfg: DictConfig, multirun: bool) -> DictConfig:
    if cfg.sweep != "none" and not multirun:
        raise ConfigError(f"sweep={cfg.sweep} runs several jobs; type -m sweep={cfg.sweep}")
    return cfg


def _combinations(overrides: list[str], multirun: bool) -> Iterator[tuple[str, ...]]:
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
    except (OverrideParseException, HydraException) as error:
        raise ConfigError(f"{first_line(error)}; write overrides as key=value, lists as key=[a,b]") from None
    tasks = {str(v) for o in parsed if o.key_or_group == "task" for v in [o.value()]} or {"train"}
    choices: list[list[str]] = []
    for override in parsed:
        _check_override(override, tasks)
        block = override.key_or_group.split(".")[0]
        if block in _TASK_BLOCKS and block not in tasks:
            raise ConfigError(
                f"{override.key_or_group} belongs to task={block}; type task={block} {override.input_line}"
            )
        if override.is_sweep_override():
            if not multirun:
                raise ConfigError(f"{override.input_line}: several values need -m; type -m {override.input_line}")
            choices.append([] if "glob(" in str(override.input_line) else _sweep_values(override))
        else:
            choices.append([_known_override(override)])
    for number, combination in enumerate(product(*(c for c in choices if c))):
        if number >= _MOST_COMBINATIONS:
            return
        yield combination


def _check_override(override: Override, tasks: set[str]) -> None:
    """Raises ConfigError: no key, no name of a choice, or a key that is not to be set here."""
    key, line = override.key_or_group, str(override.input_line)
    values = (
        list(override.sweep_iterator()) if override.is_sweep_override() and "glob(" not in line else [override.value()]
    )
    if not key:
        raise ConfigError(f"{line!r} has no key; write key=value without a space")
    if "???" in values:
        raise ConfigError(f"{line}: ??? stands for a value that must be given; type one")
    if key in _FIXED:
        raise ConfigError(f"{line}: {key} {_FIXED[key].format(value=values[0])}")
    if key in _OF_ONE_TASK and tasks != {_OF_ONE_TASK[key]} and any(values):
        raise ConfigError(f"{key} belongs to task={_OF_ONE_TASK[key]}; type task={_OF_ONE_TASK[key]} {line}")
    choices = options(key)
    odd = [v for v in values if not (isinstance(v, str | QuotedString) and str(v)) and (key, v) != ("experiment", None)]
    if odd and choices and not override.is_delete():
        raise ConfigError(one_of(key, "null" if odd[0] is None else odd[0], choices))
    if odd and key.startswith("hydra/"):
        raise ConfigError(f"{line}: {key} needs the name of a choice, such as hydra/launcher=joblib")


def _known_override(override: Override) -> str:
    line = str(override.input_line)
    if line.startswith(("+", "~")) and not line.lstrip("+~").startswith("hydra"):
        raise ConfigError(f"{line}: keys can't be added or removed; type key=value with a key that --cfg job shows")
    return line


def _sweep_values(override: Override) -> list[str]:
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _compose(overrides: list[str]) -> DictConfig:
    try:
        cfg = compose("config", overrides=overrides, return_hydra_config=True)
        for key in cfg:
            if key != "hydra" and OmegaConf.is_config(cfg[key]):
                OmegaConf.to_container(cfg[key], resolve=True)
    except ConfigCompositionException as error:
        raise ConfigError(_explain(error, [o for o in overrides if o.startswith(_CHOOSE_MODEL)])) from None
    except (HydraException, OmegaConfBaseException) as error:
        key = re.search(r"full_key: (\S+)", str(error))
        raise ConfigError(f"{key[1]}: {first_line(error)}" if key else first_line(error)) from None
    _check_types(cfg, overrides)
    _check_meaning(cfg)
    return cfg


def _explain(error: ConfigCompositionException, chosen: list[str]) -> str:
    text = f"{error} {error.__cause__ or ''}"
    missing = re.search(r"(?:Could not find|In '[^']+': Could not (?:find|load)) '?([\w/]+)/([^/'\s]+)'", text)
    if missing:
        group, choice = missing.groups()
        there = options(group)
        return one_of(group, choice, there) if there else f"{group}={choice}: there is no such choice"
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        return _unknown_key(key[1], text, chosen)
    merging = re.search(r"Error merging override ([^=\s]+)=", text)
    if merging:
        return f"{merging[1]}: {first_line(error.__cause__ or error)}"
    return first_line(error.__cause__ or error)


def _unknown_key(key: str, text: str, chosen: list[str]) -> str:
    known = _known_keys(chosen)
    if "not in struct" in text or "No match" in text or key not in known:
        near = one_of("key", key, known).split(" Allowed:")[0].replace("is not allowed", "does not exist")
        beside = {k for k in known if k.rpartition(".")[0] == key.rpartition(".")[0]}
        siblings = sorted(k for k in beside if not k.endswith("_target_"))
        return f"{near} Allowed here: {', '.join(siblings or sorted({k.split('.')[0] for k in known}))}"
    reason = re.search(r"(Value '[^']*'[^\n]*)", text)
    return f"{key}: {reason[1] if reason else first_line(Exception(text))}"


def _known_keys(chosen: list[str]) -> list[str]:
    tasks = [compose("config", overrides=[f"task={name}", *chosen]) for name in ("train", *_TASK_BLOCKS)]
    return sorted(
        {key for cfg in tasks for key, _ in _leaves(cfg) if not key.endswith("_target_")}
        | {p.name for p in conf_dir().iterdir() if p.is_dir()}
    )


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key in node if isinstance(node, DictConfig) else []:
        name = f"{prefix}{key}"
        child = None if OmegaConf.is_missing(node, key) or OmegaConf.is_interpolation(node, key) else node[key]
        yield name, child
        if isinstance(child, DictConfig):
            yield from _leaves(child, f"{name}.")


def _check_types(cfg: DictConfig, overrides: list[str]) -> None:
    """A value overridden inside an open component must keep the type of the value it replaces."""
    keys = {o.split("=", 1)[0] for o in overrides if o.startswith(("data.", "model.", "predict."))}
    if not keys:
        return
    groups = [o for o in overrides if o.split("=", 1)[0] not in keys]
    base = compose("config", overrides=groups, return_hydra_config=True)
    for key in keys:
        before, now = OmegaConf.select(base, key), OmegaConf.select(cfg, key)
        kinds = (
            (int, float)
            if type(before) is float
            else (list, ListConfig)
            if isinstance(before, ListConfig)
            else (type(before),)
        )
        wanted = "list" if isinstance(before, ListConfig) else kinds[-1].__name__
        if (before is not None and not isinstance(now, kinds)) or (
            isinstance(now, bool) and not isinstance(before, bool)
        ):
            example = list(before) if isinstance(before, ListConfig) else before
            raise ConfigError(f"{key}={now!r} must be of type {wanted}, such as {key}={example}")


def _check_meaning(cfg: DictConfig) -> None:
    data = cfg.hydra.runtime.choices.data
    if data not in cfg.model.accepts:
        raise ConfigError(
            f"model={cfg.model.name} can't take data={data}; allowed: {', '.join(cfg.model.accepts)}. "
            f"Type data={cfg.model.accepts[0]}"
        )
    bring_contract(cfg)
    if cfg.model.name not in CONTRACTS:
        raise ConfigError(one_of("model.name", cfg.model.name, CONTRACTS))
    share = cfg.trainer.limit_train_batches
    if isinstance(share, bool) or (isinstance(share, float) and not share <= 1):
        raise ConfigError(
            f"trainer.limit_train_batches={share} must be a number of batches, such as 50, or a share of them above 0 and "
            "at most 1.0"
        )
    for key, least, most in _LIMITS:
        value = OmegaConf.select(cfg, key)
        if not least <= value <= most:
            raise ConfigError(
                f"{key}={value} must be {least} to {most}" if most < inf else f"{key}={value} must be {least:g} or more"
            )
    jobs, most = OmegaConf.select(cfg, "hydra.launcher.n_jobs"), max(2, usable_cores())
    if jobs is not None and jobs > most:
        raise ConfigError(f"hydra.launcher.n_jobs={jobs} must be at most {most}: a job is a process, and busy")
    for key in ("paths.data_root", "data.root"):
        root = Path(OmegaConf.select(cfg, key) or "")
        if str(root) != "data" and not root.is_dir():
            raise ConfigError(
                f"{key}={root} is not a folder; name the folder that holds the data sets, or unset DATA_ROOT"
            )
    if not 0 < cfg.export.tolerance <= 1e-4:
        raise ConfigError(
            f"export.tolerance={cfg.export.tolerance} must be above 0 and at most 1e-4: the gate may be tightened, not opened"
        )
    if cfg.export.cpp not in (None, "kmw", "header"):
        raise ConfigError(f"export.cpp={cfg.export.cpp} must be null, kmw or header, see docs/cpp_runtime.md")


def bring_contract(cfg: DictConfig) -> None:
    """A model that the lab doesn't know may be of a trusted package; the class of its module has its contract."""
    target = OmegaConf.select(cfg, "model.module._target_")
    if cfg.model.name not in CONTRACTS and isinstance(target, str):
        from kmidi_lab.nn.module import LabModule  # torch: too slow to import for a model that is known

        contract = find(target, LabModule, cfg.trusted).contract
        if contract.model == cfg.model.name:
            register(contract)
