"""LakhMelodies: a melody of every distinct file of Lakh, read from disk as training goes on."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt
from filelock import FileLock

from datamodules.melody import reading
from datamodules.melody.melody_data import MelodyData
from datamodules.melody.windows import Drawing, Pools
from datamodules.shared import lakh, lakh_pieces, stream
from datamodules.shared.cache import code_version
from datamodules.shared.library import SplitLibrary
from datamodules.shared.settings import SplitShare, split_by
from datamodules.shared.shards import FileArrays
from datamodules.shared.splits import SPLITS
from kmidi_lab.bounds import Count, CountOrNone
from kmidi_lab.errors import DataError
from kmidi_lab.models.melody.features import Melody
from kmidi_lab.models.melody.finding import HOW

_POOL, _RUN = 512, 16
"""Melodies in memory to draw windows from, and how many of them lie behind each other: files stand in order of their MD5,
so neighbours have nothing in common."""
_SEEN_TOGETHER = 2_000


class LakhMelodies(MelodyData):
    """Lakh's files → melodies → windows; what is in memory does not grow with their number.

    Training draws from all training melodies. Baselines are fitted on the first training melodies that hold `fitted_notes`
    notes, scores measured on the first `scored` melodies of the other splits: random samples, since files are named by
    their MD5. Where the network saw more notes than the baselines, no verdict is given (`uneven`).

    Args:
        root: folder that holds `lakh/` or `lmd_full/` (LMD-full) or `lmd_matched/`.
        cache_dir: where prepared melodies are kept, by content hash.
        fetch: fetch LMD-full (1.8 GB, CC BY 4.0) first where it is not there.
        limit: at most so many files, a random sample; 0 takes all.
        scored: melodies of validation and test that baselines are tuned and scores measured on.
        fitted_notes: training notes that baselines are fitted on, 0.8 KiB of memory each.
        stream: read from litdata chunks in `stream_dir`, which are written first where Lakh is there and they are
            not.
        stream_dir: a folder, or an address that litdata reads.
        workers, timeout_s, memory_mb: as of `pool.Readers`.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        batch_size …
        mood_dropout: as of MelodyData; melodies of Lakh have no chords.

    Raises:
        ConfigError: a value out of range, or litdata is missing. DataError: Lakh isn't there; says where to get it.
    """

    id = "lakh"
    root_sources: tuple[str, ...] = ("lakh",)
    identity_settings = ("limit", "split_seed", "val_share", "test_share")
    other_settings = (
        "window",
        "windows_per_epoch",
        "transpose_share",
        "mood_dropout",
        "fetch",
        "scored",
        "fitted_notes",
        "stream",
        "stream_dir",
        "timeout_s",
        "memory_mb",
    )
    remedy = "give a larger data.limit, or other data.val_share or data.split_seed"

    def __init__(
        self,
        root: str,
        cache_dir: str,
        fetch: bool = False,
        limit: CountOrNone = 0,
        scored: Count = 1000,
        fitted_notes: Count = 5_000_000,
        stream: bool = False,
        stream_dir: str = "",
        split: str = "test",
        split_seed: int = 0,
        val_share: SplitShare = 0.05,
        test_share: SplitShare = 0.05,
        batch_size: int = 32,
        window: int = 256,
        windows_per_epoch: int = 600,
        transpose_share: float = 0.5,
        mood_dropout: float = 0.7,
        workers: Count = 2,
        timeout_s: Annotated[float, Gt(0)] = 30.0,
        memory_mb: Annotated[int, Ge(16)] = 1024,
        progress: bool = True,
    ) -> None:
        by = split_by(split_seed, val_share, test_share)
        super().__init__(self._read, split, batch_size, window, windows_per_epoch, transpose_share, 0.0, mood_dropout)
        self._root, self._cache, self._fetch, self._limit = Path(root), Path(cache_dir), fetch, limit
        self._scored, self._fitted, self._streamed = scored, fitted_notes, stream
        self._stream_dir = stream_dir or str(Path(cache_dir) / "lakh" / "stream")
        self._by = by
        self._reading: dict[str, Any] = {
            "workers": workers, "timeout_s": timeout_s, "memory_mb": memory_mb, "progress": progress,
        }  # fmt: skip
        self._pieces: lakh_pieces.LakhPieces | None = None
        epochs = (self.melodies("train", epoch) for epoch in itertools.count())
        self._streaming = itertools.chain.from_iterable(epochs)

    def prepare_data(self) -> None:
        if self._fetch:
            lakh.fetch(self._root, self._reading["progress"])
        super().prepare_data()

    def _read(self) -> SplitLibrary[Melody]:
        there = bool(lakh.read(self._root).files)
        if self._streamed:
            stream.require()
        about = stream.about(self._stream_dir) if self._streamed else None
        if there or about is None:
            about = self._prepared()
        songs = {"train": list(_holding(self._fitted, self.melodies("train")))}
        songs |= {split: list(itertools.islice(self.melodies(split), self._scored)) for split in ("val", "test")}
        return SplitLibrary(
            list(itertools.chain(*songs.values())),
            [split for split, part in songs.items() for _ in part],
            about["description"],
            about["split"],
            self._pieces.problems if self._pieces else [],
        )

    def _prepared(self) -> dict[str, Any]:
        """What there is to say of the pieces, which are read or taken from the cache, and streamed where that is wanted."""
        pieces = self._pieces = lakh_pieces.lakh_pieces(
            self._root, self._cache, reading.arrays, code_version(reading.__name__),
            limit=self._limit or None, line="pitch", by=self._by, **self._reading,
        )  # fmt: skip
        counts = {split: _counted(_melodies(pieces.pieces(split))) for split in SPLITS}
        about = {
            "description": {k: v for k, v in pieces.description.items() if k != "split"}
            | {"sources": _sources(counts)},
            "split": {**pieces.description["split"], **counts, "shares": [self._by.val, self._by.test]},
        }
        if self._streamed:
            self._cache.mkdir(parents=True, exist_ok=True)
            for split in SPLITS:
                if not pieces.places[split]:
                    raise DataError(f"nothing is left for {split}; {self.remedy}")
            with FileLock(self._cache / "stream.lock"):
                if stream.about(self._stream_dir) != about:
                    stream.write(self._stream_dir, pieces.shards, pieces.places, about, self._reading["workers"])
        return about

    def melodies(self, split: str, shuffle_seed: int | None = None) -> Iterator[Melody]:
        """Every melody of a split once, one after the other from the disk or the stream, which alone can shuffle."""
        if self._streamed:
            return _melodies(stream.read(self._stream_dir, split, shuffle_seed is not None, shuffle_seed or 0))
        assert self._pieces is not None, "call setup() first"
        return _melodies(self._pieces.pieces(split))

    def counts(self, split: str) -> dict[str, int]:
        counted: dict[str, int] = self.library.split_rule[split]
        return {**counted, "fitted" if split == "train" else "scored": len(self.songs(split))}

    def uneven(self) -> str:
        fitted, heard_notes = sum(map(len, self.songs("train"))), self.counts("train")["notes"]
        if self.trainer:
            heard_notes = min(heard_notes, self.trainer.current_epoch * self.epoch_windows * self.window)
        if fitted >= heard_notes:
            return ""
        return f"baselines were fitted on {fitted:,} notes, the network on up to {heard_notes:,}; type data.fitted_notes={heard_notes}"

    def overlap(self, songs: Sequence[Melody]) -> int:
        """How many of `songs` are like a melody that this data trains or validates on, a few thousand of them at a time."""
        matches: set[int] = set()
        for split in ("train", "val"):
            melodies = self.melodies(split)
            while some := list(itertools.islice(melodies, _SEEN_TOGETHER)):
                groups = self.grouped([*some, *songs])
                taken = {groups.find(i) for i in range(len(some))}
                matches |= {i for i in range(len(songs)) if groups.find(len(some) + i) in taken}
        return len(matches)

    def drawing(self, device: torch.device) -> Drawing:
        return Pools(self.pool, self.counts("train")["notes"], self.window, device, self.shares)

    def pool(self, seed: int) -> list[Melody]:
        """Some training melodies, others for each seed."""
        if self._streamed:
            return list(itertools.islice(self._streaming, _POOL))
        assert self._pieces is not None, "call setup() first"
        return list(_melodies(self._pieces.sample("train", _POOL, _RUN, np.random.default_rng(seed))))


def _melodies(pieces: Iterable[FileArrays]) -> Iterator[Melody]:
    return (reading.melody(piece.arrays, Path(piece.name).with_suffix("").as_posix()) for piece in pieces)


def _holding(notes: int, melodies: Iterable[Melody]) -> Iterator[Melody]:
    """The first melodies that hold so many notes together, or all."""
    for melody in melodies:
        yield melody
        notes -= len(melody)
        if notes <= 0:
            return


def _counted(melodies: Iterable[Melody]) -> dict[str, int]:
    """Songs, notes, and songs by what their melody was found by."""
    counts = Counter({"songs": 0, "notes": 0})
    for melody in melodies:
        counts.update({"songs": 1, "notes": len(melody), melody.source: 1})
    return dict(sorted(counts.items(), key=lambda item: item[0] != "songs"))


def _sources(counts: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """A row of the card for each way to find a melody."""
    names = [f"lakh_{how}" for how in HOW]
    return [
        {"name": name, "licence": lakh.LICENCE, "songs": sum(split.get(name, 0) for split in counts.values())}
        for name in names
    ]
