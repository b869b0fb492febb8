"""The sizes of a model's input and output: what its files have, against what contract and entry say."""

from __future__ import annotations

from typing import Any, NamedTuple

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.verify.findings import Checks

LARGEST = 65_536
"""A file may claim any size; beyond this, running it would only fill the memory."""


class Sizes(NamedTuple):
    """Input and output size as told by someone; whatever stands in the registry, of any type."""

    teller: str
    inputs: Any
    outputs: Any


def declared_sizes(entry: dict[str, Any] | None, contract: Contract | None) -> list[Sizes]:
    """Of those that tell: the registry's entry and the contract."""
    sizes = []
    if entry is not None:
        sizes.append(Sizes("the registry", entry.get("input_size"), entry.get("output_size")))
    if contract is not None:
        sizes.append(Sizes("the contract", contract.input_size, contract.output_size))
    return sizes


def check_sizes(checks: Checks, name: str, actual: tuple[int, int], declared: list[Sizes]) -> None:
    """The sizes found in a file against everyone's."""
    for teller, inputs, outputs in declared:
        checks.expect(
            "size",
            actual == (inputs, outputs),
            f"{name}: {actual[0]} → {actual[1]}, but {teller} says {show(inputs)} → {show(outputs)}; correct whichever "
            "is wrong",
        )
