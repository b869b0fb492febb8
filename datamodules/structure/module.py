"""SongForms: the sections of songs from every source that is present, as `structure` contract vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval

from datamodules.shared.batches import IndexBatches
from datamodules.shared.encoded_data import EncodedData
from datamodules.shared.settings import SplitShare, load_of, split_by
from datamodules.shared.splits import Groups
from datamodules.structure import library
from kmidi_lab.bounds import Share
from kmidi_lab.models.structure.contract import STRUCTURE
from kmidi_lab.models.structure.features import EncodedForms, StructureBatch, encode_forms, untold
from kmidi_lab.models.structure.form import TYPES, Form

_IN = {s.name: s.index for s in STRUCTURE.inputs}
_DROPPED = ("last_length", "tempo", "metre")


class SongForms(EncodedData[Form, StructureBatch, EncodedForms]):
    """Forms → contract vectors, split by song.

    Args:
        root: folder that holds the data sets (`billboard/`, `harmonix/`, `pop909_structure/`, `salami/`, `jsd/`).
        cache_dir: where prepared forms are kept, by content hash.
        sources: which of `library.SOURCES` to use; forms by rule stand in where none of the others is there.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        target_share: share of training events that are told how long the song shall be.
        target_noise: by how much that may be off, up or down, as a share.
        bars_dropout: share of training events whose last length, tempo and metre are unknown.
        position_dropout: share of training events whose position is unknown, and the target with it.

    Raises:
        ConfigError: a value out of range. DataError: no source holds a usable form.
    """

    id = "song_forms"
    contract = STRUCTURE
    vocabulary: tuple[str, ...] = TYPES
    root_sources: tuple[str, ...] = tuple(reader.NAME for reader in library.READERS)
    bytes_per_example = 8 * 1024
    identity_settings = ("sources", "split_seed", "val_share", "test_share")
    other_settings = ("target_share", "target_noise", "bars_dropout", "position_dropout")
    remedy = "add sources, or give other data.val_share or data.split_seed"

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = library.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        val_share: SplitShare = 0.1,
        test_share: SplitShare = 0.15,
        batch_size: int = 256,
        target_share: Share = 0.5,
        target_noise: Annotated[float, Interval(ge=0, le=0.5)] = 0.1,
        bars_dropout: Share = 0.15,
        position_dropout: Share = 0.1,
        progress: bool = True,
    ) -> None:
        load = load_of(
            library.load, library.SOURCES, root, cache_dir, sources,
            by=split_by(split_seed, val_share, test_share), progress=progress,
        )  # fmt: skip
        super().__init__(load, split, batch_size)
        self._shares = (target_share, bars_dropout, position_dropout)
        self._noise = target_noise
        self._tensors: StructureBatch | None = None

    def encode(self, songs: list[Form]) -> EncodedForms:
        return encode_forms(songs)

    def inputs(self, encoded: EncodedForms) -> np.ndarray:
        return encoded.x

    def grouped(self, songs: list[Form]) -> Groups:
        return library.group(songs)

    def counts(self, split: str) -> dict[str, int]:
        songs = self.songs(split)
        return {"songs": len(songs), "sections": sum(len(s.sections) for s in songs)}

    def train_dataloader(self) -> IndexBatches[StructureBatch]:
        self._tensors = _batch(self.encoded("train"), self.encoded("train").x, self.device)
        return self.index_batches(len(self._tensors.token), self._gather)

    def whole(self, split: str) -> list[StructureBatch]:
        """A split as one batch; nobody says how long its songs shall be."""
        e = self.encoded(split)
        return [_batch(e, untold(e.x), self.device)]

    def _gather(self, index: torch.Tensor, generator: torch.Generator) -> StructureBatch:
        """The kinds of missing knowledge: a target that is a wish, no target, no bars, no position."""
        assert self._tensors is not None, "train_dataloader makes them"
        batch = StructureBatch(*(column[index] for column in self._tensors))
        n, device = len(index), index.device
        told, without_bars, nowhere = (
            torch.rand(n, 1, generator=generator, device=device) < share for share in self._shares
        )
        x = batch.x
        off = 1 + self._noise * (2 * torch.rand(n, 1, generator=generator, device=device) - 1)
        x[:, _IN["target"]] = (x[:, _IN["target"]] * off).clamp(max=2.0) * (told & ~nowhere)
        x[:, _IN["position"]] *= ~nowhere
        for name in _DROPPED:
            x[:, _IN[name]] *= ~without_bars
        return batch


def _batch(e: EncodedForms, x: np.ndarray, device: torch.device) -> StructureBatch:
    return StructureBatch(*(torch.from_numpy(a).to(device) for a in (x, e.token, e.length, e.rule)))
