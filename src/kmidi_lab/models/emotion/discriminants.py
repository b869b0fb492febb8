"""Which directions tell classes apart: linear discriminant analysis (C. Rao, 1948) with a shrunken covariance.

Each is scaled so that examples of one class vary by about 1 along it. Few numbers are left that way, and what is learnt
from them can't learn speakers by heart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.models.emotion.contract import EMOTION
from kmidi_lab.models.emotion.features import EmotionBatch
from kmidi_lab.models.emotion.network import linear_part
from kmidi_lab.nn.audio import clip_mean
from kmidi_lab.nn.streaming import Chain

_HALVES = 2
"""Discriminants beside those of the labels: normal from strong, and the less complex half of the clips from the other."""
OTHERS = 28
"""Directions drawn at random that are kept beside the discriminants. Labels and readings don't see them: they say whether
a sound is like those of the training."""
_SMALL = 0.1
"""Their scale."""

_SHRINKAGE = 0.05
"""Share of no correlation in the correlations within classes, which are of more numbers than there are clips to tell."""


def kept_numbers(labels: int) -> int:
    """How many numbers are kept of a GRU's units."""
    return labels - 1 + _HALVES + OTHERS


@torch.no_grad()
def keep_discriminants(network: Chain, passes: Iterable[EmotionBatch], labels: int) -> None:
    """Fits what stands behind the last GRU of a network of `embedding_network` to the means over clips.

    The last layer is to be trained. It shows the random directions where no reading sees them; `hold_others` keeps that so.

    Args:
        network: whose layers up to the last GRU have learnt; it keeps `kept_numbers(labels)`.
        passes: the training clips, several times.
        labels: how many there are.
    """
    hidden, rest = linear_part(network)
    hidden.eval()
    means, told, strong, complexity = [], [], [], []
    # The batches are on the device of the training, the network is not there yet where Lightning sets a run up.
    device = next(hidden.parameters()).device
    for batch in passes:
        means.append(clip_mean(hidden(batch.x.to(device)), batch.weight.to(device)).cpu())
        told.append(batch.label.argmax(1).cpu())
        strong.append(batch.intensity.argmax(1).cpu())
        complexity.append(batch.scalars[:, -1].cpu())
    x, even = torch.cat(means), torch.cat(complexity)
    scaled, kept, *_, last = rest
    assert isinstance(scaled, nn.BatchNorm1d) and isinstance(kept, nn.Linear) and isinstance(last, nn.Linear)
    assert scaled.running_mean is not None and scaled.running_var is not None
    scaled.running_mean.copy_(x.mean(0))
    scaled.running_var.copy_(x.var(0))
    halves = [(part.numpy(), 2) for part in (torch.cat(strong), (even > even.median()).long())]
    weight, bias = fit_discriminants(scaled.cpu().eval()(x).numpy(), [(torch.cat(told).numpy(), labels), *halves])
    scaled.to(kept.weight.device)
    drawn = torch.randn(x.shape[1], OTHERS, generator=torch.Generator().manual_seed(0))
    kept.weight.copy_(torch.cat([torch.from_numpy(weight).float(), _SMALL * drawn.T / x.shape[1] ** 0.5]))
    kept.bias.copy_(torch.cat([torch.from_numpy(bias).float(), torch.zeros(OTHERS)]))
    last.weight[:, len(bias) :] = torch.from_numpy(spare_directions(OTHERS)).to(last.weight)


def hold_others(network: Chain, optimizer: torch.optim.Optimizer) -> None:
    """From now on no step of the optimiser moves the random directions, nor where the last layer shows them.

    Their gradients are zeros, so that they don't count where gradients are clipped. Against weight decay that does not help,
    so they are put back after each step.
    """
    *_, kept, _, last = linear_part(network)[1]
    assert isinstance(kept, nn.Linear) and isinstance(last, nn.Linear)
    own = kept.out_features - OTHERS
    learnt = (torch.arange(kept.out_features) < own).to(last.weight)
    for values, mask in ((kept.weight, learnt[:, None]), (kept.bias, learnt), (last.weight, learnt)):
        values.register_hook(lambda gradient, mask=mask: gradient * mask.to(gradient.device))
    before: list[torch.Tensor] = []

    def held() -> list[torch.Tensor]:
        return [kept.weight.data[own:], kept.bias.data[own:], last.weight.data[:, own:]]

    def keep(*_: object) -> None:
        before[:] = [values.clone() for values in held()]

    def put_back(*_: object) -> None:
        for values, same in zip(held(), before, strict=True):
            values.copy_(same)

    optimizer.register_step_pre_hook(keep)
    optimizer.register_step_post_hook(put_back)


def fit_discriminants(
    x: NDArray[np.floating], classings: Sequence[tuple[NDArray[np.integer], int]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One direction less than there are classes for each of the classings, most telling first, one classing behind the other.

    Args:
        x: `[N, D]` examples.
        classings: `[N]`, whole numbers that say which examples are alike, and how many classes there are. Where some of
            them have no examples, the directions that are missing are zeros.

    Returns:
        Weight `[K, D]` and bias `[K]`: `x @ weight.T + bias` has mean 0 over the examples.
    """
    mean = x.mean(0, np.float64)
    weight = np.concatenate([_directions(x - mean, classes, count) for classes, count in classings])
    return weight, -weight @ mean


def spare_directions(count: int) -> NDArray[np.float32]:
    """`[64, count]`: orthonormal directions of an embedding that no reading sees, the same every time; 45 at most."""
    blocks = [EMOTION.output(name).index for name in ("valence", "arousal", "dominance")]
    # Of these blocks readings see the sums, of the fourth block all.
    drawn = np.random.default_rng(0).standard_normal((len(blocks), EMOTION.output("valence").size, count))
    unseen, _ = np.linalg.qr((drawn - drawn.mean(1, keepdims=True)).reshape(-1, count))
    directions = np.zeros((EMOTION.output_size, count), np.float32)
    for block, rows in zip(blocks, np.split(unseen, len(blocks)), strict=True):
        directions[block] = rows
    return directions


def _directions(x: NDArray[np.float64], classes: NDArray[np.integer], count: int) -> NDArray[np.float64]:
    """`[count - 1, D]` of examples `[N, D]` with mean 0."""
    _, place, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    centres = np.stack([x[place == k].mean(0) for k in range(len(sizes))])
    own = x - centres[place]
    # Where each class has one example, nothing varies within them.
    scale = np.maximum(np.maximum(own.std(0), 0.1 * x.std(0)), 1e-9)
    own /= scale
    alike = (1 - _SHRINKAGE) * own.T @ own / len(x) + _SHRINKAGE * np.eye(x.shape[1])
    variance, axes = np.linalg.eigh(alike)
    whitening = axes / np.sqrt(np.maximum(variance, 1e-9)) / scale[:, None]
    between = centres @ whitening * np.sqrt(sizes / len(x))[:, None]
    _, _, directions = np.linalg.svd(between, full_matrices=False)
    rank = min(len(sizes) - 1, count - 1, x.shape[1])
    weight = np.zeros((count - 1, x.shape[1]))
    weight[:rank] = directions[:rank] @ whitening.T
    return weight
