"""ASAP: piano performances note by note as `dynamics` contract vectors, or KTH-rule performances that stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader

from datamodules.batches import IndexBatches
from datamodules.dynamics import library as performances
from datamodules.dynamics.emotion import coloured
from datamodules.dynamics.performances import Performance
from datamodules.splits import SPLITS
from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.errors import ConfigError, DataError, one_of
from kmidi_lab.features.batches import DynamicsBatch
from kmidi_lab.features.dynamics import EncodedPiece, encode

_HISTORY, _PITCH = DYNAMICS.input("previous_velocities").index, DYNAMICS.input("pitch").start
_VELOCITY = DYNAMICS.output("velocity").start
_LOUD = slice(_VELOCITY, DYNAMICS.output("velocity_curve").stop)


class ASAP(L.LightningDataModule):
    """Performances → contract vectors and targets, split by piece with near-duplicates.

    Args:
        root: folder that holds `asap/`. cache_dir: where prepared performances are kept, by content hash.
        sources: of `library.SOURCES`; the first that is there is used, and said so.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        notes_per_epoch: training notes drawn for an epoch, as many from each piece, however long or often recorded.
        history_dropout: share of training notes whose previous velocities are unknown (zeros). How loud the whole
            performance is can't be known then, so their velocities are those of a performance of average level.
        history_noise: standard deviation of what is added to the other previous velocities, velocity / 127.
        pitch_jitter: standard deviation in semitones of what is added to the pitch, as if the piece were transposed.
        emotion_share: share of training notes coloured by a random emotion (`dynamics.emotion`).

    Raises:
        ConfigError: a value out of range. DataError: no source holds a usable performance.
    """

    id = "asap"
    contract = DYNAMICS
    vocabulary: tuple[str, ...] = ()
    root_sources: tuple[str, ...] = ("asap",)
    """Sources that lie under `root`."""
    bytes_per_example = 8 * 1024
    """Rough training memory of one note: inputs, activations and their gradients."""

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = performances.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        val_share: float = 0.15,
        test_share: float = 0.15,
        batch_size: int = 1024,
        notes_per_epoch: int = 200_000,
        history_dropout: float = 0.8,
        history_noise: float = 0.3,
        pitch_jitter: float = 0.0,
        emotion_share: float = 0.5,
        progress: bool = True,
    ) -> None:
        super().__init__()
        for name in sources:
            if name not in performances.SOURCES:
                raise ConfigError(one_of("data.sources", name, performances.SOURCES))
        if not sources:
            raise ConfigError("data.sources is empty; give data.sources=[asap] or data.sources=[kth_rules]")
        if split not in (*SPLITS, "all"):
            raise ConfigError(one_of("data.split", split, (*SPLITS, "all")))
        shares = {"history_dropout": history_dropout, "history_noise": history_noise, "emotion_share": emotion_share}
        for key, value in shares.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"data.{key}={value} must be 0 to 1, such as data.{key}=0.3")
        if not (val_share > 0 and test_share > 0 and val_share + test_share < 0.9):
            raise ConfigError("data.val_share and data.test_share must be above 0 and together below 0.9")
        if batch_size < 1 or notes_per_epoch < 1:
            raise ConfigError(
                f"data.batch_size={batch_size} and data.notes_per_epoch={notes_per_epoch} must be 1 or more"
            )
        if not 0 <= pitch_jitter <= 12:
            raise ConfigError(
                f"data.pitch_jitter={pitch_jitter} must be 0 to 12 semitones, such as data.pitch_jitter=3"
            )
        self.batch_size, self.split = batch_size, split
        self._dropout, self._noise, self._emotion = shares.values()
        self._jitter, self._notes = pitch_jitter / 127, notes_per_epoch
        self._settings: dict[str, Any] = {
            "root": Path(root),
            "cache_dir": Path(cache_dir),
            "sources": tuple(sources),
            "seed": split_seed,
            "val": val_share,
            "test": test_share,
            "progress": progress,
        }
        self.library: performances.Library | None = None
        self._encoded: dict[str, list[EncodedPiece]] = {}
        self._tensors: dict[str, torch.Tensor] = {}
        self._device = torch.device("cpu")

    def prepare_data(self) -> None:
        performances.load(**self._settings)

    def setup(self, stage: str | None = None) -> None:
        if self.library is None:
            self.library = performances.load(**self._settings)
        if stage == "fit" and not (self.songs("train") and self.songs("val")):
            raise DataError(
                "the training or the validation split is empty; give other data.val_share or data.split_seed"
            )

    def songs(self, split: str) -> list[Performance]:
        """The performances of `train`, `val`, `test` or `all`."""
        assert self.library is not None, "call setup() first"
        pairs = zip(self.library.performances, self.library.splits, strict=True)
        return [p for p, where in pairs if split in (where, "all")]

    def encoded(self, split: str) -> list[EncodedPiece]:
        """Contract vectors and targets of every performance of a split; made once, not to be written to."""
        if split not in self._encoded:
            self._encoded[split] = [encode(p.score, p.played, p.piece, p.source) for p in self.songs(split)]
        return self._encoded[split]

    def probes(self) -> np.ndarray:
        """`[T, 32]` real inputs of the test split, for parity, golden vectors and timing."""
        return np.concatenate([p.x for p in self.encoded("test")])

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[32]` of the training inputs; 0 and 1 for what never changes there."""
        x = np.concatenate([p.x for p in self.encoded("train")]).astype(np.float64)
        mean, std = x.mean(0), x.std(0)
        still = std < 1e-3
        return torch.from_numpy(np.where(still, 0.0, mean)), torch.from_numpy(np.where(still, 1.0, std))

    def seen(self, songs: Sequence[Performance]) -> int:
        """How many of `songs` would share a split with one that this data trains or validates on."""
        known = [*self.songs("train"), *self.songs("val")]
        groups = performances.group([*known, *songs])
        taken = {groups.find(i) for i in range(len(known))}
        return sum(groups.find(len(known) + i) in taken for i in range(len(songs)))

    def write_problems(self, path: Path) -> None:
        """Every performance that was left out as CSV."""
        assert self.library is not None, "call setup() first"
        performances.write_problems(self.library.problems, path)

    def describe(self) -> dict[str, Any]:
        """The `data` object of run.json."""
        assert self.library is not None, "call setup() first"
        return {
            **self.library.description,
            "split": {**self.library.split_rule, **performances.counts(self.library)},
        }

    def train_dataloader(self) -> IndexBatches[DynamicsBatch]:
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        self._device = trainer.strategy.root_device if trainer else torch.device("cpu")
        self._tensors = {n: torch.from_numpy(a).to(self._device) for n, a in _by_piece(self.encoded("train")).items()}
        size = max(self.batch_size, self._notes)
        epoch = (lambda: int(trainer.current_epoch)) if trainer else (lambda: 0)
        return IndexBatches(size, self.batch_size, self._gather, _cut, self._device, epoch, rank, world)

    def val_dataloader(self) -> DataLoader[list[EncodedPiece]]:
        return self._whole("val")

    def test_dataloader(self) -> DataLoader[list[EncodedPiece]]:
        return self._whole("test")

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return batch

    def _whole(self, split: str) -> DataLoader[list[EncodedPiece]]:
        """All performances of a split as one batch, in order: they are run freely, note by note."""
        return DataLoader([self.encoded(split)], batch_size=None, collate_fn=lambda b: b)  # type: ignore[arg-type]

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> DynamicsBatch:
        """Notes of all pieces alike; their history is noisy or unknown, some are coloured by an emotion."""
        t, n, device = self._tensors, len(index), self._device
        piece = index % len(t["first"])
        drawn = torch.rand(n, generator=generator, device=device, dtype=torch.float64) * t["count"][piece]
        rows = t["first"][piece] + drawn.long()
        x, y, known, level = (t[name][rows] for name in (*DynamicsBatch._fields, "level"))
        noise = torch.randn(n, _HISTORY.stop - _HISTORY.start, generator=generator, device=device) * self._noise
        history = x[:, _HISTORY]
        history = torch.where(history > 0, (history + noise).clamp(0.01, 1), history)
        unknown = torch.rand(n, 1, generator=generator, device=device) < self._dropout
        x[:, _HISTORY] = history * ~unknown
        y[:, _LOUD] = (y[:, _LOUD] - level[:, None] * unknown).clamp(0, 1)
        x[:, _PITCH] += torch.randn(n, generator=generator, device=device) * self._jitter
        mood = torch.rand(n, 2, generator=generator, device=device) * 2 - 1
        mood = mood * (torch.rand(n, 1, generator=generator, device=device) < self._emotion)
        return DynamicsBatch(*coloured(x, y, mood), known)


def _by_piece(performed: Sequence[EncodedPiece]) -> dict[str, np.ndarray]:
    """The notes that were found, piece by piece: `x`, `y`, `known`, each note's `level` (how much louder its performance
    is than all on average), and the `first` row and `count` of rows of each piece."""
    ordered = sorted(performed, key=lambda p: p.piece)
    found = [p.known[:, _VELOCITY] > 0 for p in ordered]
    loud = [float(p.y[f, _VELOCITY].mean()) for p, f in zip(ordered, found, strict=True)]
    sizes = np.array([int(f.sum()) for f in found])
    _, piece = np.unique([p.piece for p in ordered], return_inverse=True)
    count = np.bincount(piece, sizes).astype(np.int64)
    level = np.repeat(np.array(loud) - np.average(loud, weights=sizes), sizes)
    arrays = {
        name: np.concatenate([getattr(p, name)[f] for p, f in zip(ordered, found, strict=True)])
        for name in DynamicsBatch._fields
    }
    return {**arrays, "level": level.astype(np.float32), "first": np.cumsum(count) - count, "count": count}


def _cut(batch: DynamicsBatch, size: int) -> Iterator[DynamicsBatch]:
    for parts in zip(*(t.split(size) for t in batch), strict=True):
        yield DynamicsBatch(*parts)
