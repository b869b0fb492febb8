"""Composes `conf/` with what is typed, and turns every mistake into one line that helps."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from datetime import datetime

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from kmidi_lab import schema
from kmidi_lab.conf_dir import (
    MAIN,
    conf_dirs,
    main_config,
    main_config_dir,
    options,
)
from kmidi_lab.config_choices import forget_choices
from kmidi_lab.config_faults import explained, explained_value
from kmidi_lab.config_rules import check_meaning, check_own_files, check_said, check_types
from kmidi_lab.errors import ConfigError, one_line
from kmidi_lab.overrides import jobs
from kmidi_lab.sweeps import space
from kmidi_lab.sweeps.variants import Variants
from kmidi_lab.targets import check_ranges

_NEEDED = ("task", "model", "data", "trainer", "hardware", "paths", "export", "logger", "sweep", "seed")
"""What every main config has, by its own defaults or the lab's."""
_ANSWERING = ("compose", "predict")
_SERVING = ("serve", "collect")


def new_run_id() -> str:
    """Unique also within a second and between processes; sorts by time."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def check(overrides: list[str], multirun: bool) -> list[DictConfig]:
    """Composes every combination of a (multi)run before anything starts; raises ConfigError."""
    schema.register()
    os.environ.setdefault("KMIDI_RUN_ID", new_run_id())
    GlobalHydra.instance().clear()
    forget_choices()
    with initialize_config_dir(str(main_config_dir()), version_base="1.3"):
        words = [*_search_path(), *overrides]
        if multirun and space.is_search(overrides):
            return [_check_search(words)]
        combinations = jobs(words, multirun)
        variants = Variants(_compose, _check)
        composed = [_check_sweep(variants(list(combination)), multirun) for combination in combinations]
        more = _of_the_sweep(composed[0], overrides) if multirun else []
        if more:
            composed = [variants(list(c)) for c in jobs([*words, *more], multirun)]
        if multirun:
            _check_classes(composed)
            check_own_files(composed)
        return composed


def _check_search(words: list[str]) -> DictConfig:
    """The config without what is searched; both ends of every range, and all choices, are composed and checked, too."""
    fixed, _ = space.split(words)
    base = _compose(list(jobs(fixed, True)[0]))
    if base.task != "train":
        raise ConfigError(f"sweep={base.sweep.name} trains; leave out task={base.task}, or list values to sweep over")
    _, dimensions = space.searched(words, base.model.name, base.sweep.only)
    for group in (d.key for d in dimensions if options(d.key)):
        raise ConfigError(f"{group}: a search varies settings, not whole choices; type one {group}=…")
    broken = [d for d in dimensions if isinstance(d, space.Span) and not d.whole]
    odd = next((d for d in broken if type(OmegaConf.select(base, d.key)) is int), None)
    if odd and base.sweep.name == "optuna":
        raise ConfigError(f"{odd.key} is a whole number; type {odd.key}=int(interval({odd.low:g},{odd.high:g}))")
    if base.sweep.name == "grid":
        space.grid(dimensions, base.sweep.points)
    _check_classes([base, *(_compose(list(jobs([*fixed, *end], True)[0])) for end in space.ends(dimensions))])
    return base


def _check_classes(cfgs: Iterable[DictConfig]) -> None:
    """Raises ConfigError: what a job of a sweep would only say when its turn comes, maybe hours later."""
    for cfg in (cfg for cfg in cfgs if cfg.task == "train"):
        from kmidi_lab.data import DataModule
        from kmidi_lab.nn.module import LabModule  # torch: too slow to import for what trains nothing

        check_ranges(cfg.model.module, LabModule, cfg.trusted)
        check_ranges(cfg.data, DataModule, cfg.trusted)


def _of_the_sweep(cfg: DictConfig, overrides: list[str]) -> list[str]:
    """What `sweep=…` adds to every job, unless the command line says it otherwise."""
    typed_keys = {o.partition("=")[0] for o in overrides}
    params = {k: v for k, v in (cfg.hydra.sweeper.get("params") or {}).items() if k not in typed_keys}
    for key in params:
        if OmegaConf.select(cfg, key) is None:
            raise ConfigError(
                f"sweep={cfg.sweep.name} varies {key}, which data={cfg.hydra.runtime.choices.data} does not have; "
                "type -m sweep=seeds, or give a model and data that do"
            )
    return [f"{key}={value}" for key, value in params.items()]


def _search_path() -> list[str]:
    """What `--config-dir` is to Hydra's compose, which knows no such option."""
    folders = [f"'file://{folder}'" for folder in conf_dirs() if folder != main_config_dir()]
    return [f"hydra.searchpath=[{','.join(folders)}]"] if folders else []


def serves(cfg: DictConfig) -> bool:
    """Whether the task answers at an address until it is ended, so that there is nothing of it to go on with."""
    return cfg.task in _SERVING or bool(cfg.task == "label" and cfg.label.page)


def answers(cfg: DictConfig) -> bool:
    """Whether the task answers one question in seconds: one that is stopped before leaves nothing to keep."""
    return cfg.task in _ANSWERING


def _check_sweep(cfg: DictConfig, multirun: bool) -> DictConfig:
    if cfg.sweep.name != "none" and not multirun:
        raise ConfigError(f"sweep={cfg.sweep.name} runs several jobs; type -m sweep={cfg.sweep.name}")
    if multirun and serves(cfg):
        raise ConfigError(
            f"task={cfg.task} serves until Ctrl-C, so no job of a sweep would follow it; type it without -m"
        )
    return cfg


def _compose(overrides: list[str]) -> DictConfig:
    try:
        cfg = compose(main_config(), overrides=overrides, return_hydra_config=True)
        _check(cfg, overrides)
        return cfg
    except ConfigCompositionException as error:
        raise ConfigError(explained(error, overrides)) from None
    except YAMLError as error:
        raise ConfigError(f"a file of the config is no YAML: {one_line(str(error))}") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explained_value(error)) from None


def _check(cfg: DictConfig, overrides: list[str]) -> None:
    """Raises ConfigError, or OmegaConf's own errors: what is lost, can't be looked up, or can't be meant."""
    for key in cfg:
        if key != "hydra" and OmegaConf.is_config(cfg[key]):
            OmegaConf.to_container(cfg[key], resolve=True)
    lost = [key for key in _NEEDED if OmegaConf.is_missing(cfg, key) or key not in cfg]
    if lost:
        raise ConfigError(
            f"--config-name {main_config()}: has no {', '.join(lost)}; let its defaults begin with {MAIN}, then _self_"
        )
    check_said(cfg, overrides)
    check_types(cfg, overrides)
    check_meaning(cfg)
