"""Stretches of the training clips of instruments, changed as the augmentation says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.instrument import general_midi, library
from datamodules.instrument.recording import Augmentation
from datamodules.shared.batches import FrameStore
from datamodules.shared.troubles import Troubles
from kmidi_lab.audio.augment import equalise_by_knots, gain, mixup, spec_augment
from kmidi_lab.audio.clips import Clip
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import InstrumentBatch, encode
from kmidi_lab.models.instrument.hearing import SoundInputs, heard_sounds

_MEASURED = tuple(INSTRUMENT.output(name).index for name in ("brightness", "attack", "sustain", "register"))
_CONVERTED = 2048
_RENDERED = (*library.RENDERED, general_midi.UNHEARD)
_ATTACK = INSTRUMENT.output("attack").index


class Stretches:
    """Every variant of the training clips on the device. `recorded` and `rendered` count the clips of each kind.

    Args:
        clips: of the training split; where none is recorded, the rendered ones count as recorded.
        features: of the model, by which the frames are heard.
        frames: length of a stretch.
        skip: most frames that it starts late.
        augmentation: what is done to the clips.
        mean: `[128]`, of the inputs: what masked parts are filled with.
        device: where stretches are drawn.
    """

    def __init__(
        self, clips: Sequence[Clip], features: str, frames: int, skip: int, augmentation: Augmentation,
        mean: torch.Tensor, device: torch.device,
    ) -> None:  # fmt: skip
        clips = sorted(clips, key=lambda clip: clip.source in _RENDERED)
        self.recorded = sum(clip.source not in _RENDERED for clip in clips) or len(clips)
        self.rendered = len(clips) - self.recorded
        self._frames, self._skip, self._augmentation = frames, skip, augmentation
        kinds = [[c.sound.frames, *c.sound.variants] for c in clips]
        heard = heard_as_stored([frames for variants in kinds for frames in variants], features)
        self._store = FrameStore([sound.inputs for sound in heard], device)
        self._counted = torch.from_numpy(np.concatenate([*(s.counts for s in heard), [False]])).to(device)
        copies = torch.tensor([len(variants) for variants in kinds], device=device)
        self._first, self._kinds = copies.cumsum(0) - copies, copies
        shares = (augmentation.background, augmentation.hum, augmentation.line)
        self._troubles = Troubles.on(device, *shares)
        self._targets = targets_of(clips, device)
        self._mean = mean.to(device)

    def draw(self, index: torch.Tensor, generator: torch.Generator) -> InstrumentBatch:
        """A stretch of one variant of each clip of `index` `[B]`, changed as the augmentation says."""
        augmentation = self._augmentation

        def rand() -> torch.Tensor:
            return torch.rand(len(index), generator=generator, device=index.device)

        if self.rendered:
            index = torch.where(index < self.recorded, index, self.recorded + (rand() * self.rendered).long())
        # Some of the clips as they are, the others changed.
        variant = torch.minimum(1 + (rand() * (self._kinds[index] - 1)).long(), self._kinds[index] - 1)
        item = self._first[index] + torch.where(rand() >= augmentation.changed, 0, variant)
        room = (self._store.lengths[item] - self._frames).clamp_min(0)
        begin = (rand() * (torch.maximum(room, room.new_tensor(self._skip)) + 1)).long()
        # Half of the clips are heard from their onset: attacks tell instruments apart.
        begin = torch.where(rand() < 0.5, 0, torch.minimum(begin, self._store.lengths[item] - 1))
        x, real = self._store.take(item, begin, self._frames)
        at = self._store.starts[item][:, None] + begin[:, None] + torch.arange(self._frames, device=index.device)
        counts = self._counted[torch.where(real, at, len(self._counted) - 1)]
        weight = torch.where(counts.any(1, keepdim=True), counts, real).float()
        target, mask = self._targets[0][index], self._targets[1][index].clone()
        # What was measured of the clean clip is not known of a changed one, nor is an attack that isn't heard.
        for part in _MEASURED:
            mask[item != self._first[index], part] = 0
        mask[begin > 0, _ATTACK] = 0
        if augmentation.gain:
            x = gain(x, augmentation.gain, generator)
        if augmentation.equaliser:
            x = equalise_by_knots(x, augmentation.equaliser, generator)
        x = self._troubles(x, generator)
        if augmentation.mixup:
            x, other, share = mixup(x, augmentation.mixup, generator)
            weight = torch.maximum(weight, weight[other])
            target, mask = torch.lerp(target[other], target, share[:, None]), torch.minimum(mask, mask[other])
        if augmentation.bands or augmentation.frames:
            x = spec_augment(x, augmentation.bands, augmentation.frames, generator, fill=self._mean)
        return InstrumentBatch(x, weight, target * mask, mask)


def targets_of(clips: Sequence[Clip], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Targets and masks `[N, 160]` of N clips, on the device."""
    pairs = [encode(clip.labels) for clip in clips]
    target, mask = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*pairs, strict=True))
    return target, mask


def heard_as_stored(sounds: Sequence[NDArray[np.floating]], features: str) -> list[SoundInputs]:
    """Mel frames `[T, 128]` as the model gets them, in the store's float16: as float32 all copies together would take twice the memory."""
    heard = []
    for first in range(0, len(sounds), _CONVERTED):
        for inputs, counts in heard_sounds(sounds[first : first + _CONVERTED], features):
            heard.append(SoundInputs(inputs.astype(np.float16), counts))
    return heard
