"""`model.mix_with_start`: a training from start weights ends with weights between these and its own.

Training on a little data makes a network better on what it has seen there and worse on much else. Weights on the line
between the two are often better than both ends (WiSE-FT: M. Wortsman et al., *Robust fine-tuning of zero-shot models*,
2022).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import lightning as L
import torch

from kmidi_lab import resume
from kmidi_lab.best_checkpoint import BestCheckpoint, FitResult
from kmidi_lab.data import ALL, DataModule
from kmidi_lab.errors import ConfigError
from kmidi_lab.hardware import Hardware
from kmidi_lab.nn.module import LabModule

log = logging.getLogger(__name__)
KEY = "model.mix_with_start"
_KEPT = "KeptStart"
"""The callback's place in a checkpoint."""
Weights = Mapping[str, torch.Tensor]


def checked(given: Sequence[float] | None, init_from: str | None, validates: bool) -> list[float]:
    """The shares, none where the setting is null.

    Args:
        given: the setting.
        init_from: where the start weights are.
        validates: whether the data keep a part to choose by.

    Raises:
        ConfigError: shares that are none, nothing to mix with, or nothing to choose between them by.
    """
    if given is None:
        return []
    shares = list(given)
    if not shares:
        raise ConfigError(f"{KEY}=[] names no share; type {KEY}=[0.5], or {KEY}=null for no mixing")
    if not all(0 <= share <= 1 for share in shares):
        raise ConfigError(f"{KEY}={list(shares)}: shares of what is learnt are 0 to 1, such as {KEY}=[0.5]")
    if not init_from:
        raise ConfigError(f"{KEY}: there is no start to mix with; type model.init_from=outputs/release, too")
    if len(shares) > 1 and not validates:
        raise ConfigError(f"{KEY}={list(shares)}: data.train_on={ALL} leaves nothing to choose by; give one share")
    return shares


class KeptStart(L.Callback):
    """Keeps the weights that a training starts from in its checkpoints, so that one that goes on has them, too.

    They are those behind the module's `setup`, which may write start weights in another form that computes the same.
    """

    def __init__(self) -> None:
        self._start: dict[str, torch.Tensor] = {}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.global_step:
            self._start = {name: weights.detach().cpu().clone() for name, weights in pl_module.state_dict().items()}

    @property
    def state_key(self) -> str:
        return _KEPT

    def state_dict(self) -> dict[str, Any]:
        return {"start": self._start}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._start = state_dict["start"]


def mixed(start: Weights, learnt: Weights, share: float) -> dict[str, torch.Tensor]:
    """`start + share * (learnt - start)`; whole numbers, such as indices, are those learnt.

    Args:
        start: weights by name.
        learnt: of the same network; not asked, and may be no numbers, where `share` is 0.
        share: of what was learnt, 0 to 1.
    """
    if not share:
        return dict(start)
    return {n: torch.lerp(start[n], w, share) if w.is_floating_point() else w for n, w in learnt.items()}


def remind(resumed: resume.ResumePoint) -> None:
    """Says so where a run that mixes is gone on from without mixing."""
    checkpoint = resume.read(resumed.path)
    if checkpoint and _KEPT in checkpoint["callbacks"]:
        log.warning(
            "trainer.resume=%s: that run mixes with its start, this one ends unmixed; type %s=[0.5], or the shares of that "
            "run, too, to mix", resumed.source, KEY,
        )  # fmt: skip


def check_kept(resumed: resume.ResumePoint) -> None:
    """Raises ConfigError: the run that is gone on from kept no start weights, or none of its network."""
    checkpoint = resume.read(resumed.path)
    start = checkpoint["callbacks"].get(_KEPT) if checkpoint else None
    weights = start.get("start") if isinstance(start, Mapping) else None
    shapes = (
        {n: w.shape for n, w in weights.items() if isinstance(w, torch.Tensor)} if isinstance(weights, Mapping) else {}
    )
    if shapes != resumed.shapes:
        raise ConfigError(
            f"trainer.resume={resumed.source}: it kept no start weights to mix with; leave out {KEY}, or train anew"
        )


def mix(
    fitted: FitResult,
    shares: Sequence[float],
    module: LabModule,
    data: DataModule,
    best: BestCheckpoint,
    machine: Hardware,
) -> tuple[FitResult, float]:
    """Writes the mixture of least validation loss in the place of the best epoch; returns that and the share of it.

    What was learnt is the last epoch, whatever its own loss: the way back to the start does what stopping early would
    do, and the best epoch of a few minutes' training is often best by chance. A run that goes on does so from the last
    epoch, so it ends in the same mixture.

    Args:
        fitted: what training has left, its checkpoints written by `best` and `LastCheckpoint`.
        shares: of what was learnt, 0 to 1, to choose from.
        module: of the network; left with the weights of one of the mixtures.
        data: whose validation part chooses; it is not asked where all is trained on.
        best: keeps the loss of what is taken.
        machine: where it is validated, on one device.
    """
    checkpoint = resume.read(fitted.best.with_name(resume.LAST))
    assert checkpoint is not None, fitted
    start, learnt = checkpoint["callbacks"][_KEPT]["start"], checkpoint["state_dict"]
    losses = dict.fromkeys(shares, math.nan)
    if data.keeps_test:
        for share in shares:
            module.load_state_dict(mixed(start, learnt, share))
            losses[share] = _validated(module, data, machine)
    share = min(shares, key=lambda s: math.inf if math.isnan(losses[s]) else losses[s])
    log.info(
        "mixed with the start, share of the last epoch: %s%g is taken%s%s",
        f"val/loss {', '.join(map(_told, losses, losses.values()))}; " if data.keeps_test else "", share,
        "" if share else ", so the start weights stay as they were", _alone(fitted),
    )  # fmt: skip
    # Without the start: a mixture that is gone on from would be mixed again.
    states = {name: state for name, state in checkpoint["callbacks"].items() if name != _KEPT}
    best.take(checkpoint | {"state_dict": mixed(start, learnt, share), "callbacks": states}, losses[share])
    return replace(fitted, val_loss=losses[share]), share


def is_mixed(checkpoint: Mapping[str, Any]) -> bool:
    """Of a run that mixes: whether its checkpoint holds a mixture, not the weights of an epoch."""
    return _KEPT not in checkpoint["callbacks"]


def _told(share: float, loss: float) -> str:
    return f"{share:g}: {'no number' if math.isnan(loss) else f'{loss:.4f}'}"


def _alone(fitted: FitResult) -> str:
    """The loss of the best epoch, where that is what is there: it may be the mixture of a run that is gone on from."""
    checkpoint = resume.read(fitted.best)
    if checkpoint is None or is_mixed(checkpoint) or math.isnan(fitted.val_loss):
        return ""
    return f" (the best epoch alone: {fitted.val_loss:.4f})"


def _validated(module: LabModule, data: DataModule, machine: Hardware) -> float:
    trainer = data.trainer
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # a trainer waits for all ranks, and the others have gone
    quiet: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    judge = L.Trainer(accelerator=machine.accelerator, devices=1, precision=machine.precision, **quiet)  # type: ignore[arg-type]
    try:
        return float(judge.validate(module, datamodule=data, verbose=False)[0]["val/loss"])
    finally:
        data.trainer = trainer  # as after a fit: data may ask on which device and for how long it was trained
