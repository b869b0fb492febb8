"""config.yaml of a run folder, which may come from someone else: plain values, and not more than training writes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from kmidi_lab.errors import ConfigError, one_line
from kmidi_lab.targets import plain_values

FILE = "config.yaml"
_LARGEST = 1 << 18
"""Bytes; the largest of a model of the lab has 6,000."""


def read(path: Path) -> dict[str, Any]:
    """The config that a run was trained with. Raises ConfigError: it is none, or could not be one that training writes."""
    try:
        config: Any = OmegaConf.to_container(OmegaConf.load(io.StringIO(_text(path))))
        if not all(isinstance(part, dict) for part in (config["data"], config["model"]["module"])):
            raise TypeError("data and model.module must be blocks")
    except (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(
            f"{path}: not the config of a run ({one_line(str(error), 160)}); give a folder that training has written"
        ) from None
    return dict(plain_values(config, path))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST >> 10} KiB")
    text = data.decode()
    # A value that stands in ten places, each of which stands in ten, is as long as one likes.
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
        raise ValueError("it has aliases (*), which no run writes")
    return text
