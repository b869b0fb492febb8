"""RenderedNodes and EmotionMusic: rendered music as mel frames, with the node, intensity and key it was made for or the quadrant heard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval

from datamodules.emotion_node import library, made
from datamodules.shared.augmentation import Decibels
from datamodules.shared.frame_data import FrameData
from datamodules.shared.settings import load_of
from datamodules.shared.splits import Groups
from datamodules.shared.troubles import Troubles
from kmidi_lab.audio.augment import raise_floor
from kmidi_lab.audio.clips import Clip
from kmidi_lab.bounds import Count, CountOrNone, Share
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import CLASSES, NodeBatch, learnt_of, pair_of, taught_of

_TOGETHER = 32
_FLOORS_DB = (20.0, 45.0)


class EmotionMusic(FrameData[Clip, NodeBatch]):
    """Pairs of clips alike but for the key → frames; an epoch shows one stretch of every pair, from a reset on.

    Args:
        root: folder that holds `emopia/` and `pop909/` as published.
        cache_dir: where rendered clips are kept, by content.
        sources: all that are there are used: `rules` (always is), `emopia`, `pop909`.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        renderings: training clips of each node, each in two keys.
        stretches: of each piece of played music and SoundFont to train on, each in two keys.
        teacher: whether a listener made of EMOPIA's training notes says of those stretches which quadrant and key they are in.
        nodes: how many of the 216, evenly over all.
        split_seed: of what is rendered.
        copies: of each training clip through channels that are drawn, rendered: a level up to 22 dB softer or louder, noise,
            hum, a telephone line, MP3 or a poor resampler (`datamodules.shared.recorded`).
        changed: share of the stretches that are of a copy, drawn for each key of a pair.
        background, hum, line: shares of the stretches that get noise, the hum of mains, a line with a band of its own
            (`datamodules.shared.troubles`).
        fonts: paths of SoundFonts that played music is trained on beside TimGM6mb.
        test_font: of the SoundFont that played music is tested through; null is TimGM6mb.
        frames: of a training stretch; the loss looks at frames from the 33rd on.
        equaliser: decibels that bands are louder or softer, smoothly over the spectrum
            (audio.augment.equalise_by_cosines).
        conditions: score test clips in other recording conditions, too (`audio.conditions.CHANGES`).
        bands, masked: widest stripes of bands and of frames that are covered in training; off at 0.
        workers: processes that render.

    Raises:
        ConfigError: a value out of range. DataError: a SoundFont that is not there.
    """

    id = "emotion_music"
    contract = EMOTION_NODE
    vocabulary = CLASSES
    root_sources: tuple[str, ...] = library.SOURCES[1:]
    bytes_per_example = 2 * 1024 * 1024
    identity_settings = ("sources", "renderings", "stretches", "copies", "nodes", "split_seed")
    other_settings = (
        "teacher", "fonts", "test_font", "frames", "equaliser", "conditions", "bands", "masked",
        "changed", "background", "hum", "line",
    )  # fmt: skip
    probed = 40

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        split: str = "test",
        renderings: Count = 6,
        stretches: Count = 1,
        teacher: bool = False,
        copies: CountOrNone = 0,
        changed: Share = 0.5,
        background: Share = 0.0,
        hum: Share = 0.0,
        line: Share = 0.0,
        nodes: Annotated[int, Interval(ge=2, le=made.NODES)] = made.NODES,
        split_seed: int = 0,
        fonts: Sequence[str] = (),
        test_font: str | None = None,
        batch_size: int = 24,
        frames: Annotated[int, Ge(64)] = 192,
        equaliser: Decibels = 3.0,
        conditions: bool = False,
        bands: CountOrNone = 12,
        masked: CountOrNone = 16,
        workers: Count = 2,
        progress: bool = True,
    ) -> None:
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources, renderings=renderings, stretches=stretches,
            teacher=teacher, copies=copies, nodes=nodes, split_seed=split_seed, fonts=tuple(fonts), test_font=test_font, workers=workers, progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size, frames, equaliser, bands, masked)
        self._copies, self._changed, self._shares = copies, changed, (background, hum, line)
        self._in_conditions = partial(
            library.load_conditions, Path(root), Path(cache_dir), tuple(sources), nodes, split_seed, tuple(fonts),
            test_font, workers, progress,
        ) if conditions else None  # fmt: skip

    def grouped(self, songs: list[Clip]) -> Groups:
        return library.grouped(songs)

    def frames_of(self, song: Clip) -> np.ndarray:
        return song.sound.frames

    def in_conditions(self, split: str) -> list[Clip]:
        """Clips of a split with their frames in each recording condition as variants; none if they are not wanted."""
        return self._in_conditions() if self._in_conditions and split == "test" else []

    def counts(self, split: str) -> dict[str, int]:
        clips = self.songs(split)
        own = [c for c in clips if "node" in c.labels]
        return {
            "songs": len(clips),
            "by_rule": len(own),
            "instruments": len({c.labels["melody"] for c in own}),
            "tunes": len({c.labels["tune"] for c in own}),
            "recordings": len({(c.source, c.group) for c in clips if "node" not in c.labels}),
            "frames": sum(len(c.sound.frames) for c in clips),
        }

    def train_dataloader(self) -> object:
        clips = self.songs("train")
        self._pairs, self._targets, self._quadrants, self._taught = self._paired(clips)
        self._troubles = Troubles.on(self.device, *self._shares)
        if self._copies:
            self._copied = self.stored_frames([copy for clip in clips for copy in clip.sound.variants])
        return self.index_batches(len(self._pairs), self._gather)

    def whole(self, split: str) -> list[NodeBatch]:
        """Every pair from its first frame to its last, up to 32 of one length at a time."""
        clips = self.songs(split)
        store = self.stored(clips)
        pairs, target, quadrant, taught = self._paired(clips)
        batches = []
        for length in store.lengths[pairs[:, 0]].unique().tolist():
            for some in (store.lengths[pairs[:, 0]] == length).nonzero()[:, 0].split(_TOGETHER):
                both = pairs[some].flatten()
                x, _ = store.take(both, torch.zeros_like(both), length)
                batches.append(NodeBatch(x.unflatten(0, (-1, 2)), target[pairs[some]], quadrant[some], taught[some]))
        return batches

    def _paired(self, clips: Sequence[Clip]) -> tuple[torch.Tensor, ...]:
        """Places of the pairs `[P, 2]`, the classes of every clip `[N, 5]`, and the pairs' quadrants: listeners' `[P]`, by notes `[P, 4]`."""
        of: dict[str, list[int]] = {}
        for place, clip in enumerate(clips):
            of.setdefault(pair_of(clip), []).append(place)
        pairs = [versions[i : i + 2] for versions in of.values() for i in range(0, len(versions) - 1, 2)]
        quadrants = [clips[first].labels.get("quadrant", -1) for first, _ in pairs]
        taught = [taught_of(clips[first]) for first, _ in pairs]
        rows = [learnt_of(clip) for clip in clips]
        return tuple(torch.tensor(column, device=self.device) for column in (pairs, rows, quadrants, taught))

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> NodeBatch:
        (store, _), pairs = self.heard_in_training(), self._pairs[index]
        start = self.begins(store.lengths[pairs].min(1).values, generator)
        clips, start = pairs.flatten(), start.repeat_interleave(2)
        x, _ = store.take(clips, start, self.frames)
        if self._copies:
            drawn, which = torch.rand(2, len(clips), generator=generator, device=self.device)
            of, changed = clips * self._copies + (which * self._copies).long(), drawn < self._changed
            x[changed] = self._copied.take(of[changed], start[changed], self.frames)[0]
        x = self._troubles(self.equalised(x, generator), generator)
        x = raise_floor(x, _FLOORS_DB, generator)
        x = self.covered(x, generator)
        return NodeBatch(x.unflatten(0, (-1, 2)), self._targets[pairs], self._quadrants[index], self._taught[index])


class RenderedNodes(EmotionMusic):
    """Music by rule alone, whatever the data root holds; settings as of EmotionMusic."""

    id = "emotion_nodes"
    root_sources = ()
