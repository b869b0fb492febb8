"""Checks of what a config sets for a data module: a mistake is one line that says what to give instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Interval

from datamodules.shared.splits import SPLITS
from kmidi_lab.errors import ConfigError, one_of

_MOST_HELD_OUT = 0.9
SplitShare = Annotated[float, Interval(gt=0, lt=_MOST_HELD_OUT)]
"""Share of the data that is validation, or test."""


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
    """Enough is left to train on. Raises ConfigError."""
    if val + test >= _MOST_HELD_OUT:
        raise ConfigError(f"data.val_share={val} and data.test_share={test} must be together below {_MOST_HELD_OUT}")
