"""Settings that data modules share, checked: sources, splits, what is trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from annotated_types import Interval

from datamodules.shared.library import SplitLibrary
from datamodules.shared.splits import SPLITS, SplitBy
from kmidi_lab.data import ALL, SPLIT
from kmidi_lab.errors import ConfigError, one_of

Song = TypeVar("Song")
_MOST_HELD_OUT = 0.9
SplitShare = Annotated[float, Interval(gt=0, lt=_MOST_HELD_OUT)]
"""Share of the data that is validation, or test."""
COMMON_SETTINGS = ("root", "cache_dir", "split", "batch_size", "workers", "progress")
"""Arguments that decide in no data module which examples are trained on."""


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


def checked_train_on(train_on: str) -> str:
    """What is trained on. Raises ConfigError."""
    if train_on not in (SPLIT, ALL):
        raise ConfigError(one_of("data.train_on", train_on, (SPLIT, ALL)))
    return train_on


def split_by(seed: int, val: float, test: float) -> SplitBy:
    """What songs are split by. Raises ConfigError: the shares leave too little to train on."""
    if val + test >= _MOST_HELD_OUT:
        raise ConfigError(f"data.val_share={val} and data.test_share={test} must be together below {_MOST_HELD_OUT}")
    return SplitBy(seed, val, test)


def load_of(
    load: Callable[..., SplitLibrary[Song]],
    allowed: Sequence[str],
    root: str,
    cache_dir: str,
    sources: Sequence[str],
    **settings: Any,
) -> Callable[..., SplitLibrary[Song]]:
    """What LabData calls to read and split: a library's `load` with the settings that it needs, checked.

    Args:
        load: takes root, cache folder, sources and `settings`.
        allowed: sources that there are.
        root: folder that holds the data sets.
        cache_dir: where prepared data are kept.
        sources: those that are wanted.
        settings: the others, by the names that `load` gives them.

    Raises:
        ConfigError: no source or an unknown one.
    """
    check_sources(sources, allowed)
    return partial(load, Path(root), Path(cache_dir), tuple(sources), **settings)
