"""What is written in this package's YAML files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def table(name: str) -> dict[str, Any]:
    """A file beside this one, such as `bands.yaml`, read once."""
    return dict(yaml.safe_load(files("kmidi_lab.composition").joinpath(name).read_text(encoding="utf-8")))
