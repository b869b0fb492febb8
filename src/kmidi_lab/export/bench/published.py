"""A published model as it is timed: its files and typical inputs, from a models folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract, version_told
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.registry.left_out import why_left_out
from kmidi_lab.registry.names import check_below
from kmidi_lab.registry.policy import withheld_line, withheld_of

NO_RTNEURAL = "this network is in no RTNeural file"


@dataclass(frozen=True)
class Published:
    """A published model as `measure_latency` takes it; `frames` `[K, N]` are the typical golden inputs.

    `no_rtneural` says why there is no RTNeural file where `rtneural` is None.
    """

    contract: Contract
    onnx: bytes
    rtneural: bytes | None
    frames: NDArray[np.float32]
    no_rtneural: str = NO_RTNEURAL


def read_published(models_root: Path, entry: dict[str, Any]) -> Published:
    """The files that a registry entry names.

    Where RTNeural holds a student, its golden inputs serve the ONNX file, too: they are the same as the teacher's.

    Raises:
        RegistryError: no contract has this id, a file can't be read, or the golden file holds no typical inputs.
    """
    contract = next((c for c in CONTRACTS.values() if c.id == entry["id"]), None)
    if contract is None:
        raise RegistryError(f"{entry['id']} is none of the contract's models, so it has no budget")
    contract = contract.at(version_told(entry))
    golden = entry.get("golden_path") or f"golden/{contract.id}.json"
    onnx = _read(models_root, entry["exports"]["onnx_path"])
    withheld = withheld_of(entry)
    rtneural, why = None, withheld_line(withheld) if withheld else NO_RTNEURAL
    if entry["format"] == "rtneural-json":
        left_out = why_left_out(models_root, entry["file"], entry["exports"].get("sha256"))
        rtneural, why = (None, left_out) if left_out else (_read(models_root, entry["file"]), why)
    try:
        frames = np.array(orjson.loads(_read(models_root, golden))["typical"]["inputs"], np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryError(
            f"{models_root / golden} holds no typical inputs ({error}); export the model again"
        ) from error
    return Published(contract, onnx, rtneural, frames, why)


def _read(models_root: Path, name: str) -> bytes:
    check_below(models_root, name)
    path = models_root / name
    try:
        return read_bounded(path)
    except OSError as error:
        raise RegistryError(f"{path} can't be read ({error.strerror}); export the model again") from error
