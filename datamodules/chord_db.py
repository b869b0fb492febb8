"""ChordDB: chord sequences from every source that is present, as `harmony` contract vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader

from datamodules import chord_library
from datamodules.batches import IndexBatches
from datamodules.splits import SPLITS
from kmidi_lab.baselines.harmony import TokenSong
from kmidi_lab.chords.chord import QUALITIES
from kmidi_lab.contracts import HARMONY
from kmidi_lab.errors import ConfigError, DataError, one_of
from kmidi_lab.features.batches import HarmonyBatch
from kmidi_lab.features.harmony import Encoded, Song, encode_songs, joint_class, transposition_table


class ChordDB(L.LightningDataModule):
    """Songs → merged events → contract vectors, split by song and by distinct progression.

    Args:
        root: folder that holds the data sets (`jazz_standards/`, `pop909/`, `kmidi/`).
        cache_dir: where prepared songs are kept, by content hash.
        sources: which of `chord_library.SOURCES` to use; an absent folder is left out and said so.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        emotion_dropout: share of training events whose emotion is set to unknown.
        plain_share: share of training events whose chords are given by template tones only.
        metre_dropout: share of training events whose phrase position and duration are unknown.
        grid_share: share of training events whose phrase position is that of a plain eight-bar grid.

    Raises:
        ConfigError: a value out of range. DataError: no source holds a usable song.
    """

    id = "chord_db"
    contract = HARMONY
    vocabulary: tuple[str, ...] = QUALITIES
    root_sources: tuple[str, ...] = ("kmidi", "jazz_standards", "pop909")
    """Sources that lie under `root`; the others come with the lab."""
    bytes_per_example = 16 * 1024
    """Rough training memory of one event: inputs, activations and their gradients."""

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = chord_library.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        val_share: float = 0.1,
        test_share: float = 0.15,
        batch_size: int = 256,
        emotion_dropout: float = 0.3,
        plain_share: float = 0.2,
        metre_dropout: float = 0.1,
        grid_share: float = 0.15,
        progress: bool = True,
    ) -> None:
        super().__init__()
        for name in sources:
            if name not in chord_library.SOURCES:
                raise ConfigError(one_of("data.sources", name, chord_library.SOURCES))
        if split not in (*SPLITS, "all"):
            raise ConfigError(one_of("data.split", split, (*SPLITS, "all")))
        shares = {
            "emotion_dropout": emotion_dropout, "plain_share": plain_share,
            "metre_dropout": metre_dropout, "grid_share": grid_share,
        }  # fmt: skip
        for key, value in shares.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"data.{key}={value} is not a share; give 0 to 1, such as data.{key}=0.3")
        if not (val_share > 0 and test_share > 0 and val_share + test_share < 0.9):
            raise ConfigError("data.val_share and data.test_share must be above 0 and together below 0.9")
        if batch_size < 1:
            raise ConfigError(f"data.batch_size={batch_size} must be 1 or more")
        self.batch_size, self.split = batch_size, split
        self._shares = tuple(shares.values())
        self._settings: dict[str, Any] = {
            "root": Path(root),
            "cache_dir": Path(cache_dir),
            "sources": tuple(sources),
            "seed": split_seed,
            "val": val_share,
            "test": test_share,
            "progress": progress,
        }
        self.library: chord_library.Library | None = None
        self._encoded: dict[str, Encoded] = {}
        self._tensors: dict[str, torch.Tensor] = {}
        self._device = torch.device("cpu")

    def prepare_data(self) -> None:
        chord_library.load(**self._settings)

    def setup(self, stage: str | None = None) -> None:
        if self.library is None:
            self.library = chord_library.load(**self._settings)
        if not self.songs("train") and stage == "fit":
            raise DataError("the training split is empty; add sources, such as data.sources=[embedded,rntxt,chorales]")

    def songs(self, split: str) -> list[Song]:
        """The songs of `train`, `val`, `test` or `all`."""
        assert self.library is not None, "call setup() first"
        return [s for s, where in zip(self.library.songs, self.library.splits, strict=True) if split in (where, "all")]

    def sequences(self, split: str) -> list[TokenSong]:
        """The same songs as joint classes, for the baselines."""
        return [
            TokenSong(tuple(joint_class(e.chord, e.key) for e in s.events), s.events[0].key.mode, s.source)
            for s in self.songs(split)
        ]

    def encoded(self, split: str) -> Encoded:
        """Contract vectors and targets of every event of a split, untransposed; made once, not to be written to."""
        if split not in self._encoded:
            self._encoded[split] = encode_songs(self.songs(split))
        return self._encoded[split]

    def probes(self) -> np.ndarray:
        """`[T, 128]` real inputs of the test split, for parity, golden vectors and timing."""
        return self.encoded("test").x

    def seen(self, songs: Sequence[Song]) -> int:
        """How many of `songs` would share a split with a song that this data trains or validates on."""
        known = [*self.songs("train"), *self.songs("val")]
        groups = chord_library.group([*known, *songs])
        taken = {groups.find(i) for i in range(len(known))}
        return sum(groups.find(len(known) + i) in taken for i in range(len(songs)))

    def write_problems(self, path: Path) -> None:
        """Every skipped file, song and symbol as CSV."""
        assert self.library is not None, "call setup() first"
        chord_library.write_problems(self.library.problems, path)

    def describe(self) -> dict[str, Any]:
        """The `data` object of run.json."""
        assert self.library is not None, "call setup() first"
        counts = {
            split: {"songs": len(songs), "events": sum(len(s.events) for s in songs)}
            for split in SPLITS
            for songs in [self.songs(split)]
        }
        return {"id": self.id, **self.library.description, "split": {**self.library.split_rule, **counts}}

    def train_dataloader(self) -> IndexBatches[HarmonyBatch]:
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        self._place(self._root_device())
        size = len(self._tensors["joint"])
        epoch = (lambda: int(trainer.current_epoch)) if trainer else (lambda: 0)
        return IndexBatches(size, min(self.batch_size, size), self._gather, _cut, self._device, epoch, rank, world)

    def val_dataloader(self) -> DataLoader[HarmonyBatch]:
        return self._whole("val")

    def test_dataloader(self) -> DataLoader[HarmonyBatch]:
        return self._whole("test")

    def transfer_batch_to_device(self, batch: HarmonyBatch, device: torch.device, dataloader_idx: int) -> HarmonyBatch:
        return batch

    def _whole(self, split: str) -> DataLoader[HarmonyBatch]:
        """A split as one batch on the device."""
        batch = _batch(self.encoded(split), self._root_device())
        return DataLoader([batch], batch_size=None, collate_fn=lambda b: b)  # type: ignore[arg-type]

    def _root_device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    def _place(self, device: torch.device) -> None:
        e = self.encoded("train")
        self._device = device
        arrays = {name: getattr(e, name) for name in ("grid", "root", "quality", "bass", "joint", "voices")}
        arrays["x"] = np.concatenate([e.x, e.x_plain])  # an event's plain form stands len(joint) rows further on
        self._tensors = {n: torch.from_numpy(np.ascontiguousarray(a)).to(device) for n, a in arrays.items()}
        self._tensors["table"] = torch.from_numpy(transposition_table()).to(device)

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> HarmonyBatch:
        """A random key for every event, then the kinds of missing knowledge."""
        t, n, device = self._tensors, len(index), self._device
        keys = torch.randint(12, (n,), generator=generator, device=device)
        emotion, plain, metre, grid = (torch.rand(n, 1, generator=generator, device=device) < p for p in self._shares)
        x = t["x"][index + len(t["joint"]) * plain.squeeze(1)].gather(1, t["table"][keys])
        position = HARMONY.input("phrase_position").index
        x[:, HARMONY.input("emotion").index] *= ~emotion
        x[:, position] = torch.where(grid, t["grid"][index], x[:, position])
        x[:, position.start :] *= ~metre
        return HarmonyBatch(
            x, (t["root"][index] + keys) % 12, t["quality"][index], (t["bass"][index] + keys) % 12,
            t["joint"][index], t["voices"][index],
        )  # fmt: skip


def _batch(e: Encoded, device: torch.device) -> HarmonyBatch:
    return HarmonyBatch(*(torch.from_numpy(getattr(e, name)).to(device) for name in HarmonyBatch._fields))


def _cut(batch: HarmonyBatch, size: int) -> Iterator[HarmonyBatch]:
    for parts in zip(*(t.split(size) for t in batch), strict=True):
        yield HarmonyBatch(*parts)
