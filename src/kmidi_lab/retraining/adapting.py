"""A small layer of a user's own on a released network: low-rank changes of its last layers, which export as those layers.

E. Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models* (ICLR 2022): a layer's weight becomes W + B A with B and A
of a small rank, B zero at first; the bias moves too. Added up, it is a dense layer of the same size.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import from_reset
from kmidi_lab.retraining.lessons import Array, Lessons
from kmidi_lab.retraining.training import FeedbackTraining

_AT_ONCE = 256
_RATE, _DECAY = 0.01, 0.05
STEPS = (5, 10, 20, 40, 80, 160)
"""Numbers of steps that are tried."""
FOLDS = 5


class _LowRank(nn.Module):
    def __init__(self, rows: int, columns: int, rank: int) -> None:
        super().__init__()
        self.up = nn.Parameter(torch.zeros(rows, rank))
        self.down = nn.Parameter(torch.randn(rank, columns) / columns**0.5)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + self.up @ self.down


class _Offset(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(size))

    def forward(self, bias: torch.Tensor) -> torch.Tensor:
        return bias + self.shift


class Adapter:
    """A copy of a module in which the adapter's numbers alone learn.

    Args:
        module: stays as it is.
        training: names the layers.
        seed: of the first weights and of what is drawn.
    """

    def __init__(self, module: LabModule, training: FeedbackTraining, seed: int) -> None:
        self._training, self._rng = training, np.random.default_rng(seed)
        self._module = copy.deepcopy(module).cpu().eval().requires_grad_(False)
        self._own: list[nn.Parameter] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for name, rank in training.ADAPTED.items():
                layer = self._module.get_submodule(name)
                assert isinstance(layer, nn.Linear)
                parts: list[tuple[str, nn.Module]] = [("bias", _Offset(layer.out_features))]
                if rank:
                    parts.append(("weight", _LowRank(layer.out_features, layer.in_features, rank)))
                for what, part in parts:
                    parametrize.register_parametrization(layer, what, part)
                    self._own.extend(part.parameters())
        self._optimizer = torch.optim.AdamW(self._own, lr=_RATE, weight_decay=_DECAY)

    @property
    def numbers(self) -> int:
        """How many it has."""
        return sum(p.numel() for p in self._own)

    def learn(self, lessons: Lessons, weights: Array, steps: int) -> None:
        """So many steps on lessons, drawn by their weights `[E]` where they are more than fit a step."""
        chances, few = weights / weights.sum(), len(lessons) <= _AT_ONCE and bool(np.ptp(weights) == 0)
        for _ in range(steps):
            drawn = lessons if few else lessons.rows(self._rng.choice(len(lessons), _AT_ONCE, p=chances))
            loss = self._training.loss(self._module, self._training.batch(drawn.x, drawn.targets, None, self._rng))
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()

    def losses(self, lessons: Lessons) -> Array:
        """`[E]`."""
        return losses(self._module, self._training, lessons)

    def merged(self) -> LabModule:
        """A module whose own layers hold what was learnt."""
        module = copy.deepcopy(self._module)
        for name, rank in self._training.ADAPTED.items():
            for what in ("bias", "weight")[: 2 if rank else 1]:
                parametrize.remove_parametrizations(module.get_submodule(name), what, leave_parametrized=True)
        return module


def losses(module: LabModule, training: FeedbackTraining, lessons: Lessons) -> Array:
    """`[E]` of a module in evaluation mode, each event as after a reset."""
    head = module.head()
    return training.losses(from_reset(module.network)(lessons.x), head, lessons.x, lessons.targets)


def best_steps(module: LabModule, training: FeedbackTraining, lessons: Lessons, seed: int) -> tuple[int, float, float]:
    """(steps, mean loss of the module as it is, mean loss after them) by cross-validation on parts in a row; 0 steps where none help."""
    parts = np.array_split(np.arange(len(lessons)), min(FOLDS, len(lessons)))
    before = losses(module, training, lessons)
    after = np.zeros((len(STEPS), len(lessons)))
    for part in parts:
        rest = np.setdiff1d(np.arange(len(lessons)), part)
        adapter, done = Adapter(module, training, seed), 0
        for place, steps in enumerate(STEPS):
            adapter.learn(lessons.rows(rest), np.ones(len(rest)), steps - done)
            after[place, part], done = adapter.losses(lessons.rows(part)), steps
    means: Sequence[float] = after.mean(1).tolist()
    best = int(np.argmin(means))
    if not means[best] < float(before.mean()):
        return 0, float(before.mean()), float(before.mean())
    return STEPS[best], float(before.mean()), means[best]
