"""Whether a sound is speech, music or neither (noise, hum, room tone, clicks).

Multinomial logistic regression on simple statistics of its `mel128-v1` frames, four seconds at a time. Single notes and singing are music. The statistics are of the frames' shape, so the level of a recording drops out.
`sound_kind.json` beside this file holds the weights, what they were fitted on and how well they do:
`python -m datamodules.sound_kind` writes it. docs/audio.md has the steps for a C++ caller.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.level import level_of
from kmidi_lab.audio.mel import BANDS, FLOOR, FRAME_S, HOP, RATE, WINDOW

KINDS = ("speech", "music", "neither")
PATH = Path(__file__).with_name("sound_kind.json")
WINDOW_S, LEAST_S = 4.0, 1.0
"""Seconds that are judged at once, and that a sound must have, pauses in it included, to be judged."""
GATE, DEPTH, SWING = 5.0, 9.0, 7.0
"""Nats below the loudest frame: frames that sound, the softest band and the softest level that count."""
STATISTICS, SPREAD = 115, 4.0
"""How many there are, and how many standard deviations they reach at most."""
_GROUP, _AROUND, _QUARTERS, _LAGS, _STEPS, _STEP = 4, 9, 4, (2, 8, 24), (1, 4, 16), 0.1
_SILENT = float(np.log(FLOOR)) + 0.5
_WINDOW = round(WINDOW_S / FRAME_S)
Frames = NDArray[np.floating]
Values = NDArray[np.float64]


def statistics(frames: Frames) -> Values:
    """`[115]` of the frames `[T, 128]` of `mel128-v1` of up to four seconds; NaN where they are too few to tell."""
    frames = np.asarray(frames, np.float64)
    level = level_of(frames)
    top = float(level.max())
    sounds = level > top - GATE
    shape = (np.maximum(frames, top - DEPTH) - level[:, None])[sounds]
    coarse = shape.reshape(len(shape), -1, _GROUP).mean(2)
    moved = np.abs(np.diff(coarse, axis=0)).mean(0) if len(coarse) > 1 else np.zeros(BANDS // _GROUP)
    fine = _fine(shape)
    ripple = fine.reshape(len(fine), _QUARTERS, -1).std(2).mean(0)
    alike = [_alike(half, lag) for lag in _LAGS for half in np.split(fine, 2, axis=1)]
    return np.concatenate([coarse.mean(0), coarse.std(0), moved, ripple, alike, _dynamics(level, top, sounds)])


def _fine(shape: Values) -> Values:
    """Bands less the mean of nine around each, the edge bands repeated."""
    half = _AROUND // 2
    sums = np.cumsum(np.pad(shape, ((0, 0), (half + 1, half)), mode="edge"), axis=1)
    return shape - (sums[:, _AROUND:] - sums[:, :-_AROUND]) / _AROUND


def _alike(fine: Values, lag: int) -> float:
    """How much the partials of frames `[T, F]` stay where they are for `lag` frames, -1..1."""
    if len(fine) <= lag:
        return float("nan")
    now, then = fine[:-lag], fine[lag:]
    return float(((now * then).sum(1) / (np.sqrt((now**2).sum(1) * (then**2).sum(1)) + 1e-3)).mean())


def _dynamics(level: Values, top: float, sounds: NDArray[np.bool_]) -> list[float]:
    """How the level moves: over 1, 4 and 16 frames, its spread, the share that sounds, its rises and falls."""
    level = np.maximum(level, top - SWING)
    moves = [
        float(np.abs(level[step:] - level[:-step]).mean()) if len(level) > step else float("nan") for step in _STEPS
    ]
    change = np.diff(level) if len(level) > 1 else np.zeros(1)
    up, down = (float(np.sqrt(np.mean(np.maximum(way, 0) ** 2))) for way in (change, -change))
    shares = [float((change > _STEP).mean()), float((change < -_STEP).mean())]
    return [*moves, float(level.std()), float(sounds.mean()), up, down, *shares]


@dataclass(frozen=True)
class KindHead:
    """The regression: `mean`, `std` `[115]`, `weight` `[3, 230]` and `bias` `[3]`; `limits` of speech and music, in 0..1."""

    mean: Values
    std: Values
    weight: Values
    bias: Values
    limits: dict[str, float]

    def inputs(self, values: Values) -> Values:
        """`[..., 230]`: statistics `[..., 115]` in standard deviations, and how far each is from the mean."""
        scaled = np.nan_to_num(np.clip((values - self.mean) / self.std, -SPREAD, SPREAD))
        return np.concatenate([scaled, np.abs(scaled)], -1)

    def chances(self, values: Values) -> Values:
        """`[..., 3]` probabilities of KINDS for statistics `[..., 115]`."""
        logits = self.inputs(values) @ self.weight.T + self.bias
        chances: Values = np.exp(logits - logits.max(-1, keepdims=True))
        return chances / chances.sum(-1, keepdims=True)


def head_of(plain: dict[str, Any]) -> KindHead:
    """Of the file's content."""
    mean, std, weight, bias = (np.array(plain[name], np.float64) for name in ("mean", "std", "weight", "bias"))
    return KindHead(mean, std, weight, bias, plain["limits"])


@lru_cache(1)
def packaged() -> dict[str, Any]:
    """The content of `sound_kind.json`."""
    return dict(json.loads(PATH.read_text(encoding="utf-8")))


@lru_cache(1)
def head() -> KindHead:
    """The packaged one."""
    return head_of(packaged())


class _Part(NamedTuple):
    """Up to four seconds.

    `top` is the loudest level; `sounding` counts frames that sound, `extent` those from the first to the last of these;
    `chances` are the probabilities `[3]`.
    """

    top: float
    sounding: int
    extent: int
    chances: Values


class KindListener:
    """Judges a whole sound, frame by frame: the mean over its parts of four seconds, by how much of each sounds.

    A part whose loudest frame lies 5 nats below the sound's is the background of another and has no say.
    """

    def __init__(self, judge: KindHead | None = None) -> None:
        self._judge, self._parts, self._frames = judge or head(), list[_Part](), list[Frames]()

    def push(self, frame: Frames) -> None:
        """Takes the next frame `[128]` of `mel128-v1`."""
        self._frames.append(np.asarray(frame, np.float32))
        if len(self._frames) == _WINDOW:
            self._parts += self._part()
            self._frames = []

    def chances(self) -> dict[str, float] | None:
        """The probability of each of KINDS; None of silence, and of less than a second."""
        parts = [*self._parts, *self._part()]
        top = max((part.top for part in parts), default=0.0)
        loud = [part for part in parts if part.top > top - GATE]
        if not loud or ((sum(part.extent for part in loud) - 1) * HOP + WINDOW) / RATE < LEAST_S:
            return None
        counts = np.array([part.sounding for part in loud])
        mean = counts @ np.array([part.chances for part in loud]) / counts.sum()
        return dict(zip(KINDS, map(float, mean), strict=True))

    def _part(self) -> list[_Part]:
        """What came since the last part; nothing of silence."""
        if not self._frames:
            return []
        frames = np.stack(self._frames)
        level = level_of(frames)
        top = float(level.max())
        if top <= _SILENT:
            return []
        sounds = np.flatnonzero(level > top - GATE)
        return [_Part(top, len(sounds), int(np.ptp(sounds)) + 1, self._judge.chances(statistics(frames)))]


def not_taken(chances: dict[str, float], takes: str) -> str:
    """Why a model that takes speech or music should not be asked about a sound; empty where nothing says so."""
    likeliest = max(chances, key=lambda kind: chances[kind])
    if likeliest == takes or chances[takes] >= head().limits[takes]:
        return ""
    if likeliest == "neither":
        return f"sounds like neither speech nor music ({chances['neither']:.2f}), this model takes {takes}"
    return f"sounds like {likeliest} ({chances[likeliest]:.2f}), this model takes {takes}"
