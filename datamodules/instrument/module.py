"""Sounds of instruments as mel frames, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.instrument import library
from datamodules.instrument.recording import Augmentation, Conditions
from datamodules.instrument.stretches import Stretches, targets_of
from datamodules.shared.batches import FrameStore
from datamodules.shared.clip_data import ClipData
from datamodules.shared.settings import SplitShare, checked_train_on, load_of, split_by
from kmidi_lab.audio.clips import Clip
from kmidi_lab.bounds import Count, CountOrNone, Share
from kmidi_lab.data import SPLIT
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import CONDITIONS, INSTRUMENTS, InstrumentBatch, encode
from kmidi_lab.models.instrument.hearing import SoundInputs, heard_sounds

_TOGETHER = 64


class InstrumentSounds(ClipData[InstrumentBatch]):
    """Clips → frames; an epoch shows one stretch of one variant of every clip, from a reset on.

    Args:
        root: folder that holds `philharmonia/<instrument>/*.mp3` or `nsynth-train/examples.json` … as published.
        cache_dir: where prepared sounds are kept, by content.
        sources: all that are there are used; `gm` and `gm_phrases` (rendered) always are.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        val_share, test_share, split_seed: of the takes; NSynth's own split is kept.
        train_on: `split`, its training part, or `all`: validation and test, too, so that nothing is left to score.
        frames: longest stretch of a clip in training.
        skip: most frames that it starts late.
        rendered_share: of the rendered clips, that an epoch shows beside recordings.
        takes: of each rendered program: single notes.
        phrases: of each rendered program that training hears, with chords.
        notes: most of each of NSynth's parts.
        sound_fonts: paths of SoundFonts that programs are rendered through beside TimGM6mb.
        conditions: score recorded clips in other recording conditions, too (`audio.conditions.CHANGES`).
        augment: what is done to training clips.
        workers: processes that read files.

    Raises:
        ConfigError: a value out of range. DataError: none of the sources is there, or holds a usable sound.
    """

    id = "instruments"
    contract = INSTRUMENT
    vocabulary = INSTRUMENTS
    root_sources: tuple[str, ...] = ("philharmonia", "nsynth")
    bytes_per_example = 1024 * 1024
    identity_settings = (
        "sources",
        "train_on",
        "val_share",
        "test_share",
        "split_seed",
        "takes",
        "phrases",
        "notes",
        "sound_fonts",
    )
    other_settings = ("frames", "skip", "rendered_share", "conditions", "augment")

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        split: str = "test",
        val_share: SplitShare = 0.1,
        test_share: SplitShare = 0.2,
        split_seed: int = 0,
        train_on: str = SPLIT,
        batch_size: int = 16,
        frames: Count = 64,
        skip: CountOrNone = 8,
        rendered_share: Share = 0.3,
        takes: Count = 24,
        phrases: Count = 12,
        notes: Count = 20_000,
        sound_fonts: Sequence[str] = (),
        conditions: bool = False,
        augment: Augmentation | None = None,
        workers: Count = 2,
        progress: bool = True,
    ) -> None:
        augmentation = augment or Augmentation()
        load_from = partial(
            load_of, library.load, library.SOURCES, root, cache_dir, takes=takes, phrases=phrases,
            notes=notes,
            by=split_by(split_seed, val_share, test_share), sound_fonts=tuple(sound_fonts), workers=workers, progress=progress,
        )  # fmt: skip
        load = load_from(sources, augmentation=augmentation)
        recorded = [source for source in sources if source not in library.RENDERED]
        self._in_conditions = load_from(recorded, augmentation=Conditions()) if conditions and recorded else None
        super().__init__(load, split, batch_size)
        self.train_on = checked_train_on(train_on)
        self._frames, self._skip, self._augment, self._share = frames, skip, augmentation, rendered_share

    def for_scoring(self) -> None:
        self._load = partial(self._load, scoring=True)

    def counts(self, split: str) -> dict[str, int]:
        clips = self.songs(split)
        return {
            "songs": len(clips),
            "takes": len({c.group for c in clips}),
            "frames": sum(len(c.sound.frames) for c in clips),
        }

    def conditions(self, split: str) -> dict[str, dict[str, NDArray[np.floating]]]:
        """Frames `[T, 128]` of a split's recorded clips in each recording condition, by its name and the clip's; empty if
        not wanted.
        """
        if self._in_conditions is None:
            return {}
        names = {clip.id for clip in self.songs(split)}
        clips = [clip for clip in self._in_conditions().songs if clip.id in names]
        return {name: {clip.id: clip.sound.variants[i] for clip in clips} for i, name in enumerate(CONDITIONS)}

    def probes(self) -> np.ndarray:
        """`[T, 128]` inputs of the test split, one clip after the other, each from its onset on."""
        return np.concatenate([sound.inputs for sound in self._heard(self.songs("test"))])

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[128]` of the clean inputs that training hears, each clip from its onset on."""
        return FrameStore([sound.inputs for sound in self._heard(self.songs("train"))]).statistics()

    def _heard(self, clips: Sequence[Clip]) -> list[SoundInputs]:
        return heard_sounds([clip.sound.frames for clip in clips], self.contract.features)

    def place_counts(self) -> torch.Tensor:
        """`[160]`: training clips with a label for each place."""
        return torch.from_numpy(np.sum([encode(clip.labels)[0] for clip in self.songs("train")], 0))

    def train_dataloader(self) -> object:
        stretches = Stretches(
            self.songs("train"), self.contract.features, self._frames, self._skip, self._augment,
            self.statistics()[0], self.device,
        )  # fmt: skip
        return self.index_batches(stretches.recorded + ceil(self._share * stretches.rendered), stretches.draw)

    def whole(self, split: str) -> list[InstrumentBatch]:
        """Every clip from its onset to its last frame, 64 at a time; the weight is 1 where a frame counts."""
        clips = self.songs(split)
        heard = self._heard(clips)
        store = FrameStore([sound.inputs for sound in heard], self.device)
        target, mask = targets_of(clips, self.device)
        batches = []
        for index in torch.arange(len(clips), device=self.device).split(_TOGETHER):
            x, real = store.take(index, torch.zeros_like(index), int(store.lengths[index].max()))
            for row, i in zip(real, index.tolist(), strict=True):
                row[: len(heard[i].counts)] &= torch.from_numpy(heard[i].counts).to(self.device)
            batches.append(InstrumentBatch(x, real.float(), target[index], mask[index]))
        return batches


class NSynthSounds(InstrumentSounds):
    """NSynth where it is there, and General MIDI; settings as of InstrumentSounds."""

    id = "nsynth"
    root_sources = ("nsynth",)


class PhilharmoniaSounds(InstrumentSounds):
    """Philharmonia where it is there, and General MIDI; settings as of InstrumentSounds."""

    id = "philharmonia"
    root_sources = ("philharmonia",)


class GeneralMidiSounds(InstrumentSounds):
    """Rendered programs alone; settings as of InstrumentSounds."""

    id = "gm_instruments"
    root_sources = ()
