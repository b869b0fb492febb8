"""Golden vectors: inputs with the outputs they must give, for whoever re-implements or re-loads a model.

The file `<models_root>/golden/<id>.json` holds `sequence`, eight calls in a row after one reset, and `typical`, eight
or more typical inputs, each called right after a reset of its own: the two ways in which KmiDi's readers call a
model. A model without state may leave the resets out. `input_checksum` and `output_checksum` are the hexadecimal SHA-256 of the inputs
(outputs) of `sequence` followed by those of `typical`, each float as 4 bytes, little-endian IEEE 754 float32,
row after row, without any header.

`no_effect` lists the inputs whose values change nothing, as `effects.without_effect` names them. `decoded` holds, for
each matrix of a head file, by its name there, what it makes of the outputs of `sequence`, then of those of `typical`.
`head_sha256` is the hash of that file: it holds numbers, such as the weights of a memory, that no output shows.

`random`, in the golden files of a model whose RTNeural file holds a student, is what `random_calls.answers` makes.

How far two runs of a model are apart is measured in one way for golden vectors, parity and verification (`Worst`). The error
of a value is its absolute difference, divided by the largest wanted value of its slice in that call where that is above 1.
So it is absolute for probabilities and other values within ±1, relative where float32 itself has no more digits, and a
slice of large values does not hide an error in a small one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract, Slice
from kmidi_lab.errors import ExportError, RegistryError

Array = NDArray[np.float32]
SEQUENCE = 8
MEL128_SAMPLE_RATE_HZ = 16_000
"""Of `mel128-v1` (contract.md §3)."""
_LARGE = 20.0
"""Beyond what any contract input holds; the log-mel floor, ln 1e-6 = -13.8, is the farthest from 0."""
_PARTS = ("sequence", "typical")


class Worst:
    """`call`, `output` and `error` of the largest error; NaN and infinity count as infinitely far.

    Args:
        got: `[T, M]`.
        expected: `[T, M]`.
        slices: of the outputs; all as one where they are not known.

    Raises:
        ExportError: the shapes differ.
    """

    def __init__(self, actual: Array, expected: Array, slices: Sequence[Slice] = ()) -> None:
        if actual.shape != expected.shape:
            raise ExportError(f"outputs {list(actual.shape)} where {list(expected.shape)} are expected")
        # float64, so that the difference of two huge outputs does not overflow.
        wide = expected.astype(np.float64)
        scale = np.ones_like(wide)
        for part in [s.index for s in slices] or [slice(None)]:
            scale[:, part] = np.maximum(1.0, np.abs(wide[:, part]).max(axis=1, keepdims=True, initial=0.0))
        with np.errstate(all="ignore"):
            difference = np.abs(actual - wide) / scale
        difference[~np.isfinite(difference)] = np.inf
        self.call, self.output = (int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
        self.error = float(difference[self.call, self.output])


class Model(Protocol):
    """Anything that takes one vector a call: `OnnxModel`, `RTNeuralModel`, `TorchModel`."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`[N]` to `[M]`; advances the state."""

    def reset(self) -> None:
        """Forgets the state."""


def edge_cases(size: int) -> Array:
    """`[6, size]`: zeros, ones, minus ones, all large, all large and negative, large with alternating sign."""
    alternating = np.where(np.arange(size) % 2, -_LARGE, _LARGE)
    rows = [np.full(size, value) for value in (0.0, 1.0, -1.0, _LARGE, -_LARGE)]
    return np.stack([*rows, alternating]).astype(np.float32)


def checksum(vectors: Array) -> str:
    """Hexadecimal SHA-256 over the little-endian float32 bytes of `[T, size]`, row after row."""
    return hashlib.sha256(np.ascontiguousarray(vectors, "<f4").tobytes()).hexdigest()


def golden_vectors(
    model: Model,
    contract: Contract,
    typical: np.ndarray,
    sequence: np.ndarray,
    no_effect: Sequence[str] | None = None,
    head: bytes | None = None,
    random: Mapping[str, Any] | None = None,
) -> bytes:
    """Calls the model and returns the file's bytes.

    Args:
        model: `[N]` to `[M]`.
        contract: gives N, M and what the file says of the features.
        typical: `[T, N]`, T at least 8.
        sequence: `[8, N]`, consecutive calls.
        no_effect: what the file says of that; left out for None.
        head: the head file; None for a model without one.
        random: what it answers to random calls; left out for None.

    Raises:
        ValueError: an input has another shape.
        ExportError: an output has another shape or is not finite.
    """
    if typical.ndim != 2 or len(typical) < SEQUENCE or sequence.shape != (SEQUENCE, contract.input_size):
        raise ValueError(f"need typical [8 or more, N] and sequence [8, N], not {typical.shape} and {sequence.shape}")
    inputs = np.concatenate([sequence, typical]).astype(np.float32)
    outputs = np.stack([*_replay(model, sequence, typical)])
    file = beginning(contract, outputs, len(inputs))
    if contract.listens:
        file["sample_rate"] = MEL128_SAMPLE_RATE_HZ
    file |= {"input_checksum": checksum(inputs), "output_checksum": checksum(outputs)}
    for name, rows in zip(_PARTS, (slice(0, SEQUENCE), slice(SEQUENCE, None)), strict=True):
        file[name] = {"inputs": inputs[rows], "outputs": outputs[rows]}
    if no_effect is not None:
        file["no_effect"] = list(no_effect)
    if head is not None:
        file["head_sha256"] = hashlib.sha256(head).hexdigest()
        if "input" in (content := orjson.loads(head)):
            file["decoded"] = decoded(content, outputs)
    if random is not None:
        file["random"] = random
    return orjson.dumps(file, option=orjson.OPT_SERIALIZE_NUMPY)


def beginning(contract: Contract, outputs: Array, calls: int) -> dict[str, Any]:
    """What each golden file begins with: the contract that its model is of.

    Raises:
        ExportError: the outputs are not finite `[calls, M]`.
    """
    if outputs.shape != (calls, contract.output_size) or not np.isfinite(outputs).all():
        raise ExportError(f"{contract.id}: golden outputs must be finite [T, {contract.output_size}]")
    return {
        "id": contract.id,
        "contract_version": contract.version,
        "feature_version": contract.features,
        "input_size": contract.input_size,
        "output_size": contract.output_size,
    }


def decoded(head: Mapping[str, Any], outputs: Array) -> dict[str, Array]:
    """What each matrix of a head file that reads outputs makes of them, `[T, M]`: `[T, C]` by the matrix's name.

    Matrices with other columns, such as shares of a song's memory, read something else.

    Raises:
        KeyError, ValueError: it is no head file, or not of these outputs.
    """
    read = outputs[:, head["input"]["start"] : head["input"]["stop"]].astype(np.float64)
    arrays = {}
    for name in head:
        if name.endswith("weight"):
            weight = np.array(head[name], np.float64)
            bias = np.array(head.get(name.removesuffix("weight") + "bias", 0.0), np.float64)
            if weight.ndim == 2 and weight.shape[1] == read.shape[1]:
                arrays[name] = (read @ weight.T + bias).astype(np.float32)
    return arrays


def verify_golden(data: bytes, model: Model, tolerance: float) -> float:
    """Replays a golden file and returns the largest error, measured as `worst` says.

    Raises:
        RegistryError: the file is broken or its checksums do not match its vectors.
        ExportError: an output has another shape, is NaN or is off by more than the tolerance.
    """
    try:
        file = orjson.loads(data)
        parts = [file[name] for name in _PARTS]
        inputs, outputs = (np.concatenate([_rows(p[side]) for p in parts]) for side in ("inputs", "outputs"))
        stored = {side: file[f"{side}_checksum"] for side in ("input", "output")}
        name = str(file["id"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RegistryError(f"golden file is broken: {error!r}; export the model again") from error
    if stored != {"input": checksum(inputs), "output": checksum(outputs)}:
        raise RegistryError(f"{name}: golden vectors do not match their checksums; export the model again")
    worst = 0.0
    sequence = len(_rows(parts[0]["inputs"]))
    replayed = _replay(model, inputs[:sequence], inputs[sequence:])
    for index, (actual, want) in enumerate(zip(replayed, outputs, strict=True)):
        if actual.shape != want.shape:
            raise ExportError(f"{name}: golden call {index} gives {list(actual.shape)}, must be {list(want.shape)}")
        off = Worst(actual[None], want[None]).error
        if off > tolerance:
            raise ExportError(f"{name}: golden call {index} is off by {off:.3g}, tolerance {tolerance:g}")
        worst = max(worst, off)
    return worst


def called(model: Model, calls: Array, reset_each: bool = False) -> Array:
    """`[T, N]` to `[T, M]`, one call at a time from a reset."""
    model.reset()
    outputs = []
    for x in calls:
        if reset_each:
            model.reset()
        outputs.append(np.array(model(x), np.float32))
    return np.stack(outputs)


def _replay(model: Model, sequence: np.ndarray, typical: np.ndarray) -> Iterator[Array]:
    model.reset()
    for x in sequence:
        yield np.array(model(np.asarray(x, np.float32)), np.float32)
    for x in typical:
        model.reset()
        yield np.array(model(np.asarray(x, np.float32)), np.float32)


def _rows(value: Any) -> Array:
    rows = np.array(value, np.float32)
    if rows.ndim != 2:
        raise ValueError("vectors must be a list of equally long lists")
    return rows
