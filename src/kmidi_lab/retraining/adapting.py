"""A small layer of a user's own on a released network: low-rank changes of its last layers, which export as those layers.

E. Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models* (ICLR 2022): a layer's weight becomes W + B A with B
and A of a small rank, B zero at first; the bias moves too. Added up, it is a dense layer of the same size.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import parametrize

from kmidi_lab.nn.module import LabModule
from kmidi_lab.retraining.gates import upper_bound
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
        self._base, self._training, self._rng = module, training, np.random.default_rng(seed)
        self._module = copy.deepcopy(module).cpu().eval().requires_grad_(False)
        self._own: list[nn.Parameter] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for name, rank in training.adapted(module).items():
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
            batch = self._training.batch(drawn.x, drawn.targets, None, self._rng)
            with parametrize.cached():
                loss = self._training.loss(self._module, batch)
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()

    def losses(self, lessons: Lessons) -> Array:
        """`[E]`."""
        return losses(self._module, self._training, lessons)

    def merged(self) -> LabModule:
        """A module whose own layers hold what was learnt."""
        module = copy.deepcopy(self._base).cpu().eval()
        with torch.no_grad():
            for name in self._training.adapted(module):
                layer, own = module.get_submodule(name), self._module.get_submodule(name)
                assert isinstance(layer, nn.Linear) and isinstance(own, nn.Linear)
                layer.weight.copy_(own.weight)
                layer.bias.copy_(own.bias)
        return module


def losses(module: LabModule, training: FeedbackTraining, lessons: Lessons) -> Array:
    """`[E]` of a module in evaluation mode, each event as after a reset."""
    return training.losses(training.outputs(module, lessons.x), module.head(), lessons.x, lessons.targets)


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation says of an adapter: losses `[J]` `before` and `after` so many `steps`, of J judgements."""

    steps: int
    before: Array
    after: Array

    @property
    def helps(self) -> bool:
        """Whether the mean loss is lower, beyond chance."""
        return upper_bound(self.after - self.before, np.arange(len(self.before)), np.ones(len(self.before)), 0) < 0


def cross_validated(module: LabModule, training: FeedbackTraining, lessons: Lessons, seed: int) -> CrossValidation:
    """The number of steps with the lowest loss on parts of the judgements, in a row, that were not learnt from."""
    numbers, of = np.unique(lessons.judgement, return_inverse=True)
    everything, share = np.arange(len(lessons)), lessons.weights
    parts = [np.flatnonzero(np.isin(of, part)) for part in np.array_split(np.arange(len(numbers)), FOLDS) if len(part)]
    adapters = [Adapter(module, training, seed) for _ in parts]
    tried: list[CrossValidation] = []
    before, done = _by(of, share * losses(module, training, lessons)), 0
    for steps in STEPS:
        after = np.zeros(len(lessons))
        for part, adapter in zip(parts, adapters, strict=True):
            rest = np.setdiff1d(everything, part)
            adapter.learn(lessons.rows(rest), share[rest], steps - done)
            after[part] = adapter.losses(lessons.rows(part))
        tried, done = [*tried, CrossValidation(steps, before, _by(of, share * after))], steps
        best = min(tried, key=lambda one: float(one.after.mean()))
        if tried.index(best) < len(tried) - 2:  # it has got worse twice
            break
    return best


def _by(place: NDArray[np.integer], values: Array) -> Array:
    """`[J]`, sums of `[E]` values by their place."""
    sums = np.zeros(int(place.max()) + 1)
    np.add.at(sums, place, values)
    return sums
