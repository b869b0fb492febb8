"""ActedSpeech: acted speech as mel frames with emotion labels, or synthetic speech that stands in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from datamodules.emotion import library, ravdess
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.batches import FrameStore, IndexBatches
from datamodules.shared.clip_data import ClipData
from datamodules.shared.module import load_of
from kmidi_lab.audio.augment import band_shift, gain, mixup, spec_augment
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.voice_activity import active, speech_of
from kmidi_lab.bounds import Count, CountOrNone
from kmidi_lab.contracts import EMOTION
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.models.emotion.features import INTENSITIES, EmotionBatch, complexity, label_of, label_set, scalars_of


class ActedSpeech(ClipData[EmotionBatch]):
    """Clips → frames; an epoch shows one stretch of one variant of every clip, from a reset on.

    Args:
        root: folder that holds `ravdess/Actor_01` … as published.
        cache_dir: where prepared clips are kept, by content.
        sources: in order of preference; the first that is there is used, and `espeak` (synthesised) always is.
        channels: `speech`, `song` or both.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        labels: 8, or 7 with calm as neutral.
        folds: parts that the speakers are dealt to, 0 leaves one out.
        fold: the part that is the test.
        val_speakers: of the other folds, to choose the checkpoint by.
        frames: longest stretch of a clip in training.
        skip: most frames that it starts behind the onset of speech; it may start in the silence before.
        augment: what is done to training clips.
        fetch: the licence of RAVDESS, accepted, fetches it where it is not there.
        workers: processes that read files.

    Raises:
        ConfigError: a value out of range. DataError: none of the sources is there, or holds a usable clip.
    """

    id = "ravdess"
    contract = EMOTION
    root_sources: tuple[str, ...] = ("ravdess",)
    bytes_per_example = 2 * 1024 * 1024
    identity_settings = ("sources", "channels", "labels", "folds", "fold", "val_speakers")
    other_settings = ("frames", "skip", "augment", "fetch")
    remedy = "give other data.fold, data.folds or data.val_speakers"

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        channels: Sequence[str] = ("speech",),
        split: str = "test",
        labels: int = 8,
        folds: CountOrNone = 5,
        fold: CountOrNone = 0,
        val_speakers: Count = 2,
        batch_size: int = 32,
        frames: Count = 192,
        skip: CountOrNone = 16,
        augment: Augmentation | None = None,
        fetch: str | None = None,
        workers: Count = 2,
        progress: bool = True,
    ) -> None:
        for channel in channels:
            if channel not in ravdess.CHANNELS:
                raise ConfigError(one_of("data.channels", channel, ravdess.CHANNELS))
        if not channels or folds == 1:
            raise ConfigError("data.channels must name one at least, and data.folds be 0 or 2 and more")
        augmentation = augment or Augmentation()
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources, channels=tuple(channels), folds=folds, fold=fold,
            val_speakers=val_speakers, augmentation=augmentation, licence=fetch, workers=workers, progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self.view, self.vocabulary = labels, label_set(labels)
        self._frames, self._skip, self._augment = frames, skip, augmentation

    def for_scoring(self) -> None:
        self._load = partial(self._load, scoring=True, whole=self.split == "all")

    def counts(self, split: str) -> dict[str, int]:
        clips = self.songs(split)
        return {
            "songs": len(clips),
            "speakers": len({c.group for c in clips}),
            "frames": sum(len(c.sound.frames) for c in clips),
        }

    def label_indices(self, split: str) -> np.ndarray:
        """`[N]`: the label of every clip in the chosen view."""
        return np.array([label_of(c.labels["emotion"], self.view) for c in self.songs(split)], np.int64)

    def train_dataloader(self) -> IndexBatches[EmotionBatch]:
        clips = self.songs("train")
        kinds = [[c.sound.frames[c.sound.trained], *c.sound.variants] for c in clips]
        items = [frames for variants in kinds for frames in variants]
        self._store, self._kinds = FrameStore(items, self.device), len(kinds[0])
        speech = [speech_of(frames) for frames in items]
        self._onset = torch.tensor([int(of.argmax()) for of in speech], device=self.device)
        evenness = [complexity(frames[of]) for frames, of in zip(items, speech, strict=True)]
        self._complexity = torch.tensor(evenness, device=self.device)
        self._targets = self._targets_of(clips)
        self._mean = self.statistics()[0].to(self.device)
        return self.index_batches(len(clips), self._gather)

    def whole(self, split: str) -> list[EmotionBatch]:
        """Every clip as recorded, 64 at a time; the weight is 1 on speech."""
        clips = self.songs(split)
        label, strong, scalars = self._targets_of(clips)
        return [
            EmotionBatch(x, (real & active(x)).float(), label[index], strong[index], scalars[index])
            for index, x, real in self.in_order(clips)
        ]

    def _targets_of(self, clips: list[Clip]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """One-hot labels `[N, K]` and intensities `[N, 2]`, scalars `[N, 4]`, on the device."""
        label = F.one_hot(torch.tensor([label_of(c.labels["emotion"], self.view) for c in clips]), len(self.vocabulary))
        strong = F.one_hot(torch.tensor([int(c.labels["strong"]) for c in clips]), len(INTENSITIES))
        speech = [(c, c.sound.frames[speech_of(c.sound.frames)]) for c in clips]
        scalars = [
            (*scalars_of(c.labels["emotion"], bool(c.labels["strong"])), complexity(frames)) for c, frames in speech
        ]
        return label.float().to(self.device), strong.float().to(self.device), torch.tensor(scalars).to(self.device)

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> EmotionBatch:
        """A stretch of one variant of each clip, changed as `augment` says."""
        augmentation = self._augment

        def rand() -> torch.Tensor:
            return torch.rand(len(index), generator=generator, device=index.device)

        item = index * self._kinds + (rand() * self._kinds).long()
        room = (self._store.lengths[item] - self._frames).clamp_min(0)
        begin = (rand() * (torch.maximum(room, self._onset[item] + self._skip) + 1)).long()
        # A short stretch must not be silence alone.
        begin = torch.maximum(begin, self._onset[item] - self._frames // 2)
        begin = torch.minimum(begin, self._store.lengths[item] - 1)
        x, real = self._store.take(item, begin, self._frames)
        label, strong, scalars = (t[index] for t in self._targets)
        scalars = torch.cat([scalars[:, :-1], self._complexity[item, None]], 1)
        weight = (real & active(x)).float()
        if augmentation.gain:
            x = gain(x, augmentation.gain, generator)
        if augmentation.shift:
            x = band_shift(x, augmentation.shift, generator)
        if augmentation.mixup:
            x, other, share = mixup(x, augmentation.mixup, generator)
            weight = torch.maximum(weight, weight[other])
            label, strong, scalars = (torch.lerp(t[other], t, share[:, None]) for t in (label, strong, scalars))
        if augmentation.bands or augmentation.frames:
            x = spec_augment(x, augmentation.bands, augmentation.frames, generator, fill=self._mean)
        return EmotionBatch(x, weight, label, strong, scalars)
