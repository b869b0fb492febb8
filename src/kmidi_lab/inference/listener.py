"""Frames one after the other to a reading of each stretch: the mean of the model's outputs where something sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel_scale import FRAME_S, HOP, RATE, WINDOW

_PAUSE = round(0.5 / FRAME_S)
"""Half a second, in frames."""
Frames = NDArray[np.float32]


@dataclass
class Reading:
    """What a model says of a stretch of sound: numbers to draw, and for each question its answer and how sure it is."""

    values: dict[str, float]
    answers: dict[str, tuple[str, float]] = field(default_factory=dict)


Read = Callable[[Frames], Reading]
"""Reads the mean output `[M]` of a stretch."""


class Listener:
    """Readings of the frames that are pushed; a stretch without a frame that counts has none.

    Args:
        step: takes a frame `[128]` and gives the output `[M]` that is averaged.
        read: reads the mean.
        every: seconds between two readings.
        counts: whether the output of a frame enters the means; all frames go through `step`.
        onset: called before a frame that counts at the beginning or behind half a second without one.
    """

    def __init__(
        self,
        step: Callable[[Frames], Frames],
        read: Read,
        every: float,
        counts: Callable[[Frames], bool] = lambda frame: True,
        onset: Callable[[], None] = lambda: None,
    ) -> None:
        self._step, self._read, self._counts, self._onset = step, read, counts, onset
        self._a_reading = max(1, round(every / FRAME_S))
        self.readings: list[tuple[float, Reading]] = []
        self._total, self._part = np.zeros(1), np.zeros(1)
        self._frames, self._since, self._all_counted, self._counted = 0, 0, 0, 0
        self._silent = _PAUSE

    def push(self, frame: Frames) -> tuple[float, Reading] | None:
        """Takes the next frame; (seconds from the start, reading) where a stretch ends with it and something sounded."""
        heard = self._counts(frame)
        if heard and self._silent >= _PAUSE:
            self._onset()
        self._silent = 0 if heard else self._silent + 1
        output = np.asarray(self._step(frame), np.float64)
        if heard:
            self._total, self._part = self._total + output, self._part + output
            self._all_counted, self._counted = self._all_counted + 1, self._counted + 1
        self._frames, self._since = self._frames + 1, self._since + 1
        return self.stretch() if self._since == self._a_reading else None

    def stretch(self) -> tuple[float, Reading] | None:
        """The reading of what came since the last one, kept in `readings`; None where nothing sounded."""
        # Forgotten first: Ctrl-C while it is printed must not read the stretch again.
        part, counted, self._part, self._since, self._counted = self._part, self._counted, np.zeros(1), 0, 0
        if not counted:
            return None
        self.readings.append((self._seconds(), self._read((part / counted).astype(np.float32))))
        return self.readings[-1]

    def whole(self) -> tuple[float, Reading] | None:
        """One reading of all that counted; None where nothing did."""
        if not self._all_counted:
            return None
        return self._seconds(), self._read((self._total / self._all_counted).astype(np.float32))

    def _seconds(self) -> float:
        return ((self._frames - 1) * HOP + WINDOW) / RATE


def likeliest(logits: Frames, names: list[str]) -> tuple[str, float]:
    """The name of the largest of logits `[K]` and its softmax."""
    p = np.exp(logits - logits.max())
    return names[int(logits.argmax())], float(p.max() / p.sum())
