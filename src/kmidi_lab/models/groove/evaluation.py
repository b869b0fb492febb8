"""GroovePredictor beside its baselines: every stroke of every voice, timing in milliseconds at the bar's own tempo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import numpy as np

from kmidi_lab.midi.piece import VOICES
from kmidi_lab.models.groove.baselines import fit_baselines
from kmidi_lab.models.groove.features import (
    TIMING_DELTA,
    UNIT_MS,
    VELOCITY_DELTA,
    EncodedPerformances,
    milliseconds,
    read_outputs,
)
from kmidi_lab.models.groove.grid import STEPS, Performance
from kmidi_lab.models.groove.heard import heard_takes
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.heard import HeardItem
from kmidi_lab.scoring.items import Roll, ScoredItem

Call = Callable[[np.ndarray], np.ndarray]


class GrooveData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> list[Performance]: ...
    def encoded(self, split: str) -> EncodedPerformances: ...


class GrooveEvaluator(Evaluator):
    """Scores a callable over sequences `[S, T, 64] -> [S, T, 32]` on a split, and fits the baselines on `train`.

    A model runs through each performance from a reset on. `.._after_reset` is how it does when it is reset before
    every bar, as one of KmiDi's readers does.

    `timing_mae_ms` takes each take's median error out first: how late a drummer or a recording is as a whole, no pattern
    shows, and training takes it out too. `.._as_recorded` leaves it in, and `.._with_latency` adds the one constant that the
    training takes have: both are for comparison with published figures, `.._with_latency` above all.
    """

    METRICS = {
        "timing_mae_ms": "min",
        "velocity_mae": "min",
        "timing_mae_ms_as_recorded": "min",
        "timing_mae_ms_with_latency": "min",
        "timing_mae_ms_after_reset": "min",
        "velocity_mae_after_reset": "min",
        "timing_correlation": "max",
        "velocity_correlation": "max",
        "loss": "min",
        **{f"{metric}_{voice}": "min" for metric in ("timing_mae_ms", "velocity_mae") for voice in VOICES},
    }
    COUNTS = ("bars", "events")
    primary = "timing_mae_ms"
    also = ("velocity_mae",)
    loss = "loss"
    """Huber's, take by take, see GroovePredictor."""

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: GrooveData, split: str, training: GrooveData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""
        songs, e = data.songs(split), data.encoded(split)
        check_scorable(e.hit.any(), split, "holds no drum strokes")
        outputs = run(call, e)
        alone = call(e.x[:, None])[:, 0]
        train, val = training.encoded("train"), training.encoded("val")
        baselines = {n: predict(e) for n, predict in fit_baselines(train.centred(), val.centred()).items()}
        latency = _latency(train)
        parts = _parts(split, e, songs)
        result = score_alike(lambda p, rows: scores(p, e, rows, latency), outputs, baselines, parts)
        for name, rows in parts.items():
            after_reset = scores(alone, e, rows)
            result.metrics[name] |= {
                "timing_mae_ms_after_reset": after_reset["timing_mae_ms"],
                "velocity_mae_after_reset": after_reset["velocity_mae"],
                "bars": int(rows.sum()),
                "events": int(e.hit[rows].sum()),
            }
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: GrooveData, split: str) -> Iterator[ScoredItem]:
        """Takes; the picture shows how far off each stroke's timing is, the take's median error taken out."""
        e = data.encoded(split)
        outputs = run(call, e)
        for place, song in enumerate(data.songs(split)):
            rows = e.song == place
            if e.hit[rows].any():
                loss = scores(outputs, e, rows)["loss"]
                picture = partial(_stroke_roll, outputs[rows], e, rows)
                yield ScoredItem(song.id, song.source, loss, int(e.hit[rows].sum()), picture)

    def heard(self, call: Call, head: dict[str, np.ndarray], data: GrooveData, split: str) -> Iterator[HeardItem]:
        """Takes, also as their drummers played them."""
        return heard_takes(call, data.songs(split), data.encoded(split))


def _stroke_roll(outputs: np.ndarray, e: EncodedPerformances, rows: np.ndarray) -> Roll:
    bar, step, voice = np.nonzero(e.hit[rows])
    played = e.timing[rows][bar, step, voice]
    late = (read_outputs(outputs.astype(np.float64))[0][bar, step] - played) * milliseconds(e.bpm[rows])[bar]
    start = bar + (step + played / 2) / STEPS
    length = np.full(len(bar), 1 / STEPS)
    return Roll(start, length, voice, np.abs(late - np.median(late)), VOICES, "bars")


def run(call: Call, e: EncodedPerformances) -> np.ndarray:
    """`[N, 32]`: each performance in a row from a reset on."""
    pieces = [
        call(e.x[None, begin:end])[0] for begin, end in zip(e.starts[:-1], e.starts[1:], strict=True) if end > begin
    ]
    return np.concatenate(pieces)


def scores(outputs: np.ndarray, e: EncodedPerformances, rows: np.ndarray, latency: float = 0.0) -> dict[str, float]:
    """Errors and correlations of `outputs` `[N, 32]` on the bars `rows` `[N]` bool, over all strokes and by voice.

    `latency` is that of the training takes in milliseconds. A correlation is left out where one side is constant.
    """
    timing, velocity = read_outputs(outputs[rows].astype(np.float64))
    hit, unit = e.hit[rows], milliseconds(e.bpm[rows])[:, None, None]
    shape = hit.shape
    guessed = (np.broadcast_to((timing[..., None]) * unit, shape), np.broadcast_to(velocity[..., None], shape))
    played = (e.timing[rows] * unit, e.velocity[rows].astype(np.float64))
    take = np.broadcast_to(e.song[rows][:, None, None], shape)
    late = guessed[0] - played[0]
    hard = np.abs(guessed[1] - played[1])
    centred = np.abs(late - _medians(late[hit], take[hit], len(e.starts) - 1)[take])
    out = {
        "timing_mae_ms": float(centred[hit].mean()),
        "velocity_mae": float(hard[hit].mean()),
        "timing_mae_ms_as_recorded": float(np.abs(late[hit]).mean()),
        "timing_mae_ms_with_latency": float(np.abs(late[hit] + latency).mean()),
    }
    feel = np.abs(late + (e.latency[rows] * unit[:, 0, 0])[:, None, None])
    each = _huber(feel[hit] / UNIT_MS, TIMING_DELTA) + _huber(hard[hit], VELOCITY_DELTA)
    strokes = np.bincount(take[hit])
    heard = strokes > 0
    means = np.bincount(take[hit], each)[heard] / strokes[heard]
    out["loss"] = float(np.average(means, weights=np.sqrt(strokes[heard])))
    for kind, guess, truth in zip(("timing", "velocity"), guessed, played, strict=True):
        a, b = guess[hit], truth[hit]
        if a.std() > 1e-6 and b.std() > 1e-6:
            out[f"{kind}_correlation"] = float(np.corrcoef(a, b)[0, 1])
    for index, voice in enumerate(VOICES):
        own = hit[..., index]
        if own.any():
            out[f"timing_mae_ms_{voice}"] = float(centred[..., index][own].mean())
            out[f"velocity_mae_{voice}"] = float(hard[..., index][own].mean())
    return out


def _medians(values: np.ndarray, take: np.ndarray, count: int) -> np.ndarray:
    """`[S]`: the median of `values` `[K]` in each take, 0 without any."""
    order = np.argsort(take, kind="stable")
    takes, begin = np.unique(take[order], return_index=True)
    out = np.zeros(count)
    if len(takes):
        out[takes] = [np.median(group) for group in np.split(values[order], begin[1:])]
    return out


def _latency(e: EncodedPerformances) -> float:
    """The median timing of all strokes, in milliseconds."""
    ms = e.timing * milliseconds(e.bpm)[:, None, None]
    return float(np.median(ms[e.hit])) if e.hit.any() else 0.0


def _huber(error: np.ndarray, delta: float) -> np.ndarray:
    """Of errors from 0 up, divided by `delta`."""
    return np.asarray(np.where(error <= delta, error**2 / (2 * delta), error - delta / 2))


def _parts(split: str, e: EncodedPerformances, songs: Sequence[Performance]) -> dict[str, np.ndarray]:
    """The whole split, then its beats and its fills where strokes are in both."""
    kinds = np.array([p.kind for p in songs])[e.song]
    parts = parts_of(split, kinds)
    return parts if len(set(kinds[e.hit.any((1, 2))])) > 1 else {split: parts[split]}
