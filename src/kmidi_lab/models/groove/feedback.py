"""How GroovePredictor learns from feedback: bars whose timing and velocities a user took, or gave instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from kmidi_lab.inference.published import Published
from kmidi_lab.midi.piece import VOICES
from kmidi_lab.models.groove.contract import GROOVE
from kmidi_lab.models.groove.evaluation import GrooveData, run
from kmidi_lab.models.groove.features import (
    FASTEST,
    SLOWEST,
    TIMING_DELTA,
    VELOCITY_DELTA,
    GrooveBatch,
    milliseconds,
    read_outputs,
)
from kmidi_lab.models.groove.grid import STEPS
from kmidi_lab.models.groove.module import errors, huber_loss
from kmidi_lab.nn.module import LabModule
from kmidi_lab.retraining.lessons import Array, Judgement, LeftOutError, among
from kmidi_lab.retraining.training import FeedbackTraining, Head

_RANDOM = 20
"""Answers that are drawn for what one who does not listen would play."""
_IN = {s.name: s.index for s in GROOVE.inputs}
_STRUCK = np.r_[_IN["onsets"], _IN["tempo"]]


class GrooveFeedback(FeedbackTraining):
    """Targets `[E, 32]` are outputs: timing in -1..1 and velocity in 0..1 of sixteen steps; those with a stroke count.

    Each bar is by itself, as after a reset. A rejection does not say what would be better, so nothing is learnt from
    it.
    """

    REJECTIONS = False
    NATS = 10.0
    RATE = 5e-4
    ITEMS = "bars"

    def judging(self, x: Array, published: Published, data: Any) -> NDArray[np.bool_]:
        """Bars of the same strokes at the same tempo, in whatever style and mood."""
        judges = np.concatenate([cast("GrooveData", data).encoded(part).x for part in ("val", "test")])
        return among(x[:, _STRUCK], judges[:, _STRUCK])

    def adapted(self, module: LabModule) -> Mapping[str, int]:
        return {"network.5": 1}

    def answer(self, judged: Judgement, head: Head) -> Array:
        if not (judged.x[_IN["onsets"]] > 0).any():
            raise LeftOutError("of a bar without strokes")
        numbers = judged.output if judged.output is not None else judged.changed_to
        if not isinstance(numbers, Sequence | np.ndarray) or len(numbers) != GROOVE.output_size:
            raise LeftOutError(f"changed to other than {GROOVE.output_size} numbers")
        answer = np.asarray(numbers, float)
        timing, velocity = read_outputs(answer)
        if np.abs(timing).max() > 1 or velocity.min() < 0 or velocity.max() > 1:
            raise LeftOutError("changed to a timing beyond ±1 or a velocity beyond 0 to 1")
        return answer

    def targets(self, answers: Array, liked: NDArray[np.bool_], outputs: Array, head: Head) -> Array:
        return answers

    def losses(self, outputs: Array, head: Head, x: Array, targets: Array) -> Array:
        batch = self.batch(x, targets, None, np.random.default_rng(0))
        timing, velocity = errors(torch.from_numpy(np.asarray(outputs, np.float32))[:, None], batch)
        each = sum(
            F.huber_loss(e, torch.zeros_like(e), reduction="none", delta=delta) / delta
            for e, delta in ((timing, TIMING_DELTA), (velocity, VELOCITY_DELTA))
        )
        strokes = batch.hit.flatten(1).sum(1)
        return np.asarray(((each * batch.hit).flatten(1).sum(1) / strokes).numpy(), float)

    def by_chance(self, outputs: Array, head: Head, x: Array, targets: Array, rng: np.random.Generator) -> Array:
        """That of any timing and velocity: the mean over such answers, which makes densities of both comparable."""
        drawn = []
        for _ in range(_RANDOM):
            timing, velocity = (rng.uniform(low, 1, (len(x), STEPS)) for low in (-1, 0))
            answers = np.concatenate([timing, velocity], axis=1)
            drawn.append(np.exp(-self.NATS * self.losses(outputs, head, x, answers)))
        return np.asarray(np.mean(drawn, axis=0))

    def batch(self, x: Array, targets: Array, like: Any | None, rng: np.random.Generator) -> GrooveBatch:
        """Sequences of one bar, with bars of nothing behind them up to the length of those of `like`.

        The loss weighs a sequence by the root of its strokes; so that a bar of feedback weighs as much as a window of a
        take, its strokes count as many times.
        """
        hit = (x[:, _IN["onsets"]] > 0).reshape(-1, 1, STEPS, len(VOICES)).astype(np.float32)
        timing, velocity = (np.repeat(part[:, None, :, None], len(VOICES), 3) for part in read_outputs(targets))
        bpm = np.clip(120 + 60 * x[:, _IN["tempo"]], SLOWEST, FASTEST)
        columns = [torch.from_numpy(a.astype(np.float32)) for a in (x[:, None], timing, velocity, hit, 120 / bpm)]
        batch = GrooveBatch(*columns)
        if like is None:
            return batch
        strokes = batch.hit.flatten(1).sum(1)
        heavier = float(like.hit.flatten(1).sum(1).mean()) / strokes[:, None, None, None].clamp(min=1)
        batch = batch._replace(hit=batch.hit * heavier)
        rest = like.x.shape[1] - 1
        return GrooveBatch(*(torch.cat([c, c.new_zeros(len(c), rest, *c.shape[2:])], 1) for c in batch))

    def loss(self, module: LabModule, batch: Any) -> torch.Tensor:
        return huber_loss(*errors(module.network(batch.x), batch), batch.hit)

    def test_losses(self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any) -> tuple[Array, Array]:
        """Mean error of timing in milliseconds, each take's median taken out, as the primary metric has it, by take."""
        e = cast("GrooveData", data).encoded("test")
        timing, _ = read_outputs(run(call, e).astype(np.float64))
        late = (timing[..., None] - e.timing) * milliseconds(e.bpm)[:, None, None]
        losses, weights = np.zeros(len(e.starts) - 1), np.zeros(len(e.starts) - 1)
        for take, (begin, end) in enumerate(zip(e.starts[:-1], e.starts[1:], strict=True)):
            own = late[begin:end][e.hit[begin:end]]
            if len(own):
                losses[take], weights[take] = float(np.abs(own - np.median(own)).mean()), len(own)
        return losses, weights

    def module_settings(self, architecture: str) -> dict[str, Any]:
        _, inner, hidden, *_ = (int(size) for size in re.findall(r"\d+", architecture))
        return {"inner": inner, "hidden": hidden}
