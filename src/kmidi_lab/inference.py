"""Loads a published model and calls it; without one the caller falls back to the heuristic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kmidi_lab.contracts import CONTRACTS, Contract
from kmidi_lab.errors import RegistryError
from kmidi_lab.export.atomic import sha256_file


@dataclass
class Published:
    """An ONNX model with its head and registry entry; `call` maps `[E, N]` to `[E, M]` row by row."""

    contract: Contract
    entry: dict[str, Any]
    head: dict[str, np.ndarray]
    session: Any

    def call(self, x: np.ndarray) -> np.ndarray:
        rows = np.asarray(x, np.float32)
        return np.concatenate([self.session.run(["output"], {"input": rows[i : i + 1]})[0] for i in range(len(rows))])


def load_published(models_root: Path, model: str) -> Published | None:
    """The entry of `model` in a registry, or None when there is no registry, no entry or a stub; raises RegistryError."""
    from kmidi_lab.export.registry import published_entry

    contract = CONTRACTS[model]
    entry = published_entry(models_root, contract.id)
    if entry is None or entry["status"] == "stub" or "onnx_path" not in entry.get("exports", {}):
        return None
    path = models_root / entry["exports"]["onnx_path"]
    if path.is_file() and sha256_file(path) != entry["exports"]["onnx_sha256"]:
        raise RegistryError(
            f"{path}: not the file that the registry describes (its hash differs); export the model again"
        )
    return load_onnx(path, contract, entry)


def load_onnx(path: Path, contract: Contract, entry: dict[str, Any] | None = None) -> Published:
    """An ONNX file with the `<id>.head.json` beside it; raises RegistryError."""
    import onnxruntime as ort

    if not path.is_file():
        raise RegistryError(f"{path}: the ONNX file is missing; train or export the model again")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise RegistryError(f"{path}: ONNX Runtime can't load it ({str(error).splitlines()[0]})") from error
    shapes = [list(v.shape) for v in (session.get_inputs()[0], session.get_outputs()[0])]
    if shapes != [[1, contract.input_size], [1, contract.output_size]]:
        raise RegistryError(f"{path}: shapes {shapes} are not those of {contract.id}; give a file of that model")
    return Published(contract, entry or {}, _head(path.with_name(f"{contract.id}.head.json")), session)


def _head(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise RegistryError(f"{path} is missing; it decodes the model's output. Export the model again")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {k: np.array(raw[k], np.float32) for k in ("weight", "bias")}
    except (ValueError, KeyError) as error:
        raise RegistryError(f"{path}: not a head file ({error!r}); export the model again") from error
