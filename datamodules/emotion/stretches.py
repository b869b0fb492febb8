"""What an epoch of the emotion model is made of: one stretch of one variant of every clip, from a reset on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from datamodules.emotion.sessions import start_states
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.batches import FrameStore
from kmidi_lab.audio.augment import band_shift, gain, mixup, spec_augment
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.speaker import adapt, fresh
from kmidi_lab.audio.voice_activity import active, speech_of
from kmidi_lab.models.emotion.features import (
    INTENSITIES,
    EmotionBatch,
    complexity,
    label_of,
    label_set,
    scalars_of,
)
from kmidi_lab.nn.schedule import epoch_seed

Targets = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""One-hot labels `[N, K]` and intensities `[N, 2]`, scalars `[N, 4]`."""


@dataclass(frozen=True)
class Showing:
    """How clips are shown in an epoch; the arguments of `ActedSpeech` of these names."""

    frames: int
    skip: int
    augment: Augmentation
    cold: float
    orders: int


class Stretches:
    """The training clips on one device.

    Args:
        clips: with their variants.
        targets: of the clips.
        fill: the frame `[128]` that masked ones become.
        showing: how they are shown.
        adapts: whether the model takes frames less what the voice sounds like.
        device: of all tensors.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        targets: Targets,
        fill: torch.Tensor,
        showing: Showing,
        adapts: bool,
        device: torch.device,
    ) -> None:
        self._showing, self._adapts, self._targets = showing, adapts, targets
        kinds = [[c.sound.frames[c.sound.trained], *c.sound.variants] for c in clips]
        items = [frames for variants in kinds for frames in variants]
        self._store, self._kinds = FrameStore(items, device), len(kinds[0])
        speech = [speech_of(frames) for frames in items]
        self._onset = torch.tensor([int(of.argmax()) for of in speech], device=device)
        evenness = [complexity(frames[of]) for frames, of in zip(items, speech, strict=True)]
        self._complexity = torch.tensor(evenness, device=device)
        self._fill = fill.to(device)
        if adapts:
            voices = [f"{clip.group} {kind}" for clip in clips for kind in range(self._kinds)]
            rng = np.random.default_rng(epoch_seed(0))
            self._starts = torch.from_numpy(start_states(items, voices, showing.orders, rng)).to(device)

    @property
    def device(self) -> torch.device:
        """Where the clips are."""
        return self._store.frames.device

    def gather(self, index: torch.Tensor, generator: torch.Generator) -> EmotionBatch:
        """A stretch of one variant of each clip of `index` `[B]`, changed as `augment` says."""
        showing, store = self._showing, self._store
        augmentation = showing.augment

        def rand() -> torch.Tensor:
            return torch.rand(len(index), generator=generator, device=index.device)

        item = index * self._kinds + (rand() * self._kinds).long()
        room = (store.lengths[item] - showing.frames).clamp_min(0)
        begin = (rand() * (torch.maximum(room, self._onset[item] + showing.skip) + 1)).long()
        # A short stretch must not be silence alone.
        begin = torch.maximum(begin, self._onset[item] - showing.frames // 2)
        begin = torch.minimum(begin, store.lengths[item] - 1)
        x, real = store.take(item, begin, showing.frames)
        label, strong, scalars = (t[index] for t in self._targets)
        scalars = torch.cat([scalars[:, :-1], self._complexity[item, None]], 1)
        if not self._adapts:
            weight = (real & active(x)).float()
        if augmentation.gain:
            x = gain(x, augmentation.gain, generator)
        if augmentation.shift:
            x = band_shift(x, augmentation.shift, generator)
        if self._adapts:
            order = (rand() * showing.orders).long()
            cold = (rand() < showing.cold)[:, None]
            state = torch.where(cold, torch.from_numpy(fresh(1)).to(x.device), self._starts[order, item])
            x, weight = adapted(x, real, state.cpu().numpy())
        if augmentation.mixup:
            x, other, share = mixup(x, augmentation.mixup, generator)
            weight = torch.maximum(weight, weight[other])
            label, strong, scalars = (torch.lerp(t[other], t, share[:, None]) for t in (label, strong, scalars))
        if augmentation.bands or augmentation.frames:
            x = spec_augment(x, augmentation.bands, augmentation.frames, generator, fill=self._fill)
        return EmotionBatch(x, weight, label, strong, scalars)


def adapted(x: torch.Tensor, real: torch.Tensor, state: NDArray[np.float64]) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames `[B, T, 128]` behind states `[B, 132]`: inputs, and weights that are 1 on speech; all of it if none is."""
    frames, speech = adapt(x.cpu().numpy(), real.cpu().numpy(), state)
    inputs, spoken = torch.from_numpy(frames).to(x.device), torch.from_numpy(speech).to(x.device)
    return inputs, torch.where(spoken.any(1, keepdim=True), spoken, real).float()


def from_reset(x: torch.Tensor, real: torch.Tensor, adapts: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and weights of whole clips `[B, T, 128]`."""
    return adapted(x, real, fresh(len(x))) if adapts else (x, (real & active(x)).float())


def targets_of(clips: Sequence[Clip], labels: int, device: torch.device) -> Targets:
    """What the clips are to be heard as, of 7 or 8 labels."""
    label = F.one_hot(torch.tensor([label_of(c.labels["emotion"], labels) for c in clips]), len(label_set(labels)))
    strong = F.one_hot(torch.tensor([int(c.labels["strong"]) for c in clips]), len(INTENSITIES))
    speech = [(c, c.sound.frames[speech_of(c.sound.frames)]) for c in clips]
    scalars = [(*scalars_of(c.labels["emotion"], bool(c.labels["strong"])), complexity(frames)) for c, frames in speech]
    return label.float().to(device), strong.float().to(device), torch.tensor(scalars).to(device)
