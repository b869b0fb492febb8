"""The sentence encoder trained further on the labels and ratings of the training sentences: the teacher's own opinions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from datamodules.intent.sentence_encoder import SIZE, SentenceEncoder, batches_of
from datamodules.intent.targets import affect_of, targets
from datamodules.shared.library import shown
from kmidi_lab.models.intent.features import AFFECT, COLUMNS, Sentence
from kmidi_lab.nn.schedule import one_cycle

log = logging.getLogger(__name__)
LABELLED = sum(COLUMNS[:2])
"""Columns of a target that it answers: LABELS and FINE."""
_SEED, _EPOCHS, _BATCH, _POOL = 0, 3, 64, 64
_RATE, _DECAY, _DROPOUT, _CLIP = 2e-4, 1e-2, 0.1, 1.0
_FINE, _AFFECT = 0.3, 10.0
_MOST = 0.95
_KEPT_LAYERS = 2
"""Layers that stay as they are, with the embeddings of tokens: what they know of words is more than our sentences say."""


@dataclass
class TunedEncoder:
    """A trained encoder.

    Args:
        weights: of the encoder's layers that moved, and of the head as `head.weight` `[38, 384]` and `head.bias`, by
            name.
    """

    weights: dict[str, NDArray[np.float32]]


@dataclass
class Opinions:
    """What it says of N texts.

    Args:
        vectors: `[N, 384]` the mean over a text's tokens.
        labels: `[N, 35]` probabilities of LABELS and FINE.
        affect: `[N, 3]` valence, arousal, dominance in -0.95..0.95.
    """

    vectors: NDArray[np.float16]
    labels: NDArray[np.float16]
    affect: NDArray[np.float16]


def tune(sentences: Sequence[Sentence], progress: bool) -> TunedEncoder:
    """Trains on sentences with labels of GoEmotions or ratings of EmoBank: ten minutes of a core for all of them."""
    encoder, (target, mask), (affect, rated) = SentenceEncoder(), targets(sentences), affect_of(sentences)
    numbers = encoder.numbers([s.text for s in sentences])
    columns = [torch.from_numpy(a) for a in (target[:, :LABELLED], mask[:, :LABELLED], affect, rated)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        head = nn.Linear(SIZE, LABELLED + len(AFFECT))
        layers = {name: w.requires_grad_() for name, w in encoder.weights.items() if _moves(name)}
        parameters = [*layers.values(), *head.parameters()]
        decays: list[dict[str, Any]] = [
            {"params": [p for p in parameters if p.ndim > 1]},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(decays, _RATE, weight_decay=_DECAY, fused=True)
        steps = _EPOCHS * (len(sentences) // _BATCH)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, one_cycle(steps))
        for epoch in range(_EPOCHS):
            total = 0.0
            batches = _shuffled([len(n) for n in numbers])
            for rows in shown(batches, f"teacher, epoch {epoch + 1} of {_EPOCHS}", progress):
                with torch.autocast("cpu", torch.bfloat16):
                    means = encoder.means([numbers[i] for i in rows])
                said = head(F.dropout(means, _DROPOUT))
                loss = _loss(said, *(column[rows] for column in columns))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, _CLIP)
                optimizer.step()
                schedule.step()
                total += loss.item()
            log.info("teacher: epoch %d of %d, loss %.4f", epoch + 1, _EPOCHS, total / max(1, len(batches)))
    named = layers | {f"head.{name}": p for name, p in head.named_parameters()}
    return TunedEncoder({name: p.detach().numpy() for name, p in named.items()})


def opinions(tuned: TunedEncoder, texts: Sequence[str], progress: bool) -> Opinions:
    """What a trained encoder says of texts."""
    encoder = SentenceEncoder()
    weights = {name: torch.from_numpy(w) for name, w in tuned.weights.items()}
    weight, bias = weights.pop("head.weight"), weights.pop("head.bias")
    encoder.weights |= weights
    numbers = encoder.numbers(texts)
    vectors, said = np.zeros((len(texts), SIZE), np.float16), np.zeros((len(texts), len(bias)), np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for rows in shown(batches_of(numbers), "teacher", progress):
            means = encoder.means([numbers[i] for i in rows]).float()
            vectors[rows], said[rows] = means.numpy(), torch.addmm(bias, means, weight.T).float().numpy()
    labels = 1 / (1 + np.exp(-said[:, :LABELLED]))
    return Opinions(
        vectors, labels.astype(np.float16), np.tanh(said[:, LABELLED:]).clip(-_MOST, _MOST).astype(np.float16)
    )


def _loss(
    said: torch.Tensor, target: torch.Tensor, known: torch.Tensor, affect: torch.Tensor, rated: torch.Tensor
) -> torch.Tensor:
    each = F.binary_cross_entropy_with_logits(said[:, :LABELLED], target, known, reduction="none").sum(0) / len(said)
    off = (said[:, LABELLED:].tanh() - affect).square().mean(1)
    labels = each[: COLUMNS[0]].sum() + _FINE * each[COLUMNS[0] :].sum()
    return labels + _AFFECT * (off * rated).sum() / rated.sum().clamp_min(1)


def _moves(name: str) -> bool:
    part, _, rest = name.partition("encoder.layer.")
    return not part and int(rest.partition(".")[0]) >= _KEPT_LAYERS


def _shuffled(lengths: Sequence[int]) -> list[list[int]]:
    """Places of sentences in random batches, each of sentences that are about as long."""
    batches = []
    for pool in torch.randperm(len(lengths)).split(_POOL * _BATCH):
        order = sorted(pool.tolist(), key=lambda i: lengths[i])
        batches += [order[at : at + _BATCH] for at in range(0, len(order), _BATCH)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]
