"""Melodies: melodies from every source that is present, as `melody` contract vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datamodules.melody import library as melodies
from datamodules.melody.melody_data import MelodyData
from datamodules.shared.settings import SplitShare, load_of, split_by
from kmidi_lab.models.melody.rhythm import keep_bars


class Melodies(MelodyData):
    """Tunes → notes → contract vectors, split by tune and its variants.

    Args:
        root: folder that holds `pop909/`, `jsb_chorales/` and `lakh/`.
        cache_dir: where prepared melodies are kept, by content hash.
        sources: which of `datamodules.melody.library.SOURCES` to use; an absent folder is left out and said so.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        batch_size …
        mood_dropout: as of MelodyData.

    Raises:
        ConfigError: a value out of range. DataError: no source holds a usable melody.
    """

    id = "melody_db"
    root_sources: tuple[str, ...] = ("pop909", "jsb_chorales", "lakh")
    identity_settings = ("sources", "split_seed", "val_share", "test_share")
    other_settings = ("window", "windows_per_epoch", "transpose_share", "chord_dropout", "mood_dropout")
    remedy = f"add sources, such as data.sources=[{','.join(melodies.BOOKS)}]"

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = melodies.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        val_share: SplitShare = 0.1,
        test_share: SplitShare = 0.15,
        batch_size: int = 32,
        window: int = 256,
        windows_per_epoch: int = 0,
        transpose_share: float = 0.5,
        chord_dropout: float = 0.3,
        mood_dropout: float = 0.7,
        progress: bool = True,
    ) -> None:
        load = load_of(
            melodies.load, melodies.SOURCES, root, cache_dir, sources,
            by=split_by(split_seed, val_share, test_share), progress=progress,
        )  # fmt: skip
        super().__init__(
            load, split, batch_size, window, windows_per_epoch, transpose_share, chord_dropout, mood_dropout
        )
        self._cache_dir = Path(cache_dir)

    def prepare_data(self) -> None:
        """Reads the melodies, and keeps the bars of the training split for `task=predict` to write on."""
        super().prepare_data()
        keep_bars(self._cache_dir, self.songs("train"))
