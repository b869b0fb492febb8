"""Configs of jobs that differ in values alone: one is composed, the others are copies of it with other values.

Composing takes a quarter of a second, a copy a tenth of that; a sweep may have two hundred jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from kmidi_lab.conf_dir import options
from kmidi_lab.config_choices import is_choice
from kmidi_lab.errors import ConfigError


class Variants:
    """Makes the configs of the jobs of a sweep; they are to be read, not changed.

    Args:
        compose: makes one of overrides, each with one value.
        check: what a copy has to pass that is composed no more; raises ConfigError.
    """

    def __init__(
        self, compose: Callable[[list[str]], DictConfig], check: Callable[[DictConfig, list[str]], object] | None = None
    ) -> None:
        self._compose, self._check = compose, check
        self._first: dict[tuple[str, ...], tuple[list[str], DictConfig]] = {}

    def __call__(self, words: list[str]) -> DictConfig:
        """Raises what `compose` raises: it has the last word where a copy can't be made."""
        choices = tuple(word for word in words if is_choice(word))
        if choices in self._first:
            before, cfg = self._first[choices]
            with suppress(ConfigError, HydraException, OmegaConfBaseException):
                own = variant(cfg, before, words)
                if own is not None:
                    if self._check:
                        self._check(own, words)
                    return own
        own = self._compose(words)
        self._first.setdefault(choices, (words, own))
        return own


def variant(cfg: DictConfig, words: Sequence[str], wanted: Sequence[str]) -> DictConfig | None:
    """The config of `wanted`, but for hydra.job.override_dirname; None where Hydra has to compose it, as more than
    values differ.

    Args:
        cfg: composed of `words`; it stays as it is.
        words: overrides, each with one value.
        wanted: of another job of the same sweep.

    Raises:
        OmegaConfBaseException: a value is of a wrong type.
    """
    if len(words) != len(wanted):
        return None
    changed = {before: now for before, now in zip(words, wanted, strict=True) if before != now}
    overrides = OverridesParser.create().parse_overrides(list(changed.values()))
    for override in overrides:
        key, is_plain = override.key_or_group, not (override.is_add() or override.is_delete() or override.package)
        # A mapping would be merged into the one that is there.
        if not is_plain or key.startswith("hydra.") or options(key) or isinstance(override.value(), dict):
            return None
    own = deepcopy(cfg)
    for override in overrides:
        OmegaConf.update(own, override.key_or_group, override.value(), merge=True)
    with read_write(own.hydra), open_dict(own.hydra):
        own.hydra.overrides.task = [changed.get(word, word) for word in own.hydra.overrides.task]
    return own
