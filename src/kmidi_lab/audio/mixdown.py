"""Channels of a recording to one row: their mean, or the loudest where they cancel each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

CANCELLED = "channels cancel each other: the loudest was read alone"
_LEFT = 0.1
"""The mean of channels that have nothing to do with each other keeps its share of their power; where it keeps less than
this much of that share, 10 dB below, the channels cancel each other."""
_PIECE = 4096
_EQUAL = 1e-6
"""Of two channels whose power differs by less than this share the first is taken."""
_LARGE_SHARE = 0.25
"""Of the power of a recording: where this much lies in pieces (of 4096 samples) that cancel, the mean is not heard."""


@dataclass(frozen=True)
class Recording:
    """Mono samples `[S]` in -1..1, and what their user should know: CUT, CANCELLED, each with its particulars."""

    samples: NDArray[np.float32]
    notes: tuple[tuple[str, str], ...] = ()


def mixed_down(samples: NDArray[np.float32]) -> Recording:
    """Channels `[S, C]` to one row as `read_recording` does it, at their own rate."""
    mix = Mix(1, None)
    if len(samples):
        mix.add(iter([samples]), 1)
    if (loudest := mix.to_take()) is None:
        return Recording(np.concatenate(mix.parts) if mix.parts else np.zeros(0, np.float32))
    return Recording(samples[:, loudest].copy(), (mix.taken(loudest),))


class Mix:
    """Blocks of channels to one row at another rate.

    `power` is the sum of squares of each channel around its mean in each piece, `cancelled` that of all channels in
    pieces whose mean cancels.
    """

    def __init__(self, rate: int, channel: int | None) -> None:
        self.rate, self.channel = rate, channel
        self.power, self.cancelled = np.zeros(1), 0.0
        self.lowest, self.highest = np.inf, -np.inf
        self.parts: list[NDArray[np.float32]] = []
        self.notes: list[tuple[str, str]] = []

    def add(self, blocks: Iterator[NDArray[np.float32]], source_rate: int) -> None:
        """Takes blocks `[S, C]`, all there is at `source_rate`."""
        resampler = (
            soxr.ResampleStream(source_rate, self.rate, 1, "float32", "HQ") if source_rate != self.rate else None
        )
        for block in blocks:
            row = block.mean(1) if self.channel is None else block[:, min(self.channel, block.shape[1] - 1)].copy()
            if self.channel is None:
                pieces = np.arange(0, len(row), _PIECE)
                constant = np.add.reduceat(block, pieces, dtype=np.float64) ** 2
                constant /= np.diff(pieces, append=len(row))[:, None]  # what never moves is not heard
                whole = np.add.reduceat(np.einsum("sc,sc->s", block, block, dtype=np.float64), pieces) - constant.sum(1)
                power = np.einsum("sc,sc->c", block, block, dtype=np.float64) - constant.sum(0)
                self.power = power if len(power) > len(self.power) else self._added(power)
                mean = np.add.reduceat(np.square(row, dtype=np.float64), pieces)
                mean -= np.add.reduceat(row, pieces, dtype=np.float64) ** 2 / np.diff(pieces, append=len(row))
                self.cancelled += float(whole[mean < _LEFT * whole / len(power) ** 2].sum())
            self.lowest, self.highest = min(self.lowest, float(row.min())), max(self.highest, float(row.max()))
            self.parts.append(row if resampler is None else resampler.resample_chunk(row))
        if resampler is not None:
            self.parts.append(resampler.resample_chunk(np.zeros(0, np.float32), True))

    def to_take(self) -> int | None:
        """The loudest channel where the channels cancel each other, else None."""
        if len(self.power) == 1 or self.cancelled <= _LARGE_SHARE * self.power.sum():
            return None
        return int((self.power > (1 - _EQUAL) * self.power.max()).argmax())

    def taken(self, channel: int) -> tuple[str, str]:
        """What is to be known of a recording whose one channel was taken."""
        return CANCELLED, f"channel {channel + 1} of {len(self.power)}"

    def _added(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.power + np.pad(power, (0, len(self.power) - len(power)))
