"""RenderedNodes: music made from emotion nodes by rule, rendered, as mel frames with the node, intensity and key of each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval

from datamodules.emotion_node import library
from datamodules.shared.augmentation import Decibels
from datamodules.shared.batches import FrameStore
from datamodules.shared.clip_data import ClipData
from datamodules.shared.splits import Groups
from kmidi_lab.audio.augment import equalise_by_cosines, gain, spec_augment
from kmidi_lab.audio.clips import Clip
from kmidi_lab.bounds import Count, CountOrNone
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import CLASSES, HEADS, NodeBatch, targets

_PROBE_CLIPS = 40


class RenderedNodes(ClipData[NodeBatch]):
    """Clips → frames; an epoch shows one stretch of every clip, from a reset on.

    Args:
        root: not read; every data module is given one.
        cache_dir: where rendered clips are kept, by content.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        renderings: training clips of each node.
        nodes: how many of the 216, evenly over all.
        split_seed: of what is rendered.
        frames: of a training stretch; the loss looks at frames from the 33rd on.
        gain: decibels it is louder or softer by at most.
        equaliser: decibels that bands are louder or softer, smoothly over the spectrum
            (audio.augment.equalise_by_cosines).
        bands, masked: widest stripes of bands and of frames that are covered in training; off at 0.
        workers: processes that render.

    Raises:
        ConfigError: a value out of range.
    """

    id = "emotion_nodes"
    contract = EMOTION_NODE
    vocabulary = CLASSES
    bytes_per_example = 1024 * 1024
    identity_settings = ("renderings", "nodes", "split_seed")
    other_settings = ("frames", "gain", "equaliser", "bands", "masked")

    def __init__(
        self,
        root: str,
        cache_dir: str,
        split: str = "test",
        renderings: Count = 6,
        nodes: Annotated[int, Interval(ge=2, le=library.NODES)] = library.NODES,
        split_seed: int = 0,
        batch_size: int = 32,
        frames: Annotated[int, Ge(64)] = 192,
        gain: Decibels = 0.0,
        equaliser: Decibels = 1.0,
        bands: CountOrNone = 12,
        masked: CountOrNone = 16,
        workers: Count = 2,
        progress: bool = True,
    ) -> None:
        super().__init__(
            partial(library.load, Path(cache_dir), renderings, split_seed, nodes, workers, progress), split, batch_size
        )
        self._frames, self._gain, self._equaliser = frames, gain, equaliser
        self._bands, self._masked = bands, masked

    def grouped(self, songs: list[Clip]) -> Groups:
        return library.grouped(songs)

    def probes(self) -> np.ndarray:
        """`[T, 128]` frames of the first test clips, one after the other."""
        return np.concatenate([c.sound.frames for c in self.songs("test")[:_PROBE_CLIPS]]).astype(np.float32)

    def counts(self, split: str) -> dict[str, int]:
        clips = self.songs(split)
        return {
            "songs": len(clips),
            "instruments": len({c.labels["melody"] for c in clips}),
            "tunes": len({c.labels["tune"] for c in clips}),
            "frames": sum(len(c.sound.frames) for c in clips),
        }

    def train_dataloader(self) -> object:
        clips = self.songs("train")
        self._store = FrameStore([c.sound.frames for c in clips], self.device)
        self._targets = self._targets_of(clips)
        self._mean = self.statistics()[0].to(self.device)
        return self.index_batches(len(clips), self._gather)

    def whole(self, split: str) -> list[NodeBatch]:
        """Every clip from its first frame to its last, 64 at a time."""
        clips = self.songs(split)
        target = self._targets_of(clips)
        return [NodeBatch(x, target[index]) for index, x, _ in self.in_order(clips)]

    def _targets_of(self, clips: list[Clip]) -> torch.Tensor:
        """`[N, 5]`, on the device."""
        rows = [targets(c.labels["node"], c.labels["intensity"], c.labels["key"]) for c in clips]
        return torch.tensor([[row[name] for name in HEADS] for row in rows], device=self.device)

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> NodeBatch:
        store = self._store
        room = (store.lengths[index] - self._frames).clamp_min(0)
        start = (torch.rand(len(index), generator=generator, device=index.device) * (room + 1)).long()
        x, _ = store.take(index, start, self._frames)
        if self._gain:
            x = gain(x, self._gain, generator)
        if self._equaliser:
            x = equalise_by_cosines(x, self._equaliser, generator)
        if self._bands or self._masked:
            x = spec_augment(x, self._bands, self._masked, generator, fill=self._mean)
        return NodeBatch(x, self._targets[index])
