"""What data modules of rendered music share: frames under the running mean of the level, kept on the device, cut and changed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.shared.batches import FrameStore
from datamodules.shared.library import SplitLibrary
from datamodules.shared.module import Batch, LabData, Song
from kmidi_lab.audio.augment import equalise_by_cosines, spec_augment
from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.audio.mel import RATE, log_mel

_AT_ONCE = 2048
_WHITE_S = 20


def white_frames() -> torch.Tensor:
    """`[T, 128]` frames of white noise whose mean power is 1, for `audio.augment.add_background`."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(_WHITE_S * RATE)
    frames = torch.from_numpy(log_mel(noise)).float()
    return frames - frames.exp().mean().log()


class FrameData(LabData[Song, Batch]):
    """Sounds as frames; an epoch shows one stretch of each, from a reset on, and no two epochs the same sound.

    A subclass implements `frames_of` beside what LabData asks for.

    Args:
        load: as of LabData.
        split: as of LabData.
        batch_size: as of LabData.
        frames: of a training stretch.
        equaliser: decibels that bands are louder or softer (`audio.augment.equalise_by_cosines`).
        bands: widest stripe of bands that is covered in training; off at 0.
        masked: widest stripe of frames that is covered; off at 0.
    """

    probed: ClassVar[int]
    """Sounds of the test split that `probes` takes."""

    def __init__(
        self,
        load: Callable[..., SplitLibrary[Song]],
        split: str,
        batch_size: int,
        frames: int,
        equaliser: float,
        bands: int,
        masked: int,
    ) -> None:
        super().__init__(load, split, batch_size)
        self.frames, self._equaliser, self._bands, self._masked = frames, equaliser, bands, masked
        self._heard: tuple[FrameStore, tuple[torch.Tensor, torch.Tensor]] | None = None

    @abstractmethod
    def frames_of(self, song: Song) -> NDArray[np.floating]:
        """The mel frames `[T, 128]` of a sound, at the level that it was recorded at."""

    def probes(self) -> np.ndarray:
        """`[T, 128]` inputs of the first sounds of the test split, one after the other."""
        return np.concatenate(adapted_sounds([self.frames_of(song) for song in self.songs("test")[: self.probed]]))

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[128]` of the inputs that training hears."""
        return self.heard_in_training()[1]

    def heard_in_training(self) -> tuple[FrameStore, tuple[torch.Tensor, torch.Tensor]]:
        """The inputs of training and their statistics, made once."""
        if self._heard is None or self._heard[0].frames.device != self.device:
            store = self.stored(self.songs("train"))
            self._heard = store, store.statistics()
        return self._heard

    def stored(self, songs: Sequence[Song]) -> FrameStore:
        """The inputs of sounds, on the device."""
        return self.stored_frames([self.frames_of(song) for song in songs])

    def stored_frames(self, sounds: Sequence[NDArray[np.floating]]) -> FrameStore:
        """What is heard of mel frames `[T_i, 128]` at any level, on the device."""
        # As float32 all of them would take more memory than the training.
        parts = (adapted_sounds(sounds[i : i + _AT_ONCE]) for i in range(0, len(sounds), _AT_ONCE))
        return FrameStore([np.asarray(sound, np.float16) for part in parts for sound in part], self.device)

    def begins(self, lengths: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """`[B]` where a training stretch of sounds of `lengths` `[B]` frames begins, anywhere that it fits."""
        room = (lengths - self.frames).clamp_min(0)
        return (torch.rand(len(lengths), generator=generator, device=lengths.device) * (room + 1)).long()

    def equalised(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Frames `[B, T, 128]` as through other speakers."""
        return equalise_by_cosines(x, self._equaliser, generator) if self._equaliser else x

    def covered(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Frames `[B, T, 128]` with stripes of the training's mean."""
        if not (self._bands or self._masked):
            return x
        return spec_augment(x, self._bands, self._masked, generator, fill=self.statistics()[0])
