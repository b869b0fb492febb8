"""What the registry and the contract say of a file's sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

from kmidi_lab.contracts import Contract
from kmidi_lab.verify.findings import Checks, show

LARGEST = 65_536
"""A file may claim any size; beyond this, running it would only fill the memory."""


class Sizes(NamedTuple):
    """Input and output size as told by someone; whatever stands in the registry, of any type."""

    teller: str
    inputs: Any
    outputs: Any


def told_sizes(entry: dict[str, Any] | None, contract: Contract | None) -> list[Sizes]:
    """Of those that tell: the registry's entry and the contract."""
    told = []
    if entry is not None:
        told.append(Sizes("the registry", entry.get("input_size"), entry.get("output_size")))
    if contract is not None:
        told.append(Sizes("the contract", contract.input_size, contract.output_size))
    return told


def check_sizes(checks: Checks, name: str, found: tuple[int, int], told: list[Sizes]) -> None:
    """The sizes found in a file against everyone's."""
    for teller, inputs, outputs in told:
        checks.expect(
            "size",
            found == (inputs, outputs),
            f"{name}: {found[0]} → {found[1]}, but {teller} says {show(inputs)} → {show(outputs)}; correct whichever "
            "is wrong",
        )
