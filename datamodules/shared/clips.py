"""What clips of speech and of instruments have in common: why one can't be used, its changed copies, what tells it apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.augmentation import Augmentation
from datamodules.shared.pool_worker import NotedResult
from datamodules.shared.splits import Groups
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.io import read_recording
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.errors import UserError

Result = TypeVar("Result")


class ClipError(UserError):
    """A clip that can't be used; `reason` is short and countable."""

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason, self.detail = reason, str(detail)


def from_recording(
    path: Path, longest_s: float, make: Callable[[NDArray[np.float32]], Result]
) -> Result | NotedResult[Result]:
    """What `make` makes of a recording's samples at 16 kHz, with what is to be said of the recording.

    Raises:
        AudioError: it can't be used.
    """
    recording = read_recording(path, RATE, longest_s)
    result = make(recording.samples)
    return NotedResult(result, *recording.notes[0]) if recording.notes else result


def variants_of(samples: NDArray[np.float32], name: str, augmentation: Augmentation) -> list[NDArray[np.float16]]:
    """Mel frames `[T, 128]` of the changed copies of samples at 16 kHz, drawn from `name`; those with a frame at least."""
    return mel_variants(augmentation.waveforms(samples, name))


def mel_variants(copies: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float16]]:
    """Mel frames `[T, 128]` of samples at 16 kHz; those with a frame at least."""
    frames = (log_mel(copy).astype(np.float16) for copy in copies)
    return [copy for copy in frames if len(copy)]


def grouped(clips: Sequence[Clip]) -> Groups:
    """Clips of one group, and those with the same samples."""
    groups = Groups(len(clips))
    groups.join_equal(clip.group for clip in clips)
    groups.join_equal(clip.sound.key for clip in clips)
    return groups
