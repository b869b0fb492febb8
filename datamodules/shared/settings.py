"""Checks of what a config sets for a data module: a mistake is one line that says what to give instead."""

from __future__ import annotations

from collections.abc import Sequence

from datamodules.shared.splits import SPLITS
from kmidi_lab.errors import ConfigError, one_of


def check_sources(sources: Sequence[str], allowed: Sequence[str]) -> None:
    """At least one, all of them known. Raises ConfigError."""
    if not sources:
        raise ConfigError(f"data.sources is empty; give data.sources=[{allowed[0]}]")
    for name in sources:
        if name not in allowed:
            raise ConfigError(one_of("data.sources", name, allowed))


def check_split(split: str) -> None:
    """What `task=eval` scores. Raises ConfigError."""
    if split not in (*SPLITS, "all"):
        raise ConfigError(one_of("data.split", split, (*SPLITS, "all")))


def check_split_shares(val: float, test: float) -> None:
    """Both above 0, and enough left to train on. Raises ConfigError."""
    if not (val > 0 and test > 0 and val + test < 0.9):
        raise ConfigError("data.val_share and data.test_share must be above 0 and together below 0.9")


def check_shares(most: float = 1.0, **shares: float) -> None:
    """Each from 0 to `most`, by its name in the config. Raises ConfigError."""
    for key, value in shares.items():
        if not 0 <= value <= most:
            raise ConfigError(f"data.{key}={value} must be 0 to {most:g}, such as data.{key}={most / 4:g}")


def check_counts(least: int = 1, **counts: int) -> None:
    """Each at least `least`, by its name in the config. Raises ConfigError."""
    for key, value in counts.items():
        if value < least:
            raise ConfigError(f"data.{key}={value} must be {least} or more")
