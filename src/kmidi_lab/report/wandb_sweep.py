"""A search of conf/search/<model>.yaml as a sweep of Weights & Biases, whose agents may run on many machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from kmidi_lab.sweeps.space import Dimension, Span

_EARLIEST = 3
"""Epochs before a run may be ended early, as with sweep=optuna."""


def sweep_spec(
    words: Sequence[str], dimensions: Sequence[Dimension], name: str, project: str, entity: str | None
) -> dict[str, Any]:
    """What `wandb sweep` reads.

    Args:
        words: overrides that all runs share, such as model=harmony.
        dimensions: what is searched.
        name: of the sweep.
        project: of W&B.
        entity: whose project; None is the user's default.
    """
    # A run of a search publishes nothing: the best is trained again, or exported by task=export.
    fixed = [*words, "logger=wandb", "export.enabled=false", "trainer.progress=false"]
    return {
        "name": name,
        "project": project,
        **({"entity": entity} if entity else {}),
        "program": "kmidi_lab",
        "method": "bayes",
        "metric": {"name": "val/loss", "goal": "minimize"},
        "early_terminate": {"type": "hyperband", "min_iter": _EARLIEST},
        "parameters": {dimension.key: _parameter(dimension) for dimension in dimensions},
        "command": ["${env}", "python", "-m", "kmidi_lab", *fixed, "${args_no_hyphens}"],
    }


def as_yaml(spec: dict[str, Any], path: str) -> str:
    """The file, with how it is used on top."""
    how = f"# wandb sweep {path}   makes the sweep and says how its agents are started, each on any machine.\n"
    return how + yaml.safe_dump(spec, sort_keys=False, allow_unicode=True)


def _parameter(dimension: Dimension) -> dict[str, Any]:
    if not isinstance(dimension, Span):
        return {"values": [_plain(value) for value in dimension.values]}
    if dimension.whole:
        low, high = round(dimension.low), round(dimension.high)
        return {"distribution": "q_log_uniform_values" if dimension.log else "int_uniform", "min": low, "max": high}
    kind = "log_uniform_values" if dimension.log else "uniform"
    return {"distribution": kind, "min": dimension.low, "max": dimension.high}


def _plain(text: str) -> Any:
    """A number or a switch as such; a list stays the text that Hydra reads."""
    value = yaml.safe_load(text)
    return value if isinstance(value, bool | int | float) else text
