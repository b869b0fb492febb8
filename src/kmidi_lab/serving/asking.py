"""What a person may send to one model from the page, and what a person reads of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kmidi_lab.conf_dir import conf_dir, models
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.inference.api import request_of
from kmidi_lab.inference.ways import Way

_SHOWN = 3
"""Shares of a table, at most."""


def ways() -> list[dict[str, str]]:
    """Everything that a person may send to one model, by model."""
    return [{"model": model, "does": way.does, "takes": way.takes, "example": way.example} for model, way in _ways()]


def _ways() -> Iterator[tuple[str, Way]]:
    """(model, way) of the lab's own models that can be asked."""
    for model, declared in models((conf_dir(),)).items():
        if "predict" in declared:
            yield from ((model, way) for way in request_of(model).ways)


def way_of(model: str, typed: bool) -> Way:
    """How a model takes a file, or what is typed. Raises ConfigError: it doesn't, or there is none of that name."""
    ways = {name: way for name, way in _ways() if bool(way.example) == typed}
    if model not in ways:
        raise ConfigError(one_of("model", model, ways))
    return ways[model]


def shortened(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a person reads of an answer: of each table of shares the largest, and no long lists of numbers."""
    out: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            best = sorted(value, key=value.__getitem__, reverse=True)[:_SHOWN]
            out[name] = {key: round(value[key], 3) for key in best}
        elif isinstance(value, list | tuple) and all(isinstance(part, float) for part in value):
            continue
        else:
            out[name] = round(value, 3) if isinstance(value, float) else value
    return out
