"""Distillation: a recurrent student learns the outputs of a network that RTNeural can't hold, such as attention.

The student sees the inputs only and is trained to what the teacher answers, at every call of every sequence (Hinton,
Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015). Labels play no part, so its scores on held-out
data are measured like any model's, and stand on the card beside the teacher's.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ConfigError
from kmidi_lab.nn.module import StudentPlan
from kmidi_lab.nn.schedule import epoch_seed, one_cycle
from kmidi_lab.nn.streaming import Streaming

log = logging.getLogger(__name__)
Batch = tuple[torch.Tensor, torch.Tensor]
"""Inputs `[B, T, N]`, and `[B, T]` that is True where a call is real and not padding."""
STUDENT = "student.ckpt"
"""Beside the checkpoint of its teacher: the student's state dict."""
_FLOOR = 1e-9


def distance(student: torch.Tensor, teacher: torch.Tensor, real: torch.Tensor, contract: Contract) -> torch.Tensor:
    """Mean over real calls of how far the student's outputs, `[B, T, M]`, are from the teacher's.

    The Kullback-Leibler divergence in nats where outputs are probabilities, else the mean squared error.
    """
    if contract.output_kind == "probabilities":
        logs = [p.clamp_min(_FLOOR).log() for p in (teacher, student)]
        each = (teacher * (logs[0] - logs[1])).sum(-1)
    else:
        each = (student - teacher).square().mean(-1)
    return each[real].mean()


def distill(
    teacher: nn.Module,
    plan: StudentPlan,
    contract: Contract,
    train: Iterable[Batch],
    validation: Iterable[Batch],
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> tuple[Streaming, dict[str, Any]]:
    """Trains the student of `plan`; the one of the epoch that is best on validation is returned.

    Args:
        teacher: maps `[B, T, N]` to `[B, T, M]`; left as it is.
        plan: the untrained student and how long it learns.
        contract: says what kind of outputs there are.
        train: iterated anew in every epoch, and once more to count its steps; shuffles itself.
        validation: iterated anew in every epoch.
        device: where both networks run.
        progress: log every epoch.

    Returns:
        (the deployed student in eval mode on the CPU, facts for the record: `params`, `arch`, `epochs`, `best_epoch`,
        `distance` and its unit, `curve` as [train, validation] by epoch).

    Raises:
        ConfigError: the student's outputs are not of the teacher's size, no probabilities where there must be some,
            or become NaN; there are no sequences; or a student with BatchNorm1d is given padded sequences.
    """
    teacher, student = copy.deepcopy(teacher).to(device).eval(), plan.network.to(device)
    steps = sum(1 for _ in train) * plan.epochs
    optimizer = torch.optim.AdamW(student.parameters(), plan.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, one_cycle(max(1, steps)))
    best: tuple[float, int, dict[str, torch.Tensor]] = (float("inf"), -1, {})
    curve: list[list[float]] = []
    for epoch in range(plan.epochs):
        torch.manual_seed(epoch_seed(epoch))
        student.train()
        training_mean = _Mean("training")
        for x, real in _with_calls(train, student, device):
            loss = _step(teacher, student, x, real, contract)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            training_mean.add(loss.detach(), real)
        student.eval()
        validation_mean = _Mean("validation")
        with torch.no_grad():
            for x, real in _with_calls(validation, student, device):
                validation_mean.add(_step(teacher, student, x, real, contract), real)
        curve.append([training_mean.value(), validation_mean.value()])
        if curve[-1][1] < best[0]:
            best = curve[-1][1], epoch, copy.deepcopy(student.state_dict())
        if progress:
            log.info("student: epoch %d of %d, distance %.4g", epoch + 1, plan.epochs, curve[-1][1])
    if best[1] < 0:
        raise ConfigError("the student's distance to its teacher became NaN; lower the student's learning rate")
    student.load_state_dict(best[2])
    unit = "KL divergence, nats" if contract.output_kind == "probabilities" else "mean squared error"
    facts = {
        "arch": plan.architecture,
        "params": sum(p.numel() for p in student.parameters()),
        "epochs": plan.epochs,
        "best_epoch": best[1],
        "distance": best[0],
        "distance_unit": unit,
        "curve": curve,
    }
    return student.cpu().eval().deployed(), facts


class _Mean:
    """Of distances over calls, whatever the sizes of the batches."""

    def __init__(self, what: str) -> None:
        self._what, self._sum, self._calls = what, torch.zeros(()), 0

    def add(self, distance: torch.Tensor, real: torch.Tensor) -> None:
        calls = int(real.sum())
        self._sum = self._sum.to(distance.device) + distance * calls
        self._calls += calls

    def value(self) -> float:
        if not self._calls:
            raise ConfigError(f"there are no {self._what} sequences to distil a student from; add data")
        return float(self._sum) / self._calls


def _with_calls(batches: Iterable[Batch], student: nn.Module, device: torch.device | str) -> Iterator[Batch]:
    """On the device, without batches that are nothing but padding."""
    normed = any(isinstance(module, nn.BatchNorm1d) for module in student.modules())
    for x, real in batches:
        if normed and not bool(real.all()):
            # Its statistics would be those of the padding, too.
            raise ConfigError("a student with BatchNorm1d can't learn from padded sequences; leave BatchNorm1d out")
        if bool(real.any()):
            yield x.to(device), real.to(device)


def _step(
    teacher: nn.Module, student: nn.Module, x: torch.Tensor, real: torch.Tensor, contract: Contract
) -> torch.Tensor:
    with torch.no_grad():
        target = teacher(x)
    answer = student(x)
    if answer.shape != target.shape:
        raise ConfigError(
            f"the student gives {answer.shape[-1]} values a call, its teacher {target.shape[-1]}; "
            f"{contract.id} needs {contract.output_size}"
        )
    if contract.output_kind == "probabilities" and bool(((answer.sum(-1) - 1).abs() > 1e-2).any()):
        raise ConfigError("the student's outputs are not probabilities; let it end in nn.Softmax(-1)")
    return distance(answer, target, real, contract)
