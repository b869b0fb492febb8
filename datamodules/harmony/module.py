"""ChordSongs: chord sequences from every source that is present, as `harmony` contract vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from datamodules.harmony import library
from datamodules.shared.batches import IndexBatches
from datamodules.shared.encoded_data import EncodedData
from datamodules.shared.settings import SplitShare, checked_train_on, load_of, split_by
from datamodules.shared.splits import Groups
from kmidi_lab.bounds import Share
from kmidi_lab.chords.chord import QUALITIES, Song
from kmidi_lab.data import SPLIT
from kmidi_lab.models.harmony.baselines import TokenSong
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.encoding import EncodedSongs, HarmonyBatch, encode_songs
from kmidi_lab.models.harmony.features import joint_class, transposition_table


class ChordSongs(EncodedData[Song, HarmonyBatch, EncodedSongs]):
    """Songs → merged events → contract vectors, split by song and by distinct progression.

    Args:
        root: folder that holds the data sets (`jazz_standards/`, `pop909/`, `jazz_corpus/`, `ireal/`, `billboard/`, `kmidi/`).
        cache_dir: where prepared songs are kept, by content hash.
        sources: which of `chord_library.SOURCES` to use; an absent folder is left out and said so.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        train_on: `split`, its training part, or `all`: validation and test, too, so that nothing is left to score.
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
    root_sources: tuple[str, ...] = ("kmidi", "jazz_standards", "pop909", "jazz_corpus", "ireal", "billboard")
    bytes_per_example = 16 * 1024
    identity_settings = ("sources", "train_on", "split_seed", "val_share", "test_share")
    other_settings = ("emotion_dropout", "plain_share", "metre_dropout", "grid_share")
    remedy = (
        "songs that share a progression stay together: add songs that differ, or other songs, such as embedded in "
        "data.sources, or give another data.split_seed"
    )

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        val_share: SplitShare = 0.1,
        test_share: SplitShare = 0.15,
        train_on: str = SPLIT,
        batch_size: int = 256,
        emotion_dropout: Share = 0.3,
        plain_share: Share = 0.2,
        metre_dropout: Share = 0.1,
        grid_share: Share = 0.15,
        progress: bool = True,
    ) -> None:
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources,
            by=split_by(split_seed, val_share, test_share), progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self.train_on = checked_train_on(train_on)
        self._shares = (emotion_dropout, plain_share, metre_dropout, grid_share)
        self._tensors: dict[str, torch.Tensor] = {}

    def sequences(self, split: str) -> list[TokenSong]:
        """The same songs as joint classes, for the baselines."""
        return [
            TokenSong(tuple(joint_class(e.chord, e.key) for e in s.events), s.events[0].key.mode, s.source)
            for s in self.songs(split)
        ]

    def encode(self, songs: list[Song]) -> EncodedSongs:
        return encode_songs(songs, self.contract)

    def inputs(self, encoded: EncodedSongs) -> np.ndarray:
        return encoded.x

    def grouped(self, songs: list[Song]) -> Groups:
        return library.group(songs)

    def counts(self, split: str) -> dict[str, int]:
        songs = self.songs(split)
        return {"songs": len(songs), "events": sum(len(s.events) for s in songs)}

    def train_dataloader(self) -> IndexBatches[HarmonyBatch]:
        self._place(self.device)
        return self.index_batches(len(self._tensors["joint"]), self._gather)

    def whole(self, split: str) -> list[HarmonyBatch]:
        """A split as one batch."""
        return [_batch(self.encoded(split), self.device)]

    def _place(self, device: torch.device) -> None:
        e = self.encoded("train")
        arrays = {
            name: getattr(e, name)
            for name in ("grid", "root", "quality", "bass", "joint", "voices", "parts", "longest")
        }
        arrays["x"] = np.concatenate([e.x, e.x_plain])  # an event's plain form stands len(joint) rows further on
        self._tensors = {n: torch.from_numpy(np.ascontiguousarray(a)).to(device) for n, a in arrays.items()}
        self._tensors["table"] = torch.from_numpy(transposition_table()).to(device)

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> HarmonyBatch:
        """A random key for every event, then the kinds of missing knowledge."""
        t, n, device = self._tensors, len(index), index.device
        keys = torch.randint(12, (n,), generator=generator, device=device)
        emotion, plain, metre, grid = (torch.rand(n, 1, generator=generator, device=device) < p for p in self._shares)
        x = t["x"][index + len(t["joint"]) * plain.squeeze(1)].gather(1, t["table"][keys])
        position = HARMONY.input("phrase_position").index
        x[:, HARMONY.input("emotion").index] *= ~emotion
        x[:, position] = torch.where(grid, t["grid"][index], x[:, position])
        x[:, position.start :] *= ~metre
        return HarmonyBatch(
            x, (t["root"][index] + keys) % 12, t["quality"][index], (t["bass"][index] + keys) % 12,
            t["joint"][index], t["voices"][index], t["parts"][index], t["longest"][index],
        )  # fmt: skip


def _batch(e: EncodedSongs, device: torch.device) -> HarmonyBatch:
    return HarmonyBatch(*(torch.from_numpy(getattr(e, name)).to(device) for name in HarmonyBatch._fields))
