"""The checkpoint that a run goes on from, checked before anything is trained."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kmidi_lab.errors import ConfigError


@dataclass(frozen=True)
class Resumed:
    """`source` is what trainer.resume says, `shapes` those of the weights by name."""

    source: str
    path: str
    shapes: dict[str, torch.Size]

    def check(self, module: nn.Module) -> None:
        """Raises ConfigError: the checkpoint is of another network than `module`."""
        own = {name: values.shape for name, values in module.state_dict().items()}
        other = sorted(name for name in {*own, *self.shapes} if own.get(name) != self.shapes.get(name))
        if other:
            raise ConfigError(
                f"trainer.resume={self.source}: of another network ({other[0]} differs); give the model, sizes and "
                "experiment that it was trained with"
            )


def find(source: str | None, epochs: int, ema: float) -> Resumed | None:
    """The last checkpoint of a run folder, or a .ckpt file; None where there is nothing to go on from.

    Raises:
        ConfigError: no checkpoint there, none of Lightning's, one with `epochs` epochs already, or one of averaged weights without `ema`.
    """
    if source is None:
        return None
    path = Path(source)
    path = path / "checkpoints" / "last.ckpt" if path.is_dir() else path
    if not path.is_file():
        raise ConfigError(f"trainer.resume={source}: no checkpoint there; give a run folder or a .ckpt file")
    kept = read(path)
    if kept is None:
        raise ConfigError(f"trainer.resume={source}: not the checkpoint of a run; give a run folder or its .ckpt")
    done = kept["epoch"] + 1
    if done >= epochs:
        raise ConfigError(f"trainer.resume={source}: it has {done} epochs already; type trainer.max_epochs={done + 10}")
    if "current_model_state" in kept and not ema:
        raise ConfigError(
            f"trainer.resume={source}: it keeps a moving average of its weights; type trainer.ema=0.99, or as it was"
        )
    return Resumed(source, str(path), {name: values.shape for name, values in kept["state_dict"].items()})


def read(path: Path) -> dict[str, Any] | None:
    """What Lightning wrote into a checkpoint; None for a file cut short or of another kind."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        if {"epoch", "state_dict", "callbacks", "pytorch-lightning_version"} <= kept.keys():
            return dict(kept)
    except (pickle.UnpicklingError, EOFError, RuntimeError, OSError, AttributeError, ValueError):
        pass
    return None
