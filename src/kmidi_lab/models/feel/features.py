"""What the model is taught of a piece of sound: frames, and what is true of them, from the notes that were rendered.

Everything is known from the notes; brightness and flatness are measured in the clean sound. A stroke is what begins
within `TOGETHER_S` in one of the three voices, as loud as its loudest note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import BANDS, FRAME_S, HOP, RATE, WINDOW
from kmidi_lab.models.feel.contract import FEEL

if TYPE_CHECKING:
    import torch

Array = NDArray[np.float64]
Frames = NDArray[np.floating]
SLOWEST, FASTEST = 50.0, 220.0
BINS = FEEL.output("tempo").size
EVENTS = ("beat", "downbeat", "low", "mid", "high")
"""What happens at a moment: outputs 32 to 36."""
CURVES = ("energy", "density", "brightness")
"""Values that are told for the last `CURVE_S` seconds; the others for the whole."""
WHOLE = (
    "swing", "regularity", "dynamic_range", "flatness", "percussive_share", "voices", "roughness", "register",
    "register_width", "articulation", "low_share", "valence", "arousal", "key_clarity",
)  # fmt: skip
VALUES = (*CURVES, *WHOLE)
SPREADS = {
    "energy": 0.2, "density": 0.2, "brightness": 0.08, "swing": 0.25, "regularity": 0.2, "dynamic_range": 0.27,
    "flatness": 0.19, "percussive_share": 0.45, "voices": 0.27, "roughness": 0.08, "register": 0.04,
    "register_width": 0.14, "articulation": 0.1, "low_share": 0.11, "valence": 0.6, "arousal": 0.6, "key_clarity": 0.44,
}  # fmt: skip
"""Standard deviation of each value over training: the loss takes errors in these. Without them brightness and register,
which hardly vary, are not learnt."""
UNTAUGHT = ("texture_reserved", "dominance", "complexity")
"""Slices that stay zero."""
CURVE_S = 4.0
CALIBRATION = "calibration"
"""Split of the music of validation through a SoundFont that is heard in no other split."""
FULL_SCALE = 32_767
"""What 16 bits hold of a sample of 1."""
TOGETHER_S = 0.03
DELAY_FRAMES = 1
"""An event is marked this many frames after the one whose middle it falls on, so that more of it is heard."""
BESIDE = 0.4
"""Target of the frames beside a marked one."""
_FULL_ENERGY, _FULL_DENSITY = 3.0, 12.0


@dataclass(frozen=True)
class Excerpt:
    """A stretch of rendered music and what is true of it.

    Args:
        id: its name within the source.
        source: of the data module's.
        group: the drummer or the song: what must not cross splits.
        frames: `[T, 128]` float16 of `mel128-v1`.
        beats: `[N]` seconds; empty where nobody marked them.
        downbeats: `[M]` seconds.
        strokes: `[S, 3]`: seconds, voice 0 low, 1 mid, 2 high, and velocity 0..1, in order of time.
        values: those of WHOLE that are known.
        split: where it belongs.
        sound: `[N]` samples at 16 kHz, `FULL_SCALE` times as large; of the test alone, which is heard in other recording
            conditions, too.
    """

    id: str
    source: str
    group: str
    frames: Frames
    beats: Array
    downbeats: Array
    strokes: Array
    values: Mapping[str, float] = field(default_factory=dict)
    split: str = "train"
    sound: NDArray[np.int16] | None = None

    @property
    def tempo(self) -> float | None:
        """Quarter notes a minute: of the median beat; None where fewer than three beats are known."""
        return float(60 / np.median(np.diff(self.beats))) if len(self.beats) > 2 else None


class FeelBatch(NamedTuple):
    """Stretches of T frames from a reset on.

    `x` `[B, T, 128]` of `mel128-v2`; `tempo` `[B]` place 0..31 as a real number, NaN unknown; `events` `[B, T, 5]`, 1
    where one is marked and less beside it, and `marked` `[B, 5]`, whether they are known; `curves` `[B, T, 3]`; `whole`
    `[B, 14]`, NaN unknown. `heard` `[C, H]`: of recordings that are not there themselves, as in feedback, the mean of what
    stands before the last layer of the first part, and `told` `[C]`: the places of their tempos.
    """

    x: torch.Tensor
    tempo: torch.Tensor
    events: torch.Tensor
    marked: torch.Tensor
    curves: torch.Tensor
    whole: torch.Tensor
    heard: torch.Tensor | None = None
    told: torch.Tensor | None = None


class Targets(NamedTuple):
    """The same of one excerpt, as arrays."""

    tempo: float
    events: NDArray[np.float32]
    marked: NDArray[np.float32]
    curves: NDArray[np.float32]
    whole: NDArray[np.float32]


def bin_of(bpm: float) -> float:
    """The place of a tempo among the bins, as a real number."""
    return float(np.log(bpm / SLOWEST) / np.log(FASTEST / SLOWEST) * (BINS - 1))


def bpm_of(place: float) -> float:
    """The tempo of a place among the bins."""
    return float(SLOWEST * (FASTEST / SLOWEST) ** (place / (BINS - 1)))


def targets(excerpt: Excerpt) -> Targets:
    """What the model is taught of every frame of an excerpt; a tempo outside the bins is unknown, and its beats are."""
    count, tempo = len(excerpt.frames), excerpt.tempo
    inside = tempo is not None and SLOWEST <= tempo <= FASTEST
    times = [excerpt.beats, excerpt.downbeats, *(excerpt.strokes[excerpt.strokes[:, 1] == v, 0] for v in range(3))]
    events = np.zeros((count, len(EVENTS)), np.float32)
    for column, seconds in enumerate(times):
        at = frame_at(seconds)
        for beside, share in ((-1, BESIDE), (1, BESIDE), (0, 1.0)):
            there = at + beside
            events[there[(there >= 0) & (there < count)], column] = share
    marked = np.array([inside and len(excerpt.beats) > 0, inside and len(excerpt.downbeats) > 0, 1, 1, 1], np.float32)
    whole = np.array([excerpt.values.get(name, np.nan) for name in WHOLE], np.float32)
    place = bin_of(tempo) if inside and tempo else np.nan
    return Targets(place, events, marked, curves_of(excerpt), whole)


def frame_at(seconds: Array) -> NDArray[np.int64]:
    """The frame that an event is marked at."""
    return np.round((np.asarray(seconds) * RATE - WINDOW / 2) / HOP).astype(np.int64) + DELAY_FRAMES


def seconds_at(frames: NDArray[np.integer] | NDArray[np.floating]) -> Array:
    """The inverse: when an event was that is marked at a frame."""
    return ((np.asarray(frames, np.float64) - DELAY_FRAMES) * HOP + WINDOW / 2) / RATE


def curves_of(excerpt: Excerpt) -> NDArray[np.float32]:
    """`[T, 3]`: energy, density and brightness over the last four seconds, or since the beginning."""
    count = len(excerpt.frames)
    at = np.clip(frame_at(excerpt.strokes[:, 0]), 0, max(0, count - 1))
    window = round(CURVE_S / FRAME_S)
    spans = np.maximum(1.0, np.minimum(np.arange(1, count + 1) * FRAME_S, CURVE_S))
    energy = _sliding(np.bincount(at, excerpt.strokes[:, 2] ** 2, count)[:count].astype(np.float64), window) / spans
    moments = (np.bincount(at, minlength=count)[:count] > 0).astype(np.float64)
    density = _sliding(moments, window) / spans
    power = np.exp(np.asarray(excerpt.frames, np.float64))
    total = _sliding(np.asarray(power.sum(1), np.float64), window)
    centre = _sliding(power @ np.arange(BANDS) / (BANDS - 1), window) / np.maximum(total, 1e-12)
    return np.stack(
        [1 - np.exp(-energy / _FULL_ENERGY), np.clip(density / _FULL_DENSITY, 0, 1), np.clip(centre, 0, 1)], 1
    ).astype(np.float32)


def _sliding(values: Array, window: int) -> Array:
    """Sums over the last `window` values."""
    total = np.concatenate([np.zeros(1), np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    return np.asarray(total[ends] - total[np.maximum(0, ends - window)])
