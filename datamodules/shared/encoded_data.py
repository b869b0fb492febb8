"""Data whose contract vectors and targets are made of the songs ahead, once a split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from datamodules.shared.library import SplitLibrary
from datamodules.shared.module import Batch, LabData, Song
from kmidi_lab.bounds import Count

Encoded = TypeVar("Encoded")


class EncodedData(LabData[Song, Batch], Generic[Song, Batch, Encoded]):
    """As LabData; a subclass implements `encode` and `inputs` in place of `probes`."""

    def __init__(self, load: Callable[..., SplitLibrary[Song]], split: str, batch_size: Count) -> None:
        super().__init__(load, split, batch_size)
        self._encoded: dict[str, Encoded] = {}

    @abstractmethod
    def encode(self, songs: list[Song]) -> Encoded:
        """Contract vectors and targets of songs."""

    @abstractmethod
    def inputs(self, encoded: Encoded) -> np.ndarray:
        """The contract vectors `[T, N]`, one song after the other."""

    def use_contract(self, version: object) -> None:
        super().use_contract(version)
        self._encoded.clear()

    def encoded(self, split: str) -> Encoded:
        """Contract vectors and targets of a split; made once, not to be written to."""
        if split not in self._encoded:
            self._encoded[split] = self.encode(self.songs(split))
        return self._encoded[split]

    def probes(self) -> np.ndarray:
        """`[T, N]` real inputs of the test split, for parity, golden vectors and timing."""
        return self.inputs(self.encoded("test"))

    def trained_on(self) -> np.ndarray:
        return self.inputs(self.encoded("train"))
