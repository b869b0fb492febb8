"""The inputs that every gate tries, and which of them a network does not hear.

They are what the contract allows, at its ends and at random, and a little beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract, Slice

Array = NDArray[np.float32]
NOISE = 0.01
"""Of its width, that a value of a range may be off; callers compute in float32 and round."""
_EXACT_NOISE = 1e-3
"""Off what is one of a few points, such as a key: half-way between two of them an answer means nothing."""
_RANDOM = 32
_CALLS = 16
"""First calls that tell whether an input is heard."""
_NOTHING = 1e-6


def contract_inputs(inputs: Sequence[Slice], count: int, seed: int) -> Array:
    """`[count, N]` drawn evenly from what the slices allow, each of them unknown (zeros) one time in eight."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([_samples(part, count, rng) for part in inputs], 1)
    for part in inputs:
        x[rng.random(count) < 1 / 8, part.index] = 0
    return x.astype(np.float32)


def varied_inputs(inputs: Sequence[Slice], count: int, seed: int) -> Array:
    """As `contract_inputs`, but in half of them a range holds near or few values, as real inputs do.

    Values drawn evenly are all alike to a network: every sum comes out near its middle, so that a unit which only
    silence or a single note wakes up is never asked.
    """
    rng, x = np.random.default_rng([seed, 1]), contract_inputs(inputs, count, seed)
    for part in inputs:
        values = part.values
        if values.kind == "range":
            ends = np.sort(rng.uniform(values.low, values.high, (2, count, 1)), axis=0)
            rows = rng.uniform(ends[0], ends[1], (count, part.size))
            if part.size > 1 and values.low <= 0 <= values.high:
                rows[rng.random(rows.shape) < rng.random((count, 1))] = 0
            near = rng.random(count) < 1 / 2
            x[near, part.index] = rows[near]
    return x


def gate_inputs(contract: Contract) -> Array:
    """`[T, N]`, the same in every run: zeros; each slice at its ends amid random others; random ones, and near those.

    A streaming model may be called with them in a row.
    """
    rng = np.random.default_rng(0)
    random = contract_inputs(contract.inputs, _RANDOM, 0)
    rows = [np.zeros(contract.input_size, np.float32)]
    for part in contract.inputs:
        for end in _ends(part):
            rows.append(random[len(rows) % _RANDOM].copy())
            rows[-1][part.index] = end
    width = np.concatenate([np.full(part.size, _noise(part)) for part in contract.inputs])
    near = random + width * rng.uniform(-1, 1, random.shape)
    return np.concatenate([np.stack(rows), random, near]).astype(np.float32)


def _noise(part: Slice) -> float:
    values = part.values
    return NOISE * (values.high - values.low) if values.kind in ("range", "mood") else _EXACT_NOISE


def _samples(part: Slice, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """`[count, size]` of what a slice may hold when it is known."""
    values = part.values
    if values.kind == "one-hot":
        return np.eye(part.size)[rng.integers(part.size, size=count)]
    if values.kind == "weighted":
        return np.eye(part.size)[rng.integers(part.size, size=count)] * rng.uniform(values.low, values.high, (count, 1))
    if values.kind == "circle":
        return _circle(rng.random((count, part.size // 2)))
    if values.kind == "key":
        tonic = _circle(rng.integers(12, size=(count, 1)) / 12)
        return np.concatenate([tonic, rng.integers(-1, 2, size=(count, 1))], 1)
    samples = rng.uniform(values.low, values.high, (count, part.size))
    if values.kind == "mood":
        samples[:, -1] = np.abs(samples[:, -1])
    return samples


def _ends(part: Slice) -> list[NDArray[np.float64]]:
    """The farthest that a slice may hold."""
    values = part.values
    if values.kind in ("one-hot", "weighted"):
        return [np.zeros(part.size), *np.eye(part.size)[[0, -1]]]
    if values.kind == "circle":
        return [np.zeros(part.size), *_circle(np.full((part.size // 2, 4), [0, 0.25, 0.5, 0.75]).T)]
    if values.kind == "key":
        return [
            np.zeros(3),
            *(np.array([*_circle(np.array([[k / 12]]))[0], mode]) for k in range(12) for mode in (-1, 1)),
        ]
    low, high = np.full(part.size, values.low), np.full(part.size, values.high)
    if values.kind == "mood":
        low[-1] = 0
    return [low, high, np.where(np.arange(part.size) % 2, low, high)]


def _circle(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """`[T, pairs]` shares of a turn to sine and cosine `[T, 2 * pairs]`."""
    angle = 2 * np.pi * turns
    return np.stack([np.sin(angle), np.cos(angle)], -1).reshape(len(turns), -1)


def without_effect(call: Callable[[Array], Array], inputs: Sequence[Slice]) -> list[str]:
    """Slices, or parts of them such as `emotion[32:64]`, whose values change no output of a call after a reset.

    Data never had them, or the network has no place for them.

    Args:
        call: `[B, N]` to `[B, M]`, each row a first call.
        inputs: the contract's.
    """
    base, other = (contract_inputs(inputs, _CALLS, seed) for seed in (1, 2))
    right = call(base)

    def has_effect(columns: slice) -> bool:
        changed = base.copy()
        changed[:, columns] = other[:, columns]
        return float(np.abs(call(changed) - right).max()) > _NOTHING * max(1.0, float(np.abs(right).max()))

    out: list[str] = []
    for part in inputs:
        if not has_effect(part.index):
            out.append(part.name)
        elif part.values.kind in ("range", "mood") and part.size > 1:
            unheard = [i for i in range(part.size) if not has_effect(slice(part.start + i, part.start + i + 1))]
            out += [f"{part.name}[{first}:{stop}]" for first, stop in _runs(unheard)]
    return out


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring places as (first, last + 1)."""
    for i, place in enumerate(places):
        if i == 0 or places[i - 1] != place - 1:
            first = place
        if i + 1 == len(places) or places[i + 1] != place + 1:
            yield first, place + 1
