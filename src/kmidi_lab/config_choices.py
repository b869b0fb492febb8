"""The config that a command's choices make by themselves, before any value is typed."""

from __future__ import annotations

from functools import lru_cache

from hydra import compose
from omegaconf import DictConfig

from kmidi_lab.conf_dir import main_config, options


@lru_cache(maxsize=8)
def with_choices(choices: tuple[str, ...]) -> DictConfig:
    """The config without values, composed once for all jobs that differ in them alone; see `forget_choices`."""
    return compose(main_config(), overrides=list(choices), return_hydra_config=True)


def forget_choices() -> None:
    """For before a command: the files in `conf/` may be others than in the one before."""
    with_choices.cache_clear()


def is_choice(override: str) -> bool:
    """Whether it chooses files of `conf/`, which decide the types of values."""
    key = override.split("=", 1)[0].lstrip("+~")
    return key == "hydra.searchpath" or bool(options(key.split("@")[0]))
