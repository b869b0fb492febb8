"""What the network's outputs cost, by kind: the tempo, the events, the values and the confidence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.features import BINS, CURVES, SPREADS, WHOLE, FeelBatch, bin_of

TEMPO, CONFIDENCE = FEEL.output("tempo").index, FEEL.output("confidence").start
_EVENTS = slice(FEEL.output("beat").start, FEEL.output("onsets").stop)
_CURVES, _WHOLE = ([FEEL.output(name).start for name in names] for names in (CURVES, WHOLE))
_FEWEST, _LEAST = 4, 1e-6
"""Stretches that a concordance is taken over, and the least variance that it is divided by."""
_SPREAD = 0.7
"""Bins: standard deviation of the bell that a tempo is as a target."""
_RIGHT = bin_of(50 * 1.04)
"""Bins that a right tempo may be off."""


def losses(outputs: torch.Tensor, batch: FeelBatch, rare: float, start: int) -> dict[str, torch.Tensor]:
    """Mean loss of tempo, events, values and confidence, each over what has a label.

    Errors of values count in standard deviations of the training's, so that one that varies little is learnt, too.
    `agreement` is what their concordance over the batch lacks of 1: errors alone would have a network that is unsure
    answer the mean.

    Args:
        outputs: `[B, T, 64]`.
        batch: events and curves of the same frames.
        rare: how much more a frame with an event counts.
        start: frames that the loss of tempo and whole values leaves out.
    """
    late = outputs[:, start:]
    there = ~batch.tempo.isnan()
    tempo, confidence = outputs.new_zeros(()), outputs.new_zeros(())
    if there.any():
        goal, logits = batch.tempo[there], late[there][..., TEMPO]
        tempo = tempo_losses(logits, goal[:, None]).mean()
        right = is_near(place_of(logits.detach()), goal[:, None])
        confidence = F.binary_cross_entropy_with_logits(late[there][..., CONFIDENCE], right)
    counts = (1 + (rare - 1) * (batch.events > 0)) * batch.marked[:, None]
    events = F.binary_cross_entropy_with_logits(outputs[..., _EVENTS], batch.events, counts)
    whole = batch.whole[:, None].expand(-1, late.shape[1], -1)
    parts = [_values(outputs[..., _CURVES], batch.curves, CURVES), _values(late[..., _WHOLE], whole, WHOLE)]
    values, agreement = (torch.stack(column).sum() for column in zip(*parts, strict=True))
    return {"tempo": tempo, "events": events, "values": values, "agreement": agreement, "confidence": confidence}


def tempo_losses(logits: torch.Tensor, goal: torch.Tensor) -> torch.Tensor:
    """`[...]`: cross-entropy of tempos at the places `goal` `[...]`, each a bell over the bins; logits `[..., 32]`."""
    bins = torch.arange(BINS, device=logits.device)
    bell = F.softmax(-((bins - goal[..., None]) ** 2) / (2 * _SPREAD**2), -1)
    return -(bell * F.log_softmax(logits, -1)).sum(-1)


def _values(said: torch.Tensor, true: torch.Tensor, names: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Squared error and lack of concordance of values `[B, T, K]`, each the mean over `names`; NaN where unknown.

    A concordance over one stretch would say nothing.
    """
    known = ~true.isnan()
    spread = said.new_tensor([SPREADS[name] for name in names])
    squared = ((said - true.nan_to_num()) / spread).square() * known
    error = squared.sum((0, 1)) / known.sum((0, 1)).clamp_min(1)
    lacks = [
        _lack(said[..., k][known[..., k]], true[..., k][known[..., k]])
        for k in range(len(names))
        if known[..., k].any(1).sum() >= _FEWEST
    ]
    return error.mean(), torch.stack(lacks).sum() / len(names) if lacks else said.new_zeros(())


def _lack(said: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """1 less the concordance correlation (L. Lin, 1989) of `[N]` and `[N]`."""
    covariance = ((said - said.mean()) * (true - true.mean())).mean()
    spread = said.var(correction=0) + true.var(correction=0) + (said.mean() - true.mean()).square()
    return 1 - 2 * covariance / spread.clamp_min(_LEAST)


def place_of(logits: torch.Tensor) -> torch.Tensor:
    """The real place of the tempo: the mean of the likeliest bin and those beside it; logits `[..., 32]`."""
    p = logits.softmax(-1)
    top = p.argmax(-1, keepdim=True)
    near = (top + torch.arange(-1, 2, device=logits.device)).clamp(0, BINS - 1)
    weight = p.gather(-1, near)
    return (weight * near).sum(-1) / weight.sum(-1)


def is_near(said: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """1 where the place of a tempo is that of the true one within 4 %, else 0."""
    return ((said - true).abs() < _RIGHT).float()
