"""What a user types for launcher=slurm and launcher=ray, checked before anything is submitted."""

from __future__ import annotations

import re
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, one_of

_KEY = "hydra.launcher."
_NAMES = re.compile(r"[A-Za-z0-9][\w.-]*(,[A-Za-z0-9][\w.-]*)*", re.ASCII)
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?", re.ASCII)
_ADDRESS = re.compile(r"auto|(?:ray://)?(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})", re.ASCII)
_LEAST = {"cpus": 1, "gpus": 0, "at_once": 1, "timeouts": 0, "retries": 0, "memory_gb": 0}
_MOST = {"cpus": 1024, "gpus": 64, "at_once": 1000, "timeouts": 1000, "retries": 1000, "memory_gb": 1_000_000}
_YEAR_MINUTES = 365 * 24 * 60


def check(launcher: str, own: DictConfig) -> None:
    """Raises ConfigError: a value of `hydra.launcher` that can't be meant."""
    if launcher not in ("slurm", "ray"):
        return
    for name, least in _LEAST.items():
        value = own.get(name)
        if value is not None and not least <= value <= _MOST[name]:
            raise ConfigError(f"{_KEY}{name}={value} must be {least} to {_MOST[name]}")
    if launcher == "ray":
        endpoint(own.address)
        return
    minutes(own.time)
    for name in ("partition", "account"):
        value = own.get(name)
        if value is not None and not _NAMES.fullmatch(value):
            raise ConfigError(
                f"{_KEY}{name}={value!r} is no name of one; `sinfo` lists partitions, such as gpu or gpu,long"
            )
    if own.cluster not in ("slurm", "local"):
        raise ConfigError(one_of(f"{_KEY}cluster", own.cluster, ("slurm", "local")))


def minutes(time: Any) -> int:
    """Of a time as Slurm reads it: `90`, `90:30`, `12:00:00`, `2-12`, `2-12:30` or `2-12:30:00`; at least one.

    Raises:
        ConfigError: none of those, or more than a year.
    """
    match = _TIME.fullmatch(str(time))
    whole = 0
    if match:
        first, second, third = (int(match[part] or 0) for part in ("first", "second", "third"))
        if match["days"] is not None:
            whole = (int(match["days"]) * 24 + first) * 60 + second + (third > 0)
        elif match["third"] is not None:
            whole = first * 60 + second + (third > 0)
        else:
            whole = first + (second > 0)
    if not 0 < whole <= _YEAR_MINUTES:
        raise ConfigError(f"{_KEY}time={time!r} is no time; type minutes, hours as 12:00:00, or days as 2-12:00:00")
    return whole


def endpoint(address: str | None) -> tuple[str, int] | None:
    """Host and port of a Ray address; None for a Ray of one's own and `auto`. Raises ConfigError."""
    match = _ADDRESS.fullmatch(address) if address is not None else None
    if address is not None and (match is None or int(match["port"] or 1) not in range(1, 65536)):
        raise ConfigError(
            f"{_KEY}address={address!r} is no address; type host:port, ray://host:port, auto, or null for a Ray here"
        )
    return (match["host"].strip("[]"), int(match["port"])) if match and match["host"] else None
