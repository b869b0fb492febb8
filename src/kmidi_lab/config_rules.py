"""What a composed config must hold beyond the types of the schema: pairs that fit, numbers in range, folders that
exist.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from kmidi_lab.config_choices import is_choice, with_choices
from kmidi_lab.contracts import CONTRACTS, register
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.hardware import usable_cores
from kmidi_lab.launchers import values as launcher_values
from kmidi_lab.run_export import LARGEST_TOLERANCE
from kmidi_lab.targets import find

_PASSWORD = re.compile(r"//[^:/@?]*:[^@]+@|[?&](password|passwd)=")
"""In the URL of a database."""
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
    ("sweep.points", 2, 100),
    ("sweep.trials", 1, inf),
    ("sweep.parallel", 1, 64),
    ("model.layer_rate", 0.01, 1),
    ("hardware.memory_budget_gb", 0.01, 1_000_000),
    ("hardware.devices", 1, inf),
    ("hardware.num_nodes", 1, inf),
)
_HERE = ". for the folder you are in"
_NOT_EMPTY = {
    **dict.fromkeys(
        ("models_root", "paths.models_root", "paths.output_root", "paths.cache_dir", "paths.data_root", "data.root"),
        _HERE,
    ),
    **dict.fromkeys(("serve.host", "collect.host", "label.host"), "127.0.0.1"),
}
"""Empty, a folder would be the one that one is in, and a host every network; and what to type instead."""


def check_said(cfg: DictConfig, overrides: list[str]) -> None:
    """Raises ConfigError: a key that is typed with no value, as a shell writes it for a variable that is not set."""
    for key in (o.partition("=")[0].lstrip("+") for o in overrides if "=" in o and not o.startswith("~")):
        value = OmegaConf.select(cfg, key)
        if isinstance(value, str) and not value.strip():
            raise ConfigError(f"{key} is empty; leave it out, or type {key}={_NOT_EMPTY.get(key, '…')}")


def check_types(cfg: DictConfig, overrides: list[str]) -> None:
    """A value overridden inside an open component must keep the type of the value it replaces."""
    keys = {o.split("=", 1)[0] for o in overrides if o.startswith(("data.", "model.", "predict."))}
    if not keys:
        return
    base = with_choices(tuple(o for o in overrides if is_choice(o)))
    for key in keys:
        before, now = OmegaConf.select(base, key), OmegaConf.select(cfg, key)
        kinds = (
            (int, float)
            if type(before) is float
            else (list, ListConfig)
            if isinstance(before, ListConfig)
            else (type(before),)
        )
        type_name = "list" if isinstance(before, ListConfig) else kinds[-1].__name__
        if (before is not None and not isinstance(now, kinds)) or (
            isinstance(now, bool) and not isinstance(before, bool)
        ):
            example = list(before) if isinstance(before, ListConfig) else before
            such = "" if example == "" else f", such as {key}={example}"
            raise ConfigError(f"{key}={now!r} must be of type {type_name}{such}")


def check_meaning(cfg: DictConfig) -> None:
    """Raises ConfigError: a value that can't be meant."""
    _check_model(cfg)
    _check_numbers(cfg)
    _check_jobs(cfg)
    _check_folders(cfg)
    if not 0 < cfg.export.tolerance <= LARGEST_TOLERANCE:
        raise ConfigError(
            f"export.tolerance={cfg.export.tolerance} must be above 0 and at most 1e-4: the gate may be tightened, not opened"
        )
    _check_search(cfg)
    if cfg.export.cpp not in (None, "kmw", "header"):
        raise ConfigError(f"export.cpp={cfg.export.cpp} must be null, kmw or header, see docs/cpp_runtime.md")


def _check_model(cfg: DictConfig) -> None:
    """A model that is known, and data that it can take."""
    data = cfg.hydra.runtime.choices.data
    if data not in cfg.model.accepts:
        raise ConfigError(
            f"model={cfg.model.name} can't take data={data}; allowed: {', '.join(cfg.model.accepts)}. "
            f"Type data={cfg.model.accepts[0]}"
        )
    bring_contract(cfg)
    if cfg.model.name not in CONTRACTS:
        raise ConfigError(one_of("model.name", cfg.model.name, CONTRACTS))


def _check_numbers(cfg: DictConfig) -> None:
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


def _check_jobs(cfg: DictConfig) -> None:
    """How many jobs run at once, and where."""
    jobs, most = OmegaConf.select(cfg, "hydra.launcher.n_jobs"), max(2, usable_cores())
    if jobs is not None and jobs > most:
        raise ConfigError(f"hydra.launcher.n_jobs={jobs} must be at most {most}: a job is a process, and busy")
    if cfg.launcher == "workers" and jobs < 1:
        raise ConfigError(f"hydra.launcher.n_jobs={jobs} must be 1 or more")
    launcher_values.check(cfg.launcher, cfg.hydra.launcher)


def _check_folders(cfg: DictConfig) -> None:
    """Places that are named, and folders of data that are there."""
    for key in _NOT_EMPTY:
        named = OmegaConf.select(cfg, key)
        if isinstance(named, str) and not named.strip():
            raise ConfigError(f"{key} is empty; leave it out, or type {key}={_NOT_EMPTY[key]}")
    for key in ("paths.data_root", "data.root"):
        root = Path(OmegaConf.select(cfg, key) or "")
        if str(root) != "data" and not root.is_dir():
            raise ConfigError(
                f"{key}={root} is not a folder; name the folder that holds the data sets, or unset DATA_ROOT"
            )


def _check_search(cfg: DictConfig) -> None:
    """Where a sweep keeps its study, and what it goes by."""
    url = cfg.sweep.storage or ""
    if not url.startswith("sqlite") and _PASSWORD.search(url):
        raise ConfigError(
            "sweep.storage holds a password, which every job would record; leave it out, as in postgresql://user@host/db, "
            "and set PGPASSWORD or write it to ~/.pgpass"
        )
    for key, allowed in (("sweep.test", ("auto", "all", "chosen")), ("sweep.rank_by", ("validation", "test"))):
        if OmegaConf.select(cfg, key) not in allowed:
            raise ConfigError(one_of(key, OmegaConf.select(cfg, key), allowed))
    if cfg.sweep.rank_by == "test" and cfg.sweep.test == "chosen":
        raise ConfigError("sweep.rank_by=test needs a test of every job; type sweep.test=all, too")


def check_own_files(jobs: Sequence[DictConfig]) -> None:
    """Raises ConfigError where two jobs of a sweep would write one file."""
    seen: set[tuple[str, str, str]] = set()
    for cfg in jobs:
        out = OmegaConf.select(cfg, f"{cfg.task}.out") if cfg.task in ("predict", "compose") else None
        if not out:
            continue
        # In a folder a file is named by the one that is read.
        named = Path(str(OmegaConf.select(cfg, "predict.midi"))).stem if Path(str(out)).is_dir() else ""
        if (file := (str(cfg.model.name) if named else "", str(out), named)) in seen:
            raise ConfigError(
                f"{cfg.task}.out={out}: several jobs would write one file; leave it out, and each writes to a folder of its own"
            )
        seen.add(file)


def bring_contract(cfg: DictConfig) -> None:
    """A model that the lab doesn't know may be of a trusted package; the class of its module has its contract."""
    target = OmegaConf.select(cfg, "model.module._target_")
    if cfg.model.name not in CONTRACTS and isinstance(target, str):
        from kmidi_lab.nn.module import LabModule  # torch: too slow to import for a model that is known

        contract = find(target, LabModule, cfg.trusted).contract
        if contract.model == cfg.model.name:
            register(contract)
