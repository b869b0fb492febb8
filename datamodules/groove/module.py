"""DrumPerformances: drum performances in 4/4 as `groove` contract vectors, bar after bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval

from datamodules.groove import library
from datamodules.shared.batches import IndexBatches
from datamodules.shared.encoded_data import EncodedData
from datamodules.shared.settings import checked_train_on, load_of
from datamodules.shared.splits import Groups
from kmidi_lab.bounds import Count, Share
from kmidi_lab.data import SPLIT
from kmidi_lab.midi.piece import VOICES
from kmidi_lab.models.groove.contract import GROOVE
from kmidi_lab.models.groove.features import STYLES, EncodedPerformances, GrooveBatch, encode_performances
from kmidi_lab.models.groove.grid import Performance

_VOICE = torch.arange(GROOVE.input("onsets").size) % len(VOICES)


class DrumPerformances(EncodedData[Performance, GrooveBatch, EncodedPerformances]):
    """Takes → bars → contract vectors; an epoch shows one window of consecutive bars of every take.

    Args:
        root: folder that holds `groove/` with `info.csv`.
        cache_dir: where prepared takes are kept, by content hash.
        sources: in order of preference; the first that is there is used, and `styles` (generated) always is.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        test_drummers: whose takes are the test where the published test part is not there. Without any, the published
            validation part is the test, and a share of the published training part is the validation.
        split_seed: of the generated takes' split.
        train_on: `split`, its training part, or `all`: validation and test, too, so that nothing is left to score.
        window: bars of one training sequence.
        style_dropout, phrase_dropout: share of training windows whose style and swing (place in the phrase) are
            unknown.
        voice_dropout: share of training windows that lack one of the three voices.
        tempo_jitter: largest relative change of the tempo that training windows name.
        level_share: by which share of the distance training brings each take's mean velocity to that of all.

    Raises:
        ConfigError: a value out of range. DataError: none of the sources is there, or holds a usable take.
    """

    id = "groove_midi"
    contract = GROOVE
    vocabulary: tuple[str, ...] = STYLES
    root_sources: tuple[str, ...] = ("groove_midi", "fma")
    bytes_per_example = 256 * 1024
    identity_settings = ("sources", "train_on", "test_drummers", "split_seed")
    other_settings = ("window", "style_dropout", "phrase_dropout", "voice_dropout", "tempo_jitter", "level_share")
    remedy = "name some of the drummers of these takes, not all, in data.test_drummers, or give another data.split_seed"

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = ("groove_midi", "styles"),
        split: str = "test",
        test_drummers: Sequence[str] = ("drummer3", "drummer4", "drummer7"),
        split_seed: int = 0,
        train_on: str = SPLIT,
        batch_size: int = 12,
        window: Count = 64,
        style_dropout: Share = 0.1,
        phrase_dropout: Share = 0.2,
        voice_dropout: Share = 0.1,
        tempo_jitter: Annotated[float, Interval(ge=0, le=0.5)] = 0.05,
        level_share: Annotated[float, Interval(ge=0, le=1)] = 0.5,
        progress: bool = True,
    ) -> None:
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources, test_drummers=tuple(test_drummers),
            split_seed=split_seed, progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self.train_on = checked_train_on(train_on)
        self.window = window
        self.level_share = level_share
        self._shares, self._jitter = (style_dropout, phrase_dropout, voice_dropout), tempo_jitter
        self._tensors: dict[str, torch.Tensor] = {}

    def encode(self, songs: list[Performance]) -> EncodedPerformances:
        return encode_performances(songs)

    def inputs(self, encoded: EncodedPerformances) -> np.ndarray:
        return encoded.x

    def grouped(self, songs: list[Performance]) -> Groups:
        return library.group(songs)

    def counts(self, split: str) -> dict[str, int]:
        takes, e = self.library, self.encoded(split)
        assert isinstance(takes, library.Library)
        players = {d for d, where in zip(takes.drummers, takes.splits, strict=True) if where == split}
        return {
            "songs": len(e.starts) - 1,
            "drummers": len(players),
            "bars": len(e.x),
            "strokes": int(e.hit.sum()),
        }

    def train_dataloader(self) -> IndexBatches[GrooveBatch]:
        self._tensors = _tensors(self.encoded("train").levelled(self.level_share), self.device)
        return self.index_batches(len(self.songs("train")), self._gather)

    def whole(self, split: str) -> list[GrooveBatch]:
        """Every performance from its first bar to its last, as one batch."""
        tensors = _tensors(self.encoded(split), self.device)
        begin, end = tensors["starts"][:-1], tensors["starts"][1:]
        return [_take(tensors, begin, end, int((end - begin).max()) if len(begin) else 1)]

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> GrooveBatch:
        """A window of each performance from a random bar on, then the kinds of missing knowledge."""
        first, last = self._tensors["starts"][index], self._tensors["starts"][index + 1]
        room = (last - first - self.window).clamp(min=0)

        def rand(*shape: int) -> torch.Tensor:
            return torch.rand(shape, generator=generator, device=index.device)

        n = len(index)
        begin = first + (rand(n) * (room + 1)).long()
        batch = _take(self._tensors, begin, last, self.window)
        x = batch.x
        style, phrase, voice = (rand(n, 1, 1) < share for share in self._shares)
        lost = (rand(n) * len(VOICES)).long()[:, None, None]
        x[..., GROOVE.input("style").index] *= ~style
        x[..., GROOVE.input("swing").index] *= ~style
        x[..., GROOVE.input("phrase_position").index] *= ~phrase
        x[..., GROOVE.input("onsets").index] *= ~(voice & (_VOICE.to(index.device) == lost))
        hit = batch.hit * ~(voice & (torch.arange(len(VOICES), device=index.device) == lost))[:, None]
        change = 1 + self._jitter * (2 * rand(n, 1, 1) - 1)
        tempo = x[..., GROOVE.input("tempo").index]
        x[..., GROOVE.input("tempo").index] = 2 * (change - 1) + tempo * change  # (bpm * change - 120) / 60
        return batch._replace(hit=hit)


def _tensors(e: EncodedPerformances, device: torch.device) -> dict[str, torch.Tensor]:
    """Arrays of `e` without latency, each of the bars' with a bar of zeros behind the last for windows that reach beyond."""
    arrays = {
        "x": e.x,
        "timing": e.centred().timing,
        "velocity": e.velocity,
        "hit": e.hit.astype(np.float32),
        "tempo": 120 / e.bpm,
    }
    padded = {name: np.concatenate([a, np.zeros_like(a, shape=(1, *a.shape[1:]))]) for name, a in arrays.items()}
    padded["starts"] = e.starts
    return {name: torch.from_numpy(a).to(device) for name, a in padded.items()}


def _take(tensors: dict[str, torch.Tensor], begin: torch.Tensor, end: torch.Tensor, length: int) -> GrooveBatch:
    """`length` bars from each of `begin` `[B]` on; bars at `end` `[B]` and beyond are zeros without a hit."""
    rows = begin[:, None] + torch.arange(length, device=begin.device)
    rows = torch.where(rows < end[:, None], rows, len(tensors["x"]) - 1)
    return GrooveBatch(*(tensors[name][rows] for name in GrooveBatch._fields))
