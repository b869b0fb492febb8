"""The YAML of a run folder, which may come from someone else: plain values, and not more than training and Hydra write."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from kmidi_lab.errors import ConfigError, one_line
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.targets import plain_values

FILE = "config.yaml"
_LARGEST = 1 << 18
"""Bytes; the largest of a model of the lab has 6,000."""
_DEEPEST = 40


def read(path: Path) -> dict[str, Any]:
    """The config that a run was trained with. Raises ConfigError: it is none, or could not be one that training writes."""
    try:
        config: Any = OmegaConf.to_container(OmegaConf.load(io.StringIO(_text(path))))
        if not all(isinstance(part, dict) for part in (config["data"], config["model"]["module"])):
            raise TypeError("data and model.module must be blocks")
    except (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError, OmegaConfBaseException) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"{path}: not the config of a run ({one_line(str(why), 160)}); give a folder that training has written"
        ) from None
    return dict(plain_values(config, path))


def overrides(folder: Path) -> list[str]:
    """What was typed for the job of a folder, as Hydra keeps it; nothing where that can't be read."""
    try:
        words: Any = yaml.safe_load(_text(folder / ".hydra" / "overrides.yaml"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return []
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def _text(path: Path) -> str:
    text = read_bounded(path, _LARGEST).decode()
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        # A value that stands in ten places, each of which stands in ten, is as long as one likes.
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it has aliases (*), which no run writes")
        # A thousand brackets in a row take seconds, a hundred thousand hours.
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
    return text
