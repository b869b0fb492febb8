"""What is written in this package's YAML files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from kmidi_lab.own_yaml import own_yaml


@cache
def table(name: str) -> dict[str, Any]:
    """A file beside this one, such as `bands.yaml`, read once."""
    return dict(own_yaml(files("kmidi_lab.composition").joinpath(name)))
