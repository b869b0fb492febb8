"""DynamicsEngine beside its baselines: the same notes, the same metrics, the same two protocols.

Run freely, the previous velocities are the model's own outputs, from zeros on, as in a plugin that plays a score. That
is what the primary metric is taken from. Teacher-forced (`forced_…`), they are those of the pianist: how well the
next note is guessed from what was just played. Each metric is a mean over a performance, then over the performances
of a piece, then over the pieces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np

from kmidi_lab.models.dynamics.baselines import fit_baselines
from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.models.dynamics.features import WRITTEN, Call, EncodedPiece, free_run
from kmidi_lab.models.dynamics.heard import heard_pieces
from kmidi_lab.models.dynamics.module import loss_over_pieces
from kmidi_lab.models.dynamics.targets import FULL_SCALE_SECONDS, Performance
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, score_alike
from kmidi_lab.scoring.heard import HeardItem
from kmidi_lab.scoring.items import Roll, ScoredItem, pitch_roll

_STEPS = 127.0
_MILLISECONDS = 1000 * FULL_SCALE_SECONDS
_FEWEST = 8


class DynamicsData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> list[Performance]: ...
    def encoded(self, split: str) -> list[EncodedPiece]: ...


class DynamicsEvaluator(Evaluator):
    """Scores a callable `[E, 32] -> [E, 16]` on a split, and fits the baselines on `train`, tuned on `val`."""

    METRICS = {
        "velocity_r": "max",
        "velocity_mae": "min",
        "timing_mae_ms": "min",
        "articulation_mae": "min",
        "pedal_accuracy": "max",
        "curve_mae": "min",
        "attack_mae": "min",
        "range_mae": "min",
        "compression_mae": "min",
        "unwritten_velocity_r": "max",
        "unwritten_velocity_mae": "min",
        "forced_velocity_r": "max",
        "forced_velocity_mae": "min",
        "loss": "min",
    }
    COUNTS = ("pieces", "events")
    primary = "velocity_r"
    also = ("velocity_mae", "timing_mae_ms", "articulation_mae", "pedal_accuracy")
    loss = "loss"

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: DynamicsData, split: str, training: DynamicsData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines come from the train and val splits of `training`."""
        pieces = data.encoded(split)
        check_scorable(pieces, split, "holds no performances")
        baselines = fit_baselines(training.encoded("train"), training.encoded("val"), free_loss)
        result = score_alike(scores, call, baselines, {split: pieces})
        events = int(sum(p.mask[:, 0].sum() for p in pieces))
        result.metrics[split] |= {"pieces": len({p.piece for p in pieces}), "events": events}
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: DynamicsData, split: str) -> Iterator[ScoredItem]:
        """Performances, run freely; the picture shows the error of each note's velocity."""
        velocity = DYNAMICS.output("velocity").index.start
        pieces = data.encoded(split)
        outputs = free_run(call, [piece.x for piece in pieces])
        for performance, piece, out in zip(data.songs(split), pieces, outputs, strict=True):
            there = piece.mask[:, velocity] > 0
            error = np.where(there, np.abs(out[:, velocity] - piece.y[:, velocity]), np.nan)
            yield ScoredItem(
                performance.id, piece.source, loss_over_pieces([out], [piece]), int(there.sum()),
                partial(_velocity_roll, performance, error),
            )  # fmt: skip

    def heard(self, call: Call, head: dict[str, np.ndarray], data: DynamicsData, split: str) -> Iterator[HeardItem]:
        """Performances, also as their pianists played them."""
        return heard_pieces(call, data.songs(split), data.encoded(split))


def _velocity_roll(performance: Performance, error: np.ndarray) -> Roll:
    score = performance.score
    return pitch_roll(score.pitch, score.onset, score.duration, error, "quarter notes")


def free_loss(call: Call, pieces: Sequence[EncodedPiece]) -> float:
    """The training loss of free running."""
    return loss_over_pieces(_run_freely(call, [p.x for p in pieces]), pieces)


def _run_freely(call: Call, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
    """`free_run`; in one call for each piece where it makes no difference."""
    return free_run(call, pieces) if getattr(call, "hears_history", True) else [call(x) for x in pieces]


def scores(call: Call, pieces: Sequence[EncodedPiece]) -> dict[str, float]:
    """Every metric of one model over whole performances; those without any evidence are left out.

    `unwritten_…` are those of free running where no dynamic is known; they are left out where the score writes none.
    """
    free = _run_freely(call, [p.x for p in pieces])
    forced = [call(p.x) for p in pieces]
    by_metric = {name: _over_pieces(metric, free, pieces) for name, metric in _METRICS.items()}
    if any(p.written for p in pieces):
        blind = _run_freely(call, [_unwritten(p.x) for p in pieces])
        for name in ("velocity_r", "velocity_mae"):
            by_metric[f"unwritten_{name}"] = _over_pieces(_METRICS[name], blind, pieces)
    for name in ("velocity_r", "velocity_mae"):
        by_metric[f"forced_{name}"] = _over_pieces(_METRICS[name], forced, pieces)
    return {name: value for name, value in by_metric.items() if value is not None} | {
        "loss": loss_over_pieces(free, pieces)
    }


def _unwritten(x: np.ndarray) -> np.ndarray:
    out = x.copy()
    out[:, WRITTEN] = 0
    return out


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r; 0 where one of them never changes."""
    if a.std() < 1e-6 or b.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


Metric = Callable[[np.ndarray, EncodedPiece], float | None]


def _over_pieces(metric: Metric, outputs: Sequence[np.ndarray], pieces: Sequence[EncodedPiece]) -> float | None:
    """The mean over pieces of the mean over their performances; None where nothing is known of any."""
    by_piece: dict[str, list[float]] = defaultdict(list)
    for out, piece in zip(outputs, pieces, strict=True):
        value = metric(out, piece)
        if value is not None:
            by_piece[piece.piece].append(value)
    return float(np.mean([np.mean(v) for v in by_piece.values()])) if by_piece else None


def _metric(name: str, measure: Callable[[np.ndarray, np.ndarray], float], scale: float = 1.0) -> Metric:
    """A measure over the known values of one slice; None for a performance that knows too few."""
    index = DYNAMICS.output(name).index

    def measured(out: np.ndarray, piece: EncodedPiece) -> float | None:
        mask = piece.mask[:, index] > 0
        if mask.sum() < _FEWEST:
            return None
        return scale * measure(out[:, index][mask].astype(np.float64), piece.y[:, index][mask].astype(np.float64))

    return measured


def _mae(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).mean())


def _agreement(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a > 0.5) == (b > 0.5)).mean())


_METRICS: Mapping[str, Metric] = {
    "velocity_r": _metric("velocity", correlation),
    "velocity_mae": _metric("velocity", _mae, _STEPS),
    "timing_mae_ms": _metric("timing", _mae, _MILLISECONDS),
    "articulation_mae": _metric("release", _mae),
    "pedal_accuracy": _metric("pedal", _agreement),
    "curve_mae": _metric("velocity_curve", _mae, _STEPS),
    "attack_mae": _metric("attack", _mae),
    "range_mae": _metric("dynamic_range", _mae),
    "compression_mae": _metric("compression", _mae),
}
