"""What is written in the YAML files beside the code."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def table(module: str, name: str) -> Any:
    """The content of a file, read once; nobody changes it.

    Args:
        module: the `__name__` of one that the file lies beside.
        name: of the file, such as `bands.yaml`.
    """
    return yaml.safe_load(files(module.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8"))
