"""A golden file: its fields against the contract, its checksums and the shapes of its vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.export.proof.golden import MEL128_SAMPLE_RATE_HZ, SEQUENCE, checksum
from kmidi_lab.verify.findings import AGAIN, Checks
from kmidi_lab.verify.sizes import Sizes

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Golden:
    """`sequence`, calls in a row after one reset, and `typical`, each after its own: inputs `[T, N]`, outputs `[T, M]`."""

    sequence: tuple[Array, Array]
    typical: tuple[Array, Array]

    @property
    def inputs(self) -> Array:
        return np.concatenate([self.sequence[0], self.typical[0]])


def check_golden_file(
    checks: Checks, name: str, data: bytes, model_id: object, contract: Contract | None, sizes: list[Sizes], lab: bool
) -> Golden | None:
    """The checks of one file, without a model. Returns its vectors, None when there are none to replay.

    Args:
        lab: this lab wrote it, so that no field may lack.
    """
    with checks.guarded("golden", f"{name} is broken", AGAIN):
        file = orjson.loads(data)
        if not isinstance(file, dict):
            raise ValueError("it is not an object")
        if lab or "id" in file:
            checks.expect("golden", file.get("id") == model_id, f"{name}: is of {show(file.get('id'))}; {AGAIN}")
        if contract is not None:
            fields: dict[str, object] = {"feature_version": contract.features, "contract_version": contract.version}
            if contract.listens:
                fields["sample_rate"] = MEL128_SAMPLE_RATE_HZ
            for key, right in fields.items():
                value, needed = file.get(key), lab or key == "feature_version"
                good = value == right or (not needed and key not in file)
                checks.expect(key, good, f"{name}: {key} is {show(value)}, the contract says {show(right)}; {AGAIN}")
        for teller, inputs, outputs in sizes:
            for key, right in (("input_size", inputs), ("output_size", outputs)):
                good = file.get(key) == right or (not lab and key not in file)
                checks.expect("size", good, f"{name}: {key} is {show(file.get(key))}, {teller} says {show(right)}")
        if not {"sequence", "typical"} & set(file):
            tell = checks.fault if lab else checks.note
            tell("golden", f"{name}: holds checksums and no vectors, so nothing is replayed; {AGAIN}")
            return None
        return _vectors(checks, name, file, sizes)
    return None


def _vectors(checks: Checks, name: str, file: dict[str, Any], sizes: list[Sizes]) -> Golden | None:
    parts = [[_rows(file[part], side) for side in ("inputs", "outputs")] for part in ("sequence", "typical")]
    golden = Golden((parts[0][0], parts[0][1]), (parts[1][0], parts[1][1]))
    for at, side in enumerate(("input", "output")):
        vectors = np.concatenate([part[at] for part in parts])
        checks.expect(
            "checksum",
            file.get(f"{side}_checksum") == checksum(vectors),
            f"{name}: {side}_checksum is not that of the {side}s; restore the file or {AGAIN}",
        )
        if side == "input":
            told_apart = bool(np.ptp(parts[1][0], axis=0).any()) if len(parts[1][0]) else False
            checks.expect(
                "golden", told_apart, f"{name}: the typical inputs are all the same, so they prove nothing; {AGAIN}"
            )
        checks.expect("finite", bool(np.isfinite(vectors).all()), f"{name}: {side}s hold NaN or infinity; {AGAIN}")
        for pair in sizes:
            width = pair.inputs if side == "input" else pair.outputs
            checks.expect(
                "size",
                vectors.shape[1] == width,
                f"{name}: {side}s have {vectors.shape[1]} values, {pair.teller} says {show(width)}; {AGAIN}",
            )
    counts = [len(rows) for part in parts for rows in part]
    paired = checks.expect(
        "golden",
        counts[0] == counts[1] == SEQUENCE and counts[2] == counts[3] >= SEQUENCE,
        f"{name}: has {counts[0]} → {counts[1]} vectors in sequence and {counts[2]} → {counts[3]} typical ones, must "
        f"be {SEQUENCE}, and {SEQUENCE} or more; {AGAIN}",
    )
    return golden if paired and np.isfinite(golden.inputs).all() else None


def _rows(part: Any, side: str) -> Array:
    with np.errstate(over="ignore"):
        rows = np.array(part[side], np.float32)
    if rows.ndim != 2:
        raise ValueError("vectors must be lists of equally long lists")
    return rows
