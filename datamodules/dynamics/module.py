"""ASAP, MAESTRO or Lakh: performances note by note as `dynamics` contract vectors, or KTH-rule ones that stand in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval

from datamodules.dynamics import lessons
from datamodules.dynamics import library as performances
from datamodules.dynamics.mood import coloured
from datamodules.shared.batches import IndexBatches
from datamodules.shared.encoded_data import EncodedData
from datamodules.shared.settings import SplitShare, checked_train_on, load_of, split_by
from datamodules.shared.splits import Groups
from kmidi_lab.bounds import Count, CountOrNone, Share
from kmidi_lab.data import SPLIT
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.models.dynamics.features import WRITTEN, DynamicsBatch, EncodedPiece, encode
from kmidi_lab.models.dynamics.targets import Performance

_HISTORY, _PITCH = DYNAMICS.input("previous_velocities").index, DYNAMICS.input("pitch").start
_VELOCITY = DYNAMICS.output("velocity").start
_LOUD = slice(_VELOCITY, DYNAMICS.output("velocity_curve").stop)


class PianoPerformances(EncodedData[Performance, list[EncodedPiece], list[EncodedPiece]]):
    """Performances → contract vectors and targets, split by piece with near-duplicates.

    Args:
        root: folder that holds `asap/`, `maestro-v3.0.0/` or `lakh/`.
        cache_dir: where prepared performances are kept, by content hash.
        sources: of `library.SOURCES`; the first that is there is used, and said so.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        train_on: `split`, its training part, or `all`: validation and test, too, so that nothing is left to score.
        notes_per_epoch: training notes drawn for an epoch, as many from each piece, however long or often recorded.
        history_dropout: share of training notes whose previous velocities are unknown (zeros). How loud the whole
            performance is can't be known then, so their velocities are those of a performance of average level.
        history_noise: standard deviation of what is added to the other previous velocities, velocity / 127.
        pitch_jitter: standard deviation in semitones of what is added to the pitch, as if the piece were transposed.
        written_dropout: share of training notes whose written dynamic is unknown.
        emotion_share: share of training notes coloured by a random emotion (`dynamics.emotion`).
        teachers: folds of pieces whose boosted trees teach the velocities (`dynamics.lessons`); 0: the pianists do. Then
            `history_noise` has no effect, and `history_dropout` and `pitch_jitter` change what the trees were asked.
        lesson_notes: notes that the trees are asked for.

    Raises:
        ConfigError: a value out of range, or trees where there is no written dynamic. DataError: no source holds a usable performance.
    """

    id = "asap"
    contract = DYNAMICS
    root_sources: tuple[str, ...] = ("asap", "maestro", "lakh")
    bytes_per_example = 8 * 1024
    identity_settings = ("sources", "train_on", "split_seed", "val_share", "test_share")
    other_settings = (
        "notes_per_epoch",
        "history_dropout",
        "history_noise",
        "pitch_jitter",
        "written_dropout",
        "emotion_share",
        "teachers",
        "lesson_notes",
    )

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = ("asap", "kth_rules"),
        split: str = "test",
        split_seed: int = 0,
        val_share: SplitShare = 0.15,
        test_share: SplitShare = 0.15,
        train_on: str = SPLIT,
        batch_size: int = 1024,
        notes_per_epoch: Count = 200_000,
        history_dropout: Share = 0.8,
        history_noise: Share = 0.3,
        pitch_jitter: Annotated[float, Interval(ge=0, le=12)] = 0.0,
        written_dropout: Share = 0.5,
        emotion_share: Share = 0.5,
        teachers: CountOrNone = 0,
        lesson_notes: Count = 600_000,
        progress: bool = True,
    ) -> None:
        load = load_of(
            performances.load, performances.SOURCES, root, cache_dir, sources,
            by=split_by(split_seed, val_share, test_share), progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self.train_on = checked_train_on(train_on)
        self._dropout, self._noise, self._emotion = history_dropout, history_noise, emotion_share
        if teachers == 1:
            raise ConfigError("data.teachers=1 leaves no pieces to fit the trees on; give 0 or 2 and more, such as 5")
        self._jitter, self._notes, self._unwritten = pitch_jitter, notes_per_epoch, written_dropout
        self._teachers, self._lesson_notes, self._cache_dir = teachers, lesson_notes, Path(cache_dir)
        self._tensors: dict[str, torch.Tensor] = {}

    def encode(self, songs: list[Performance]) -> list[EncodedPiece]:
        return [encode(p, self.contract) for p in songs]

    def inputs(self, encoded: list[EncodedPiece]) -> np.ndarray:
        return np.concatenate([p.x for p in encoded])

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[32]` of the training inputs; 0 and 1 for what never changes there."""
        x = self.trained_on().astype(np.float64)
        mean, std = x.mean(0), x.std(0)
        still = std < 1e-3
        return torch.from_numpy(np.where(still, 0.0, mean)), torch.from_numpy(np.where(still, 1.0, std))

    def quantiles(self) -> torch.Tensor:
        """`[19, 32]` 5 % to 95 % of each input of the training notes."""
        return torch.from_numpy(np.quantile(self.trained_on(), np.arange(1, 20) / 20, axis=0))

    def grouped(self, songs: list[Performance]) -> Groups:
        return performances.group(songs)

    def counts(self, split: str) -> dict[str, int]:
        """Performances, pieces and matched notes."""
        own = self.songs(split)
        return {"songs": len(own), "pieces": len({p.piece for p in own}), "events": sum(p.matched_notes for p in own)}

    def train_dataloader(self) -> IndexBatches[DynamicsBatch]:
        notes = self._lessons() if self._teachers else _by_piece(self.encoded("train"))
        self._tensors = {name: torch.from_numpy(a).to(self.device) for name, a in notes.items()}
        return self.index_batches(max(self.batch_size, self._notes), self._taught if self._teachers else self._gather)

    def _lessons(self) -> dict[str, np.ndarray]:
        if self.contract.version == "1":
            raise ConfigError("version 1 has no written dynamic to teach; give data.teachers=0")
        settings = (self._teachers, self._lesson_notes, self._unwritten, self._jitter)
        return vars(lessons.cached_lessons(self._cache_dir, self.encoded("train"), *settings))

    def whole(self, split: str) -> list[list[EncodedPiece]]:
        """All performances of a split as one batch, in order: they are run freely, note by note."""
        return [self.encoded(split)]

    def _taught(self, index: torch.Tensor, generator: torch.Generator) -> DynamicsBatch:
        """Notes as the teachers play them; the history of some is unknown, some are coloured by an emotion."""
        t, n, device = self._tensors, len(index), index.device
        rows = torch.randint(len(t["x"]), (n,), generator=generator, device=device)
        x, y, mask = (t[name][rows] for name in DynamicsBatch._fields)
        x[:, _HISTORY] *= torch.rand(n, 1, generator=generator, device=device) >= self._dropout
        return DynamicsBatch(*coloured(x, y, self._moods(n, generator)), mask.float())

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> DynamicsBatch:
        """Notes of all pieces alike; their history is noisy or unknown, some are coloured by an emotion."""
        t, n, device = self._tensors, len(index), index.device
        piece = index % len(t["first"])
        offsets = torch.rand(n, generator=generator, device=device, dtype=torch.float64) * t["count"][piece]
        rows = t["first"][piece] + offsets.long()
        x, y, mask, level = (t[name][rows] for name in (*DynamicsBatch._fields, "level"))
        noise = torch.randn(n, _HISTORY.stop - _HISTORY.start, generator=generator, device=device) * self._noise
        history = x[:, _HISTORY]
        history = torch.where(history > 0, (history + noise).clamp(0.01, 1), history)
        unknown = torch.rand(n, 1, generator=generator, device=device) < self._dropout
        x[:, _HISTORY] = history * ~unknown
        y[:, _LOUD] = (y[:, _LOUD] - level[:, None] * unknown).clamp(0, 1)
        x[:, _PITCH] += torch.randn(n, generator=generator, device=device) * (self._jitter / 127)
        if self.contract.version != "1":
            x[:, WRITTEN] *= torch.rand(n, generator=generator, device=device) >= self._unwritten
        return DynamicsBatch(*coloured(x, y, self._moods(n, generator)), mask)

    def _moods(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """`[n, 2]` valence and arousal, neutral for all but a share."""
        mood = torch.rand(n, 2, generator=generator, device=generator.device) * 2 - 1
        return mood * (torch.rand(n, 1, generator=generator, device=generator.device) < self._emotion)


def _by_piece(performed: Sequence[EncodedPiece]) -> dict[str, np.ndarray]:
    """The notes that were found, piece by piece: `x`, `y`, `mask`, each note's `level` (how much louder its performance
    is than all on average), and the `first` row and `count` of rows of each piece.
    """
    ordered = sorted(performed, key=lambda p: p.piece)
    matched = [p.mask[:, _VELOCITY] > 0 for p in ordered]
    loud = [float(p.y[f, _VELOCITY].mean()) for p, f in zip(ordered, matched, strict=True)]
    sizes = np.array([int(f.sum()) for f in matched])
    _, piece = np.unique([p.piece for p in ordered], return_inverse=True)
    count = np.bincount(piece, sizes).astype(np.int64)
    level = np.repeat(np.array(loud) - np.average(loud, weights=sizes), sizes)
    arrays = {
        name: np.concatenate([getattr(p, name)[f] for p, f in zip(ordered, matched, strict=True)])
        for name in DynamicsBatch._fields
    }
    return {**arrays, "level": level.astype(np.float32), "first": np.cumsum(count) - count, "count": count}
