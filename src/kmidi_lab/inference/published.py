"""Loads a published model and calls it; without one the caller falls back to the heuristic."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kmidi_lab.contract_types import Contract, version_told
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import RegistryError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.inference.outliers import OutlierDetector, read_outliers
from kmidi_lab.registry.files import check_hashes, read_bounded
from kmidi_lab.registry.left_out import is_partial
from kmidi_lab.registry.names import check_below
from kmidi_lab.text.table import Table

Part = TypeVar("Part")


@dataclass
class Published:
    """An ONNX model with its head and registry entry, the folder of its files, and its table where it reads texts.

    `outliers` says that a sound is not like those it was trained on, None where the model can't tell. `model` takes one
    vector a call and keeps its state; `call` maps `[E, N]`, or sequences `[S, T, N]`, to outputs.
    """

    contract: Contract
    entry: dict[str, Any]
    head: dict[str, np.ndarray]
    model: OnnxModel
    folder: Path = Path()
    outliers: OutlierDetector | None = None
    table: Table | None = None

    def warnings(self) -> list[str]:
        """What whoever asks the model should know of it."""
        lines = []
        stand_in = stand_in_line(self.entry)
        if self.entry.get("status") not in ("trained", "production"):
            why = str(self.entry.get("status_reason") or self.entry.get("note") or "no reason is told")
            # A note repeats what the data stand in for.
            lines.append(_unproved(why.removesuffix(f" {stand_in}").removesuffix("."), self.contract.id))
        if stand_in:
            lines.append(stand_in)
        return lines

    def call(self, x: np.ndarray) -> np.ndarray:
        """`[E, N]` to `[E, M]`, each row after a reset, or `[S, T, N]` to `[S, T, M]`, each sequence after a reset."""
        if x.ndim == 3:
            return np.stack([self._in_a_row(sequence) for sequence in x])
        return np.concatenate([self._in_a_row(row[None]) for row in x])

    def _in_a_row(self, sequence: np.ndarray) -> np.ndarray:
        self.model.reset()
        return np.stack([self.model(x) for x in sequence])


def stand_in_line(entry: dict[str, Any]) -> str:
    """What an entry says of data that are not the real ones; empty where they are."""
    return f"Stand-in data: {entry['stand_in']}" if entry.get("stand_in") else ""


def _unproved(why: str, name: str) -> str:
    """A line on a model that did not beat its baselines: the first figure, and where the others stand."""
    first = re.match(r"does not beat (\S+) on test (\S+) \(([^)]*)\)", why)
    if first is None:
        return f"This model does not beat its baselines: {why}"
    by, metric, figures = first.groups()
    return f"This model works, but {by} is better on its test ({metric} {figures}): {name}.card.md says more."


def load_published(models_root: Path, model: str) -> Published | None:
    """The entry of `model` in a registry, or None when there is no registry, no entry or a stub; raises RegistryError.

    A file that the entry tells no hash of, as another program's may, is opened as it is.
    """
    from kmidi_lab.registry.registry import published_entry

    newest = CONTRACTS[model]
    entry = published_entry(models_root, newest.id)
    if entry is None or entry["status"] == "stub" or "onnx_path" not in entry.get("exports", {}):
        return None
    contract = newest.at(version_told(entry))
    check_below(models_root, entry["exports"]["onnx_path"])
    if contract.head or entry.get("head_path"):
        check_below(models_root, str(_head_of(Path(entry["exports"]["onnx_path"]), contract)))
    if contract.reads:
        check_below(models_root, str(_table_of(Path(entry["exports"]["onnx_path"]), contract)))
    check_hashes(models_root, entry)
    return load_onnx(models_root / entry["exports"]["onnx_path"], contract, entry)


def load_onnx(
    path: Path, contract: Contract, entry: dict[str, Any] | None = None, table: Table | None = None
) -> Published:
    """An ONNX file with the `<id>.head.json` and `<id>.table.bin` beside it, if the model has them; raises RegistryError.

    A `table` that is given stands in the place of the one beside the file.
    """
    if not path.exists():
        raise RegistryError(f"{path}: the ONNX file is missing; train or export the model again")
    model = OnnxModel(_bytes(path), str(path))
    sizes = (model.input_size, model.output_size)
    if sizes != (contract.input_size, contract.output_size):
        raise RegistryError(
            f"{path}: takes {sizes[0]} and gives {sizes[1]}, not {contract.id}; give a file of that model"
        )
    head, beside = _head_of(path, contract), bool(entry and entry.get("head_path"))
    maps = _head(head, _maps) if contract.head else {}
    detector = _head(head, lambda raw: read_outliers(raw, model.output_size)) if contract.head or beside else None
    if contract.reads and table is None:
        table = _table(_table_of(path, contract))
    return Published(contract, entry or {}, maps, model, path.parent, detector, table)


def _head_of(onnx: Path, contract: Contract) -> Path:
    return onnx.with_name(f"{contract.id}.head.json")


def _table_of(onnx: Path, contract: Contract) -> Path:
    return onnx.with_name(f"{contract.id}.table.bin")


def _table(path: Path) -> Table:
    if not path.exists():
        raise RegistryError(f"{path} is missing; it makes the model's input of a text. Export the model again")
    return Table.read(_bytes(path), str(path))


def _bytes(path: Path) -> bytes:
    try:
        return read_bounded(path)
    except OSError as error:
        raise RegistryError(f"{path}: can't be read ({error.strerror or error}); export the model again") from error


def _head(path: Path, read: Callable[[dict[str, Any]], Part]) -> Part:
    """What `read` makes of a head file."""
    if not path.exists():
        raise RegistryError(f"{path} is missing; it decodes the model's output. Export the model again")
    try:
        return read(json.loads(_bytes(path)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RegistryError(f"{path}: not a head file ({error!r}); export the model again") from error


def _maps(raw: dict[str, Any]) -> dict[str, np.ndarray]:
    arrays = {k: np.array(v, np.float32) for k, v in raw.items() if k.endswith(("weight", "bias", "logit"))}
    if not {"weight", "bias"} <= arrays.keys():
        raise KeyError("weight and bias")
    return arrays


def release_root() -> Path | None:
    """The released models that come with the package; None where they don't.

    An installed wheel holds them as `kmidi_lab/release/`. A checkout holds them in `outputs/release/`.
    """
    package = Path(__file__).resolve().parents[1]
    candidates = (package / "release", package.parents[1] / "outputs" / "release")
    return next((root for root in candidates if has_registry(root)), None)


def example_root(key: str = "models_root", whole: bool = False) -> str:
    """What to type for a models folder, for a shell: the released one as an example, `DIR` where there is none.

    Args:
        key: that names the folder.
        whole: a folder without the RTNeural files is no example.
    """
    from kmidi_lab.overrides import as_value  # Hydra's grammar, which an answer has no use for

    root = release_root()
    if root is None or (whole and is_partial(root)):
        return f"{key}=DIR"
    here = Path.cwd()
    return shlex.quote(f"{key}={as_value(root.relative_to(here) if root.is_relative_to(here) else root)}")


def default_root() -> Path | None:
    """MODELS_ROOT of the environment where it holds a registry, else the release."""
    own = os.environ.get("MODELS_ROOT")
    return Path(own) if own and has_registry(Path(own)) else release_root()


def has_registry(root: Path) -> bool:
    """Whether models have been published in a folder."""
    return (root / "registry.json").is_file()
