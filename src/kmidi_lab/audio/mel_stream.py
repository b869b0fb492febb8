"""`mel128-v1` as sound comes in: blocks of any size and rate to the frames that `mel.log_mel` makes of the whole.

Without PyTorch, so that a C++ port can follow it line by line (docs/audio.md).
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from kmidi_lab.audio.io import FASTEST_HZ, SLOWEST_HZ
from kmidi_lab.audio.mel import log_mel
from kmidi_lab.audio.mel_scale import HOP, RATE, frame_count
from kmidi_lab.errors import UserError

_EMPTY = np.zeros(0, np.float32)


class MelStream:
    """State of the front-end between blocks.

    Args:
        rate: Hz of the samples that will come, 8,000 to 192,000; other than 16 kHz is resampled with soxr (HQ).

    Raises:
        UserError: a rate out of range.
    """

    def __init__(self, rate: int = RATE) -> None:
        if not SLOWEST_HZ <= rate <= FASTEST_HZ:
            raise UserError(f"sample rate {rate} Hz: give {SLOWEST_HZ} to {FASTEST_HZ} Hz")
        self.rate = rate
        self.reset()

    def reset(self) -> None:
        """Forgets all sound so far."""
        self._resampler = soxr.ResampleStream(self.rate, RATE, 1, "float32", "HQ") if self.rate != RATE else None
        self._kept = _EMPTY

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The frames `[t, 128]` that the block `[S]` in -1..1 completes; t is 0 where it completes none.

        Raises:
            UserError: samples that are not one row of finite numbers; the block is dropped and the state kept.
        """
        return self._take(block, last=False)

    def finish(self) -> NDArray[np.float32]:
        """The frames that were still in the resampler; the stream is then as after `reset`."""
        frames = self._take(_EMPTY, last=True)
        self.reset()
        return frames

    def _take(self, block: NDArray[np.float32], last: bool) -> NDArray[np.float32]:
        if np.issubdtype(np.asarray(block).dtype, np.integer):
            raise UserError("a block of sound must be floats in -1..1; divide 16-bit integers by 32768")
        samples = np.asarray(block, np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise UserError(f"a block of sound must be one row of finite numbers, not {list(samples.shape)}")
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last)
        samples = np.concatenate([self._kept, samples])
        used = frame_count(len(samples)) * HOP
        frames = log_mel(samples)
        self._kept = samples[used:].copy()
        return frames
