"""What the lab asks of a data module (those in `datamodules/`, and a user's own, derive from it), and whether a model
fits it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import lightning as L
import numpy as np

from kmidi_lab.bounds import Bounded
from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import DataError, HandshakeError
from kmidi_lab.nn.module import LabModule
from kmidi_lab.text.table import Table

PARTS = ("train", "val", "test")
SPLIT, ALL = "split", "all"
"""What can be trained on (`DataModule.train_on`)."""


class DataModule(Bounded, L.LightningDataModule, ABC):
    """Examples of one contract in splits that share nothing."""

    config_key = "data"
    id: str
    contract: Contract
    vocabulary: tuple[str, ...] = ()
    """What the model must agree on."""
    root_sources: tuple[str, ...] = ()
    """Sources that lie under the data root; the others come with the lab."""
    bytes_per_example: ClassVar[int]
    """Rough training memory of one example: inputs, activations and their gradients."""
    identity_settings: ClassVar[tuple[str, ...]]
    """Constructor arguments that decide which examples are trained on, and so which are the test."""
    remedy: str = "give more data"
    """What to do about an empty training, validation or test part."""
    train_on: str = SPLIT
    """`split`, its training part, or `all`: validation and test, too, so that nothing is left to score on."""
    mixed_in: Callable[[Any, int], Any] | None = None
    """Makes of each training batch, and the number of those before it, what is trained on; None leaves it as it is."""

    @property
    def keeps_test(self) -> bool:
        """Whether validation and test are kept from training, so that epochs can be compared and the network scored."""
        return self.train_on != ALL

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        if self.mixed_in is None or self.trainer is None or not self.trainer.training:
            return batch
        return self.mixed_in(batch, self.trainer.fit_loop.epoch_loop.batch_progress.total.ready)

    @classmethod
    def identity(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a config's settings that decide which examples are trained on.

        The registry tells them, and `task=eval` makes the same training set from them. An entry that someone else made
        can set nothing but these, so none of them may name a folder or an address.
        """
        return {name: value for name, value in settings.items() if name in cls.identity_settings}

    def use_contract(self, version: object) -> None:
        """Gives inputs of an earlier version of the contract from now on. Raises ConfigError for an unknown one."""
        self.contract = self.contract.at(version)

    def use_table(self, table: Table | None) -> None:
        """Given before inputs are made for a network whose front-end has a table; what other data do without."""
        return

    def for_scoring(self) -> None:
        """Told before `setup` that nothing will be trained: what training alone needs may be left out."""
        return

    def check_parts(self) -> None:
        """Raises DataError: a part of the split is empty, so that a training could not be scored at its end."""
        if not self.keeps_test:
            return
        split = self.describe()["split"]
        counts = {part: split[part]["songs"] for part in PARTS}
        if empty := [part for part, songs in counts.items() if not songs]:
            there = ", ".join(f"{part} {songs}" for part, songs in counts.items())
            raise DataError(f"nothing is left for {' and '.join(empty)} ({there}); {self.remedy}")

    @abstractmethod
    def songs(self, split: str) -> list[Any]:
        """The songs (or takes, clips, performances) of `train`, `val`, `test` or `all`."""

    @abstractmethod
    def overlap(self, songs: Sequence[Any]) -> int:
        """How many of `songs` would share a split with one that this data trains or validates on."""

    @abstractmethod
    def probes(self) -> np.ndarray:
        """`[T, N]` real inputs of the test split, for parity, golden vectors and timing."""

    def trained_on(self) -> np.ndarray:
        """`[T, N]` inputs of the training part, which what is asked is compared with; those of `probes` without them."""
        return self.probes()

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The `data` object of run.json."""

    @abstractmethod
    def write_problems(self, path: Path) -> None:
        """Everything that was left out as CSV."""


def handshake(module: LabModule, data: Any) -> None:
    """Compares contract, feature version and vocabulary; raises HandshakeError that names the difference."""
    ours, theirs = module.contract, data.contract
    for what, a, b in (
        ("model", ours.model, theirs.model),
        ("model id", ours.id, theirs.id),
        ("contract version", ours.version, theirs.version),
        ("feature version", ours.features, theirs.features),
        ("input size", ours.input_size, theirs.input_size),
        ("output size", ours.output_size, theirs.output_size),
        ("vocabulary", tuple(module.vocabulary), tuple(data.vocabulary)),
    ):
        if a != b:
            raise HandshakeError(
                f"{type(module).__name__} and {type(data).__name__} don't fit: {what} is {a} in the model and {b} in the data"
            )
