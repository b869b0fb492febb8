"""ActedSpeech: acted speech as mel frames with emotion labels, or synthetic speech that stands in."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.emotion import library, ravdess
from datamodules.emotion.lessons import TeacherLessons
from datamodules.emotion.other_speech import CORPORA, own_speech, recordings
from datamodules.emotion.recording import Conditions, SpeechAugmentation
from datamodules.emotion.stretches import Showing, Stretches, from_reset, targets_of
from datamodules.emotion.teacher import described, lacking
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.batches import FrameStore, IndexBatches, rows_of
from datamodules.shared.clip_data import ClipData
from datamodules.shared.settings import load_of
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.front_end import heard
from kmidi_lab.bounds import Count, CountOrNone, Share
from kmidi_lab.contract_features import SPEAKER_FEATURES
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.models.emotion.contract import EMOTION
from kmidi_lab.models.emotion.features import EmotionBatch, label_of, label_set

log = logging.getLogger(__name__)


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
        fold_speakers: who is in each fold, in place of `folds`, such as `[[actor 01, actor 02], [actor 03]]`; none deals
            them. Who is in none is never tested.
        fold: the part that is the test.
        val_speakers: of the other folds, to choose the checkpoint by.
        frames: longest stretch of a clip in training.
        skip: most frames that it starts behind the onset of speech; it may start in the silence before.
        augment: what is done to training clips.
        cold: share of the examples before which nothing has been heard of the voice; the others begin with the state of
            the front-end after other clips of the same speaker (contract version 2).
        orders: random orders of a speaker's clips that these states come from.
        conditions: score the clips in other recording conditions, too (`CHANGES`).
        fetch: the licence of RAVDESS, accepted, fetches it where it is not there.
        teacher: give a model that wants it what the speaker encoder of `kmidi_lab[teacher]` says of `speech_emotion/` and
            then of the training speakers, to learn before the labels; where package or speech is missing it is trained
            without, and log, card and registry say so.
        workers: processes that read files.

    Raises:
        ConfigError: a value out of range. DataError: none of the sources is there, or holds a usable clip.
    """

    id = "ravdess"
    contract = EMOTION
    root_sources: tuple[str, ...] = ("ravdess",)
    bytes_per_example = 2 * 1024 * 1024
    identity_settings = ("sources", "channels", "labels", "folds", "fold_speakers", "fold", "val_speakers")
    other_settings = (
        "frames",
        "skip",
        "augment",
        "cold",
        "orders",
        "conditions",
        "fetch",
        "teacher",
        "teacher_corpora",
    )
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
        fold_speakers: Sequence[Sequence[str]] = (),
        fold: CountOrNone = 0,
        val_speakers: Count = 2,
        batch_size: int = 32,
        frames: Count = 192,
        skip: CountOrNone = 16,
        augment: Augmentation | None = None,
        cold: Share = 0.35,
        orders: Count = 2,
        conditions: bool = False,
        fetch: str | None = None,
        teacher: bool = False,
        teacher_corpora: Sequence[str] = CORPORA,
        workers: Count = 2,
        progress: bool = True,
    ) -> None:
        for channel in channels:
            if channel not in ravdess.CHANNELS:
                raise ConfigError(one_of("data.channels", channel, ravdess.CHANNELS))
        if not channels:
            raise ConfigError("data.channels is empty; give data.channels=[speech]")
        if not teacher_corpora:
            raise ConfigError(
                f"data.teacher_corpora is empty; give some of {', '.join(CORPORA)}, or data.teacher=false"
            )
        for corpus in teacher_corpora:
            if corpus not in CORPORA:
                raise ConfigError(one_of("data.teacher_corpora", corpus, CORPORA))
        augmentation = augment or SpeechAugmentation()
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources, channels=tuple(channels), fold=fold,
            folds=library.checked_folds(folds, fold_speakers), val_speakers=val_speakers, augmentation=augmentation, licence=fetch,
            workers=workers, progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self.view, self.vocabulary = labels, label_set(labels)
        self._showing = Showing(frames, skip, augmentation, cold, orders)
        self._root, self._cache_dir, self._teacher = Path(root), Path(cache_dir), teacher
        self._corpora = tuple(teacher_corpora)
        self._workers, self._progress = workers, progress
        self._in_conditions = partial(load, augmentation=Conditions()) if conditions else None
        self._stretches: Stretches | None = None

    def for_scoring(self) -> None:
        self._load = partial(self._load, scoring=True, whole=self.split == "all")
        self._teacher = False

    def prepare_data(self) -> None:
        super().prepare_data()
        for lessons in self.lessons():
            if not lessons.path.is_file():
                lessons.prepared()

    def lessons(self) -> list[TeacherLessons]:
        """What can be learnt before the labels: other people's speech, then the training speakers'; none without a teacher."""
        return self._opened if self._teacher else []

    @cached_property
    def _opened(self) -> list[TeacherLessons]:
        speech = recordings(self._root, self._corpora)
        if missing := lacking(speech):
            log.warning("training without teacher: %s", missing)
            return []
        teach = partial(TeacherLessons, self._root, self._cache_dir, workers=self._workers, progress=self._progress)
        other, own = teach(speech), own_speech(self._root, self.songs("all"))
        trained = {clip.group for clip in self.songs("train")}
        heard = {one.voice for one in own if one.speaker in trained}
        return [other, teach(own, like=other, heard=heard)] if own else [other]

    def describe(self) -> dict[str, Any]:
        description = super().describe()
        return described(description, recordings(self._root, self._corpora)) if self._teacher else description

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

    @property
    def adapts(self) -> bool:
        """Whether the model takes frames less what the voice sounds like."""
        return self.contract.features == SPEAKER_FEATURES

    def conditions(self, split: str) -> dict[str, list[NDArray[np.floating]]]:
        """Frames `[T, 128]` of every clip of a split in each recording condition, by its name; empty if not wanted."""
        if self._in_conditions is None:
            return {}
        variants = {clip.id: clip.sound.variants for clip in self._in_conditions().songs}
        return {name: [variants[clip.id][place] for clip in self.songs(split)] for place, name in enumerate(CHANGES)}

    def probes(self) -> np.ndarray:
        """`[T, 128]` inputs of the test split, one clip after the other, each from a reset on."""
        return np.concatenate([heard(clip.sound.frames, self.contract.features)[0] for clip in self.songs("test")])

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[128]` of the clean inputs that training hears, each clip from a reset on."""
        if not self.adapts:
            return super().statistics()
        return FrameStore(
            [heard(c.sound.frames[c.sound.trained], SPEAKER_FEATURES)[0] for c in self.songs("train")]
        ).statistics()

    def train_dataloader(self) -> IndexBatches[EmotionBatch]:
        return self.index_batches(len(self.songs("train")), self._opened_stretches().gather)

    def passes(self, epochs: int) -> Iterator[EmotionBatch]:
        """Batches of several epochs, one after the other, before the training."""
        gather, size = self._opened_stretches().gather, len(self.songs("train"))
        for epoch in range(epochs):
            now = partial(int, epoch)
            yield from IndexBatches(size, min(self.batch_size, size), gather, rows_of, self.device, now)

    def _opened_stretches(self) -> Stretches:
        """What an epoch is made of, put on the device once."""
        if self._stretches is None or self._stretches.device != self.device:
            clips = self.songs("train")
            targets, fill = targets_of(clips, self.view, self.device), self.statistics()[0]
            self._stretches = Stretches(clips, targets, fill, self._showing, self.adapts, self.device)
        return self._stretches

    def whole(self, split: str) -> list[EmotionBatch]:
        """Every clip as recorded, 64 at a time; the weight is 1 on speech."""
        clips = self.songs(split)
        label, strong, scalars = targets_of(clips, self.view, self.device)
        return [
            EmotionBatch(*from_reset(x, real, self.adapts), label[index], strong[index], scalars[index])
            for index, x, real in self.in_order(clips)
        ]
