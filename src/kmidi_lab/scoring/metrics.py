"""Pure functions over class probabilities `[E, K]` and targets `[E]`, numpy float64. Of no events they are NaN."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.scoring.evaluation import Direction

_TINY = 1e-12


def log_likelihoods(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Natural log of the probability given to each target, `[E]`; floored at log(1e-12)."""
    return np.log(np.maximum(probabilities[np.arange(len(targets)), targets], _TINY))


def top_k(probabilities: np.ndarray, targets: np.ndarray, k: int) -> float:
    """Share of events whose target is among the k most probable; ties and NaN count against the predictor."""
    own = probabilities[np.arange(len(targets)), targets][:, None]
    better = (~(probabilities < own)).sum(1) - 1
    return float(((better < k) & ~np.isnan(own[:, 0])).mean()) if len(targets) else nan


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray, bins: int = 15) -> float:
    """ECE of the most probable class over equal-width bins (Guo et al., ICML 2017); NaN where anything is."""
    if not len(targets) or np.isnan(probabilities).any():
        return nan
    filled = reliability(probabilities, targets, bins)
    rows = zip(filled["confidence"], filled["accuracy"], filled["share"], strict=True)
    return float(sum(abs(accuracy - confidence) * share for confidence, accuracy, share in rows))


def reliability(probabilities: np.ndarray, targets: np.ndarray, bins: int = 15) -> dict[str, list[float]]:
    """Mean confidence, accuracy and share of the events for each non-empty bin."""
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == targets
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    used = [place == b for b in range(bins) if (place == b).any()]
    return {
        "confidence": [float(confidence[at].mean()) for at in used],
        "accuracy": [float(correct[at].mean()) for at in used],
        "share": [float(at.mean()) for at in used],
    }


CLASSIFICATION: Mapping[str, Direction] = {
    "nll": "min",
    "perplexity": "min",
    "top1": "max",
    "top3": "max",
    "ece": "min",
}
"""What `classification` reports."""


def classification(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Nll (nats), perplexity, top1, top3, ece."""
    nll = float(-log_likelihoods(probabilities, targets).mean()) if len(targets) else nan
    return {
        "nll": nll,
        "perplexity": float(np.exp(nll)),
        "top1": top_k(probabilities, targets, 1),
        "top3": top_k(probabilities, targets, 3),
        "ece": expected_calibration_error(probabilities, targets),
    }


def confusion(predicted: np.ndarray, targets: np.ndarray, classes: int) -> list[list[int]]:
    """Counts, rows true, columns predicted."""
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (targets, predicted), 1)
    return [[int(n) for n in row] for row in table]


def paired_bootstrap(
    differences: np.ndarray, groups: np.ndarray, seed: int = 0, rounds: int = 2000
) -> tuple[float, float]:
    """95 % interval of the mean difference, resampling whole groups (songs), since events within one depend."""
    if not len(groups):
        return nan, nan
    low, high = np.percentile(bootstrap_means(differences, groups, np.ones(len(groups)), seed, rounds), [2.5, 97.5])
    return float(low), float(high)


def bootstrap_means(
    values: np.ndarray, groups: np.ndarray, weights: np.ndarray, seed: int, rounds: int
) -> NDArray[np.float64]:
    """Weighted means of `[E]` values over draws of whole groups `[E]` with replacement; a draw without weight is left out."""
    _, place = np.unique(groups, return_inverse=True)
    sums, totals = np.bincount(place, values * weights), np.bincount(place, weights)
    picks = np.random.default_rng(seed).integers(len(sums), size=(rounds, len(sums)))
    drawn = totals[picks].sum(1)
    return np.asarray(sums[picks].sum(1)[drawn > 0] / drawn[drawn > 0])


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def so_far(
    outputs: NDArray[np.floating], seconds: float, speech: NDArray[np.bool_] | None = None
) -> NDArray[np.floating]:
    """Mean of the outputs `[T, M]` that are there after `seconds`; of those of speech after its onset where that is told."""
    from kmidi_lab.audio.mel import FRAME_S, HOP, WINDOW  # imports a resampler, which models of chords have no use for

    if speech is None:
        speech = np.ones(len(outputs), bool)
    window_s = WINDOW / HOP * FRAME_S
    until = int(speech.argmax()) + max(1, int((seconds - window_s) / FRAME_S) + 1)
    return outputs[:until][speech[:until]].mean(0)
