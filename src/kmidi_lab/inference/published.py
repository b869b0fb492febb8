"""Loads a published model and calls it; without one the caller falls back to the heuristic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kmidi_lab.contracts import CONTRACTS, Contract
from kmidi_lab.errors import RegistryError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.files import sha256_file
from kmidi_lab.registry.files import check_below


@dataclass
class Published:
    """An ONNX model with its head and registry entry, and the folder that its files lie in.

    `model` takes one vector a call and keeps its state; `call` maps `[E, N]`, or sequences `[S, T, N]`, to outputs.
    """

    contract: Contract
    entry: dict[str, Any]
    head: dict[str, np.ndarray]
    model: OnnxModel
    folder: Path = Path()

    def warnings(self) -> list[str]:
        """What whoever asks the model should know of it."""
        said = []
        if self.entry.get("status") not in ("trained", "production"):
            said.append(f"This model does not beat its baselines: {self.entry.get('note', 'no reason is told')}")
        if self.entry.get("stand_in"):
            said.append(f"Stand-in data: {self.entry['stand_in']}")
        return said

    def call(self, x: np.ndarray) -> np.ndarray:
        """`[E, N]` to `[E, M]`, each row after a reset, or `[S, T, N]` to `[S, T, M]`, each sequence after a reset."""
        if x.ndim == 3:
            return np.stack([self._in_a_row(sequence) for sequence in x])
        return np.concatenate([self._in_a_row(row[None]) for row in x])

    def _in_a_row(self, sequence: np.ndarray) -> np.ndarray:
        self.model.reset()
        return np.stack([self.model(x) for x in sequence])


def load_published(models_root: Path, model: str) -> Published | None:
    """The entry of `model` in a registry, or None when there is no registry, no entry or a stub; raises RegistryError.

    A file that the entry tells no hash of, as another program's may, is opened as it is.
    """
    from kmidi_lab.registry.registry import published_entry

    contract = CONTRACTS[model]
    entry = published_entry(models_root, contract.id)
    if entry is None or entry["status"] == "stub" or "onnx_path" not in entry.get("exports", {}):
        return None
    check_below(models_root, entry["exports"]["onnx_path"])
    path = models_root / entry["exports"]["onnx_path"]
    told = entry["exports"].get("onnx_sha256")
    if told and path.is_file() and sha256_file(path) != told:
        raise RegistryError(
            f"{path}: not the file that the registry describes (its hash differs); export the model again"
        )
    return load_onnx(path, contract, entry)


def load_onnx(path: Path, contract: Contract, entry: dict[str, Any] | None = None) -> Published:
    """An ONNX file with the `<id>.head.json` beside it, if the model has one; raises RegistryError."""
    if not path.is_file():
        raise RegistryError(f"{path}: the ONNX file is missing; train or export the model again")
    model = OnnxModel(path.read_bytes(), str(path))
    sizes = (model.input_size, model.output_size)
    if sizes != (contract.input_size, contract.output_size):
        raise RegistryError(
            f"{path}: takes {sizes[0]} and gives {sizes[1]}, not {contract.id}; give a file of that model"
        )
    head = _head(path.with_name(f"{contract.id}.head.json")) if contract.head else {}
    return Published(contract, entry or {}, head, model, path.parent)


def _head(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise RegistryError(f"{path} is missing; it decodes the model's output. Export the model again")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        arrays = {k: np.array(v, np.float32) for k, v in raw.items() if k.endswith(("weight", "bias"))}
        if not {"weight", "bias"} <= arrays.keys():
            raise KeyError("weight and bias")
        return arrays
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegistryError(f"{path}: not a head file ({error!r}); export the model again") from error
