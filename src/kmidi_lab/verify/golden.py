"""A golden file: its fields against the contract, its checksums, the shapes of its vectors, and what it says beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.contracts import AUDIO_FEATURES, Contract
from kmidi_lab.errors import show
from kmidi_lab.export.proof.audio_golden import verify_audio
from kmidi_lab.export.proof.golden import MEL128_SAMPLE_RATE_HZ, SEQUENCE, checksum, decoded
from kmidi_lab.verify.artefacts import Sizes
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.runs import TOLERANCE, RunnableFile

Array = NDArray[np.float32]
_AGAIN = "export the model again"


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
    with checks.guarded("golden", f"{name} is broken", _AGAIN):
        file = orjson.loads(data)
        if not isinstance(file, dict):
            raise ValueError("it is not an object")
        if lab or "id" in file:
            checks.expect("golden", file.get("id") == model_id, f"{name}: is of {show(file.get('id'))}; {_AGAIN}")
        if contract is not None:
            fields: dict[str, object] = {"feature_version": contract.features, "contract_version": contract.version}
            if contract.features == AUDIO_FEATURES:
                fields["sample_rate"] = MEL128_SAMPLE_RATE_HZ
            for key, right in fields.items():
                named, needed = file.get(key), lab or key == "feature_version"
                good = named == right or (not needed and key not in file)
                checks.expect(key, good, f"{name}: {key} is {show(named)}, the contract says {show(right)}; {_AGAIN}")
        for teller, inputs, outputs in sizes:
            for key, right in (("input_size", inputs), ("output_size", outputs)):
                good = file.get(key) == right or (not lab and key not in file)
                checks.expect("size", good, f"{name}: {key} is {show(file.get(key))}, {teller} says {show(right)}")
        if not {"sequence", "typical"} & set(file):
            tell = checks.fault if lab else checks.note
            tell("golden", f"{name}: holds checksums and no vectors, so nothing is replayed; {_AGAIN}")
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
            f"{name}: {side}_checksum is not that of the {side}s; restore the file or {_AGAIN}",
        )
        if side == "input":
            named_apart = bool(np.ptp(parts[1][0], axis=0).any()) if len(parts[1][0]) else False
            checks.expect(
                "golden", named_apart, f"{name}: the typical inputs are all the same, so they prove nothing; {_AGAIN}"
            )
        checks.expect("finite", bool(np.isfinite(vectors).all()), f"{name}: {side}s hold NaN or infinity; {_AGAIN}")
        for named in sizes:
            width = named.inputs if side == "input" else named.outputs
            checks.expect(
                "size",
                vectors.shape[1] == width,
                f"{name}: {side}s have {vectors.shape[1]} values, {named.teller} says {show(width)}; {_AGAIN}",
            )
    counts = [len(rows) for part in parts for rows in part]
    paired = checks.expect(
        "golden",
        counts[0] == counts[1] == SEQUENCE and counts[2] == counts[3] >= SEQUENCE,
        f"{name}: has {counts[0]} → {counts[1]} vectors in sequence and {counts[2]} → {counts[3]} typical ones, must "
        f"be {SEQUENCE}, and {SEQUENCE} or more; {_AGAIN}",
    )
    return golden if paired and np.isfinite(golden.inputs).all() else None


def _rows(part: Any, side: str) -> Array:
    with np.errstate(over="ignore"):
        rows = np.array(part[side], np.float32)
    if rows.ndim != 2:
        raise ValueError("vectors must be lists of equally long lists")
    return rows


def check_statements(
    checks: Checks, name: str, data: bytes, golden: Golden, head: bytes | None, contract: Contract | None
) -> None:
    """Every slice is used unless the file says that it has no effect, and the head decodes what the file says.

    A file that says neither is of an earlier release.
    """
    with checks.guarded("golden", name, _AGAIN):
        file = orjson.loads(data)
        if contract is not None and "no_effect" in file:
            named = [str(part).partition("[")[0] for part in file["no_effect"]]
            wrong = sorted(set(named) - {s.name for s in contract.inputs})
            checks.expect("golden", not wrong, f"{name}: no_effect names {show(wrong)}, no slices of the contract")
            silent = [s.name for s in contract.inputs if not golden.inputs[:, s.index].any() and s.name not in named]
            checks.expect("golden", not silent, f"{name}: {show(silent)} is zero in all inputs; {_AGAIN}")
        if head is None or "decoded" not in file:
            return
        outputs = np.concatenate([golden.sequence[1], golden.typical[1]])
        made = decoded(orjson.loads(head), outputs)
        checks.expect("head", set(made) == set(file["decoded"]), f"{name}: decodes {show(list(file['decoded']))}")
        for matrix in set(made) & set(file["decoded"]):
            said = np.array(file["decoded"][matrix], np.float32)
            same = said.shape == made[matrix].shape and bool(np.allclose(said, made[matrix], atol=TOLERANCE, rtol=1e-5))
            checks.expect(
                "head",
                same,
                f"{name}: {matrix} of the head file decodes the outputs otherwise than `decoded` says; {_AGAIN}",
            )


def check_audio(checks: Checks, name: str, data: bytes, files: list[RunnableFile]) -> None:
    """The frames are those of the samples, and each file answers to them as the golden file says."""
    for file in files:
        with checks.guarded("audio golden", f"{name} with {file.name}", _AGAIN):
            verify_audio(data, file.model, TOLERANCE)
            checks.expect("audio golden", True, "")
