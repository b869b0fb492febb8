"""Words on the command line: Hydra's options, before, between and after the overrides, and those that the lab has no use for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from kmidi_lab.errors import ConfigError

_FLAGS = ("hydra_help", "resolve", "run", "multirun", "shell_completion")
_VALUES = ("cfg", "package", "info", "config_dir")
_REFUSED = {
    "config_name": "--config-name: there is one config, conf/config.yaml; choose within it by groups, such as model=harmony",
    "config_path": "--config-path: the lab's own conf/ is read; add your folder to it by --config-dir DIR",
    "experimental_rerun": "--experimental-rerun: a pickled job could run anything; type the command that the run.json names",
}


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Options and `overrides`, in any order. Raises ConfigError with one line."""
    parser = get_args_parser()
    parser.error = _refuse
    parsed = parser.parse_intermixed_args(list(words))
    for name, why in _REFUSED.items():
        if getattr(parsed, name, None) is not None:
            raise ConfigError(why)
    return parsed


def options(parsed: argparse.Namespace) -> list[str]:
    """The same options before all overrides, where Hydra takes them."""
    flags = [_option(name) for name in _FLAGS if getattr(parsed, name)]
    values = [(_option(name), str(getattr(parsed, name))) for name in _VALUES if getattr(parsed, name)]
    return [*flags, *(word for pair in values for word in pair)]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _refuse(message: str) -> NoReturn:
    raise ConfigError(f"{message}; type --help for what there is")
