"""GrooveMidi: drum performances in 4/4 as `groove` contract vectors, bar after bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader

from datamodules.batches import IndexBatches
from datamodules.groove import library
from datamodules.splits import SPLITS
from kmidi_lab.contracts import GROOVE
from kmidi_lab.errors import ConfigError, DataError, one_of
from kmidi_lab.features.batches import GrooveBatch
from kmidi_lab.features.drums import VOICES
from kmidi_lab.features.groove import STYLES, Encoded, Performance, encode_performances

_VOICE = torch.arange(GROOVE.input("onsets").size) % len(VOICES)


class GrooveMidi(L.LightningDataModule):
    """Takes → bars → contract vectors; an epoch shows one window of consecutive bars of every take.

    Args:
        root: folder that holds `groove/` with `info.csv`. cache_dir: where prepared takes are kept, by content hash.
        sources: in order of preference; the first that is there is used, and `styles` (generated) always is.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        test_drummers: whose takes are the test where the published test part is not there.
        split_seed: of the generated takes' split. window: bars of one training sequence.
        style_dropout, phrase_dropout: share of training windows whose style and swing (place in the phrase) are unknown.
        voice_dropout: share of training windows that lack one of the three voices.
        tempo_jitter: largest relative change of the tempo that training windows name.

    Raises:
        ConfigError: a value out of range. DataError: none of the sources is there, or holds a usable take.
    """

    id = "groove_midi"
    contract = GROOVE
    vocabulary: tuple[str, ...] = STYLES
    root_sources: tuple[str, ...] = ("groove_midi", "fma")
    """Sources that lie under `root`; the others come with the lab."""
    bytes_per_example = 256 * 1024
    """Rough training memory of one window: inputs, activations and their gradients."""

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = ("groove_midi", "styles"),
        split: str = "test",
        test_drummers: Sequence[str] = ("drummer3", "drummer4", "drummer7"),
        split_seed: int = 0,
        batch_size: int = 12,
        window: int = 64,
        style_dropout: float = 0.1,
        phrase_dropout: float = 0.2,
        voice_dropout: float = 0.1,
        tempo_jitter: float = 0.05,
        progress: bool = True,
    ) -> None:
        super().__init__()
        for name in sources:
            if name not in library.SOURCES:
                raise ConfigError(one_of("data.sources", name, library.SOURCES))
        if not sources:
            raise ConfigError("data.sources is empty; give data.sources=[groove_midi,styles]")
        if split not in (*SPLITS, "all"):
            raise ConfigError(one_of("data.split", split, (*SPLITS, "all")))
        shares = {"style_dropout": style_dropout, "phrase_dropout": phrase_dropout, "voice_dropout": voice_dropout}
        for key, value in shares.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"data.{key}={value} is not a share; give 0 to 1, such as data.{key}=0.1")
        if not 0 <= tempo_jitter <= 0.5:
            raise ConfigError(f"data.tempo_jitter={tempo_jitter} must be 0 to 0.5, such as data.tempo_jitter=0.05")
        for key, count in (("batch_size", batch_size), ("window", window)):
            if count < 1:
                raise ConfigError(f"data.{key}={count} must be 1 or more")
        self.batch_size, self.split, self.window = batch_size, split, window
        self._shares, self._jitter = tuple(shares.values()), tempo_jitter
        self._settings: dict[str, Any] = {
            "root": Path(root),
            "cache_dir": Path(cache_dir),
            "sources": tuple(sources),
            "test_drummers": tuple(test_drummers),
            "split_seed": split_seed,
        }
        self.library: library.Library | None = None
        self._encoded: dict[str, Encoded] = {}
        self._tensors: dict[str, torch.Tensor] = {}
        self._device = torch.device("cpu")

    def prepare_data(self) -> None:
        library.load(**self._settings)

    def setup(self, stage: str | None = None) -> None:
        if self.library is None:
            self.library = library.load(**self._settings)
        if stage == "fit":
            for split in ("train", "val"):
                if not self.songs(split):
                    raise DataError(f"the {split} split is empty; leave fewer drummers in data.test_drummers")

    def songs(self, split: str) -> list[Performance]:
        """The performances of `train`, `val`, `test` or `all`."""
        assert self.library is not None, "call setup() first"
        places = zip(self.library.performances, self.library.splits, strict=True)
        return [p for p, where in places if split in (where, "all")]

    def encoded(self, split: str) -> Encoded:
        """Contract vectors and targets of every bar of a split; made once, not to be written to."""
        if split not in self._encoded:
            self._encoded[split] = encode_performances(self.songs(split))
        return self._encoded[split]

    def probes(self) -> np.ndarray:
        """`[T, 64]` bars of the test split, one performance after the other."""
        return self.encoded("test").x

    def seen(self, songs: Sequence[Performance]) -> int:
        """How many of `songs` are near-duplicates of a take that this data trains or validates on."""
        known = [*self.songs("train"), *self.songs("val")]
        groups = library.group([*known, *songs])
        taken = {groups.find(i) for i in range(len(known))}
        return sum(groups.find(len(known) + i) in taken for i in range(len(songs)))

    def write_problems(self, path: Path) -> None:
        """Every skipped take as CSV."""
        assert self.library is not None, "call setup() first"
        library.write_problems(self.library.problems, path)

    def describe(self) -> dict[str, Any]:
        """The `data` object of run.json."""
        assert self.library is not None, "call setup() first"
        counts: dict[str, Any] = {}
        for split in SPLITS:
            e = self.encoded(split)
            players = {d for d, where in zip(self.library.drummers, self.library.splits, strict=True) if where == split}
            counts[split] = {
                "songs": len(e.starts) - 1,
                "drummers": len(players),
                "bars": len(e.x),
                "strokes": int(e.hit.sum()),
            }
        return {"id": self.id, **self.library.description, "split": {**self.library.split_rule, **counts}}

    def train_dataloader(self) -> IndexBatches[GrooveBatch]:
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        self._place(self._root_device())
        size = len(self.songs("train"))
        epoch = (lambda: int(trainer.current_epoch)) if trainer else (lambda: 0)
        return IndexBatches(size, min(self.batch_size, size), self._gather, _cut, self._device, epoch, rank, world)

    def val_dataloader(self) -> DataLoader[GrooveBatch]:
        return self._whole("val")

    def test_dataloader(self) -> DataLoader[GrooveBatch]:
        return self._whole("test")

    def transfer_batch_to_device(self, batch: GrooveBatch, device: torch.device, dataloader_idx: int) -> GrooveBatch:
        return batch

    def _whole(self, split: str) -> DataLoader[GrooveBatch]:
        """Every performance from its first bar to its last, as one batch on the device."""
        tensors = _tensors(self.encoded(split), self._root_device())
        begin, end = tensors["starts"][:-1], tensors["starts"][1:]
        longest = int((end - begin).max()) if len(begin) else 1
        batch = _take(tensors, begin, end, longest)
        return DataLoader([batch], batch_size=None, collate_fn=lambda b: b)  # type: ignore[arg-type]

    def _root_device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    def _place(self, device: torch.device) -> None:
        self._device, self._tensors = device, _tensors(self.encoded("train"), device)

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> GrooveBatch:
        """A window of each performance from a random bar on, then the kinds of missing knowledge."""
        first, last = self._tensors["starts"][index], self._tensors["starts"][index + 1]
        room = (last - first - self.window).clamp(min=0)

        def rand(*shape: int) -> torch.Tensor:
            return torch.rand(shape, generator=generator, device=self._device)

        n = len(index)
        begin = first + (rand(n) * (room + 1)).long()
        batch = _take(self._tensors, begin, last, self.window)
        x = batch.x
        style, phrase, voice = (rand(n, 1, 1) < share for share in self._shares)
        lost = (rand(n) * len(VOICES)).long()[:, None, None]
        x[..., GROOVE.input("style").index] *= ~style
        x[..., GROOVE.input("swing").index] *= ~style
        x[..., GROOVE.input("phrase_position").index] *= ~phrase
        x[..., GROOVE.input("onsets").index] *= ~(voice & (_VOICE.to(self._device) == lost))
        hit = batch.hit * ~(voice & (torch.arange(len(VOICES), device=self._device) == lost))[:, None]
        change = 1 + self._jitter * (2 * rand(n, 1, 1) - 1)
        tempo = x[..., GROOVE.input("tempo").index]
        x[..., GROOVE.input("tempo").index] = 2 * (change - 1) + tempo * change  # (bpm * change - 120) / 60
        return batch._replace(hit=hit)


def _tensors(e: Encoded, device: torch.device) -> dict[str, torch.Tensor]:
    """Arrays of `e`, each of the bars' with a bar of zeros behind the last for windows that reach beyond."""
    arrays = {
        "x": e.x,
        "timing": e.timing,
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


def _cut(batch: GrooveBatch, size: int) -> Iterator[GrooveBatch]:
    for parts in zip(*(t.split(size) for t in batch), strict=True):
        yield GrooveBatch(*parts)
