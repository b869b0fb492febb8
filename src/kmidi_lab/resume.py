"""The checkpoint that a run goes on from, checked before anything is trained."""

from __future__ import annotations

import logging
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kmidi_lab.contract_types import version_told
from kmidi_lab.errors import ConfigError
from kmidi_lab.wording import many

log = logging.getLogger(__name__)
LAST, BEST = "last.ckpt", "best.ckpt"
_MOST_EPOCHS = 10**9
_STOPPING, _BEST = "EarlyStopping", "BestCheckpoint"
_NUMBERS = ("best_model_score", "train_loss", "seconds")
"""What is read of the state of `BestCheckpoint`."""


@dataclass(frozen=True)
class ResumePoint:
    """`source` is what trainer.resume says, `path` the checkpoint, `shapes` those of its weights by name.

    `epochs` are trained; `finished` is whether nothing is left to train, because that is all of them or because
    training has stopped early.
    """

    source: str
    path: Path
    epochs: int
    finished: bool
    shapes: dict[str, torch.Size]
    contract_version: str = "1"

    def check(
        self, module: nn.Module, upgraded: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]] = dict
    ) -> None:
        """Raises ConfigError: the checkpoint, `upgraded` to today's form, is of another network than `module`."""
        own = {name: values.shape for name, values in module.state_dict().items()}
        kept = {name: torch.empty(shape, device="meta") for name, shape in self.shapes.items()}
        there = {name: values.shape for name, values in upgraded(kept).items()}
        # A buffer may be newer than the checkpoint; the module fills it when it loads.
        newer = {name for name, _ in module.named_buffers()} - {*there}
        other = sorted(name for name in {*own, *there} - newer if own.get(name) != there.get(name))
        if other:
            raise ConfigError(
                f"trainer.resume={self.source}: of another network ({other[0]} differs); give the model, sizes and "
                "experiment that it was trained with"
            )


def find(source: str | None, epochs: int, patience: int, min_epochs: int, ema: float) -> ResumePoint | None:
    """The last checkpoint of a run folder that is whole, or a .ckpt file; None where there is nothing to go on from.

    Args:
        source: a run folder or a .ckpt file.
        epochs: that the run is to have.
        patience: epochs without a better loss after which it stops; 0 never stops early.
        min_epochs: that it has at least.
        ema: decay of the weights' moving average, 0 for none.

    Raises:
        ConfigError: no checkpoint there, none of Lightning's, one of more epochs than `epochs`, or one of averaged
            weights without `ema`.
    """
    if source is None:
        return None
    path, checkpoint = _newest(Path(source), source)
    done = checkpoint["epoch"] + 1
    if done > epochs:
        raise ConfigError(
            f"trainer.resume={source}: it has {many(done, 'epoch')}, more than trainer.max_epochs={epochs}; "
            f"type trainer.max_epochs={done}, or more to train it on"
        )
    if "current_model_state" in checkpoint and not ema:
        raise ConfigError(
            f"trainer.resume={source}: it keeps a moving average of its weights; type trainer.ema=0.99, or as it was"
        )
    finished = done == epochs or (0 < patience <= _waited(checkpoint) and done >= min_epochs)
    shapes = {name: values.shape for name, values in checkpoint["state_dict"].items()}
    return ResumePoint(source, path, done, finished, shapes, str(version_told(checkpoint)))


def _newest(path: Path, source: str) -> tuple[Path, dict[str, Any]]:
    """The checkpoint and what is in it: of a run folder the last epoch's, or the best one's where that is not whole."""
    folder = path / "checkpoints"
    there = [p for p in ((folder / LAST, folder / BEST) if path.is_dir() else (path,)) if p.is_file()]
    if not there:
        raise ConfigError(f"trainer.resume={source}: no checkpoint there; give a run folder or a .ckpt file")
    for candidate in there:
        checkpoint = read(candidate)
        if checkpoint is not None:
            return candidate, checkpoint
        if candidate != there[-1]:
            log.warning("%s is cut short or damaged: going on from %s beside it", candidate, there[-1].name)
    raise ConfigError(
        f"trainer.resume={source}: not the checkpoint of a run, or damaged; give a run folder or its .ckpt"
    )


def _waited(checkpoint: Mapping[str, Any]) -> int:
    """Epochs that the run has waited for a better loss."""
    states = (state for name, state in checkpoint["callbacks"].items() if name.startswith(_STOPPING))
    return next((int(state.get("wait_count", 0)) for state in states), 0)


def read(path: Path) -> dict[str, Any] | None:
    """What Lightning wrote into a checkpoint; None for a file cut short, damaged or of another kind."""
    try:
        if not path.is_file() or not is_whole(path):  # whoever opens a pipe waits
            return None
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        return dict(checkpoint) if _is_lightnings(checkpoint) else None
    except (pickle.UnpicklingError, EOFError, RuntimeError, OSError, AttributeError, ValueError, TypeError):
        return None


def _is_lightnings(checkpoint: Any) -> bool:
    """Whether what is read of it below is there and of its kind: the file may be damaged, or come from someone else."""
    if not (isinstance(checkpoint, Mapping) and isinstance(checkpoint.get("pytorch-lightning_version"), str)):
        return False
    epoch, weights, states = (checkpoint.get(name) for name in ("epoch", "state_dict", "callbacks"))
    return (
        (type(epoch) is int and 0 <= epoch < _MOST_EPOCHS)
        and (isinstance(weights, Mapping) and all(_is_weight(*pair) for pair in weights.items()))
        and (isinstance(states, Mapping) and all(_is_state(*pair) for pair in states.items()))
        and _is_within(checkpoint.get("within_epoch"))
    )


def _is_within(values: Any) -> bool:
    """What a training that goes on within an epoch takes: a sum, steps and the state of the random numbers."""
    if values is None:
        return True
    if not (isinstance(values, list | tuple) and len(values) == 3):
        return False
    total, steps, drawn = values
    like = torch.get_rng_state()
    is_state = isinstance(drawn, torch.Tensor) and drawn.dtype == like.dtype and drawn.shape == like.shape
    return type(total) is float and type(steps) is int and steps >= 0 and is_state


def _is_weight(name: Any, values: Any) -> bool:
    plain = isinstance(values, torch.Tensor) and values.layout == torch.strided and values.device.type == "cpu"
    return isinstance(name, str) and plain and not values.is_quantized


def _is_state(name: Any, state: Any) -> bool:
    """Of a callback: where it is one that the lab reads, a block of such numbers."""
    if not isinstance(name, str):
        return False
    if not name.startswith((_STOPPING, _BEST)):
        return True
    if not isinstance(state, Mapping):
        return False
    numbers = [state[key] for key in _NUMBERS if state.get(key) is not None]
    whole = type(state.get("wait_count", 0)) is int
    return whole and all(
        isinstance(n, int | float) or (isinstance(n, torch.Tensor) and n.numel() == 1) for n in numbers
    )


def is_whole(path: Path) -> bool:
    """Whether every part of a file of `torch.save` has the checksum (CRC-32) that it was written with; torch reads without."""
    try:
        with zipfile.ZipFile(path) as parts:
            stored = all(part.compress_type == zipfile.ZIP_STORED for part in parts.infolist())
            return stored and parts.testzip() is None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError):  # NotImplementedError is a RuntimeError
        return False
