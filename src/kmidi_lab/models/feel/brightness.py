"""Brightness as it is defined, measured in the frames: where they are at hand nobody needs the network's guess at it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.front_end import Ear
from kmidi_lab.audio.mel import BANDS, FRAME_S
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.features import CURVE_S

_PLACES = np.arange(BANDS) / (BANDS - 1)
_SLOT = FEEL.output("brightness").start


class BrightnessEar:
    """An ear that measures the mean band of what counted in the last four seconds; it holds through a pause.

    Args:
        hear: the ear that says what counts.
    """

    def __init__(self, hear: Ear) -> None:
        self._hear = hear
        self.input, self.afresh = hear.input, hear.afresh
        self._sums, self._count = np.zeros((round(CURVE_S / FRAME_S), 2)), 0
        self.brightness = 0.0

    def __call__(self, frame: NDArray[np.floating]) -> bool:
        """Takes the next `mel128-v1` frame `[128]`; whether it counts."""
        counts = self._hear(frame)
        self.input, self.afresh = self._hear.input, self._hear.afresh
        if self.afresh:
            self._sums[:] = 0
        if counts:
            power = np.exp(np.asarray(frame, np.float64))
            self._sums[self._count % len(self._sums)] = power @ _PLACES, power.sum()
            self._count += 1
            placed, total = self._sums.sum(0)
            self.brightness = float(placed / total)
        return counts

    def put_into(self, output: NDArray[np.floating]) -> NDArray[np.float32]:
        """An output `[64]` with the measure in its place."""
        measured = np.array(output, np.float32)
        measured[_SLOT] = self.brightness
        return measured
