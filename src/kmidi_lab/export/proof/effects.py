"""Which inputs a network does not hear: data never had them, or the network has no place for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contracts import Slice
from kmidi_lab.export.proof.probes import contract_inputs

Array = NDArray[np.float32]
_CALLS = 16
_NOTHING = 1e-6


def without_effect(call: Callable[[Array], Array], inputs: Sequence[Slice]) -> list[str]:
    """Slices, or parts of them such as `emotion[32:64]`, whose values change no output of a call after a reset.

    Args:
        call: `[B, N]` to `[B, M]`, each row a first call.
        inputs: the contract's.
    """
    base, other = (contract_inputs(inputs, _CALLS, seed) for seed in (1, 2))
    right = call(base)

    def heard(columns: slice) -> bool:
        changed = base.copy()
        changed[:, columns] = other[:, columns]
        return float(np.abs(call(changed) - right).max()) > _NOTHING * max(1.0, float(np.abs(right).max()))

    out: list[str] = []
    for part in inputs:
        if not heard(part.index):
            out.append(part.name)
        elif part.values.kind in ("range", "mood") and part.size > 1:
            unheard = [i for i in range(part.size) if not heard(slice(part.start + i, part.start + i + 1))]
            out += [f"{part.name}[{first}:{stop}]" for first, stop in _runs(unheard)]
    return out


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring places as (first, last + 1)."""
    for i, place in enumerate(places):
        if i == 0 or places[i - 1] != place - 1:
            first = place
        if i + 1 == len(places) or places[i + 1] != place + 1:
            yield first, place + 1
