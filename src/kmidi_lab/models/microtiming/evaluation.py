"""MicrotimingModel beside its baselines: every note, offsets in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import numpy as np

from kmidi_lab.models.microtiming.baselines import Prediction, fit_baselines
from kmidi_lab.models.microtiming.features import UNIT_MS, EncodedTakes
from kmidi_lab.models.microtiming.heard import heard_takes
from kmidi_lab.models.microtiming.notes import WrittenNotes
from kmidi_lab.models.microtiming.offset_queries import is_pitched
from kmidi_lab.models.microtiming.quantiles import drawn, pinball, read_quantiles, read_velocity
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.heard import HeardItem
from kmidi_lab.scoring.items import Roll, ScoredItem, pitch_roll

Call = Callable[[np.ndarray], np.ndarray]


class MicrotimingData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> list[Any]: ...
    def encoded(self, split: str) -> EncodedTakes: ...


class MicrotimingEvaluator(Evaluator):
    """Scores a callable over sequences `[S, T, 64] -> [S, T, 16]` on a split, and fits the baselines on `train`.

    A model runs through each take from a reset on. `offset_mae_ms` is that of the median where nothing is known of the
    player; `.._demedianed` takes each take's median error out; `.._lead` tells model and baselines the take's median offset;
    `.._heard` tells the model the last four offsets as played, as one who plays along may know them. `pinball_ms` is the
    mean over five quantiles. `coverage_80` is the share of notes between the outer quantiles, `coverage_50` between the inner
    ones. `spread_ratio` is the standard deviation within takes of offsets drawn from the quantiles over that of the players.
    """

    METRICS = {
        "offset_mae_ms": "min",
        "offset_mae_ms_demedianed": "min",
        "offset_mae_ms_lead": "min",
        "offset_mae_ms_heard": "min",
        "pinball_ms": "min",
        "pinball_ms_lead": "min",
        "coverage_error_80": "min",
        "coverage_error_50": "min",
        "spread_error": "min",
        "velocity_mae": "min",
        "loss": "min",
    }
    COUNTS = ("events", "coverage_80", "coverage_50", "spread_ratio")
    primary = "offset_mae_ms"
    also = ("pinball_ms", "offset_mae_ms_lead")
    loss = "loss"
    """The pinball loss in units of 62.5 ms, with nothing known of the player."""

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: MicrotimingData, split: str, training: MicrotimingData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        e = data.encoded(split)
        check_scorable(e.known.any(), split, "holds no played notes")
        train, val = training.encoded("train"), training.encoded("val")
        blind, told = (fit_baselines(train, val, told) for told in (False, True))
        rivals = {name: (blind[name](e), told[name](e)) for name in blind}
        own = asked(call, e, e.x), asked(call, e, e.with_lead())
        parts = parts_of(split, np.where(is_pitched(e), "piano", "drums"))
        parts = {name: rows & e.known for name, rows in parts.items()}
        parts = {name: rows for name, rows in parts.items() if rows.any()}
        result = score_alike(lambda p, rows: scores(*p, e, rows), own, rivals, parts)
        heard = asked(call, e, e.with_history())
        for name, rows in parts.items():
            late = heard.quantiles[rows, 2] - e.offset[rows]
            result.metrics[name] |= {"offset_mae_ms_heard": float(np.abs(late).mean()), "events": int(rows.sum())}
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: MicrotimingData, split: str) -> Iterator[ScoredItem]:
        """Takes, nothing known of the player; the picture shows how far off each note's median is."""
        e = data.encoded(split)
        quantiles = asked(call, e, e.x).quantiles
        for song, a, b in zip(data.songs(split), e.starts[:-1], e.starts[1:], strict=True):
            known = e.known[a:b]
            if known.any():
                truth = e.offset[a:b]
                loss = float(pinball(quantiles[a:b][known], truth[known]).mean()) / UNIT_MS
                picture = partial(_offset_roll, song.take.notes, np.abs(quantiles[a:b, 2] - truth))
                yield ScoredItem(song.take.id, song.take.source, loss, int(known.sum()), picture)

    def heard(self, call: Call, head: dict[str, np.ndarray], data: MicrotimingData, split: str) -> Iterator[HeardItem]:
        """Takes, also as they were played; only their timing differs."""
        return heard_takes(call, data.songs(split), data.encoded(split))


def _offset_roll(notes: WrittenNotes, error: np.ndarray) -> Roll:
    length = np.where(notes.duration > 0, notes.duration, 0.25)
    return pitch_roll(notes.pitch, notes.onset, length, error, "quarter notes")


def asked(call: Call, e: EncodedTakes, x: np.ndarray) -> Prediction:
    """What a model says of the notes `x` `[E, 64]`, each take in a row from a reset on."""
    takes = [call(x[None, a:b])[0] for a, b in zip(e.starts[:-1], e.starts[1:], strict=True) if b > a]
    outputs = np.concatenate(takes).astype(np.float64)
    return Prediction(read_quantiles(outputs) * e.unit[:, None], read_velocity(outputs)[0])


def scores(blind: Prediction, told: Prediction, e: EncodedTakes, rows: np.ndarray) -> dict[str, float]:
    """All metrics on the notes `rows` `[E]` bool, which were all played.

    Args:
        blind: predictions with nothing known of the player.
        told: those with the lead given.
        e: the notes.
        rows: which of them count.
    """
    q, truth, take = blind.quantiles[rows], e.offset[rows], e.song[rows]
    late = q[:, 2] - truth
    cost = pinball(q, truth)
    inside = [float(((truth >= q[:, a]) & (truth <= q[:, b])).mean()) for a, b in ((0, 4), (1, 3))]
    ratio = _within(_drawn(q, take, is_pitched(e)[rows]), take) / max(_within(truth, take), 1e-9)
    velocity = e.velocity[rows]
    hard = np.abs(blind.velocity[rows] - velocity)[np.isfinite(velocity)]
    return {
        "offset_mae_ms": float(np.abs(late).mean()),
        "offset_mae_ms_demedianed": float(np.abs(late - _medians(late, take)).mean()),
        "offset_mae_ms_lead": float(np.abs(told.quantiles[rows, 2] - truth).mean()),
        "pinball_ms": float(cost.mean()),
        "pinball_ms_lead": float(pinball(told.quantiles[rows], truth).mean()),
        "coverage_80": inside[0],
        "coverage_50": inside[1],
        "coverage_error_80": abs(inside[0] - 0.8),
        "coverage_error_50": abs(inside[1] - 0.5),
        "spread_ratio": ratio,
        "spread_error": abs(ratio - 1),
        "velocity_mae": float(hard.mean()) if len(hard) else 0.0,
        "loss": float(cost.mean()) / UNIT_MS,
    }


def _drawn(quantiles: np.ndarray, take: np.ndarray, pitched: np.ndarray) -> np.ndarray:
    """An offset for each note, drawn independently: what goes together in `predict` has the same spread."""
    return drawn(quantiles, np.arange(len(take)), np.random.default_rng(0), together=0.0, pitched=pitched)


def _within(values: np.ndarray, take: np.ndarray) -> float:
    """Standard deviation around each take's mean."""
    count = np.maximum(np.bincount(take), 1)
    return float(np.std(values - (np.bincount(take, values) / count)[take]))


def _medians(values: np.ndarray, take: np.ndarray) -> np.ndarray:
    """`[K]`: the median of `values` `[K]` in each one's take."""
    order = np.argsort(take, kind="stable")
    names, begin = np.unique(take[order], return_index=True)
    out = np.zeros(int(take.max(initial=0)) + 1)
    out[names] = [np.median(group) for group in np.split(values[order], begin[1:])]
    return np.asarray(out[take])
