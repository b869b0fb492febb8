"""docs/CONTRACTS.md, generated from the contracts: `python -m kmidi_lab.report.contracts_doc`."""

from __future__ import annotations

import sys
from pathlib import Path

from kmidi_lab.contracts import CONTRACTS, VERSION, Contract
from kmidi_lab.report.markdown import table

_TARGET = Path("docs/CONTRACTS.md")


def contract_markdown(contract: Contract) -> str:
    """One model's inputs and outputs, slice by slice."""
    parts = [
        f"## `{contract.model}`: {contract.id}",
        f"{contract.input_size} → {contract.output_size}, under {contract.budget_ms:g} ms a call; {contract.network}, "
        f"{contract.params_hint} parameters; state: {contract.state}; features {contract.features}.",
    ]
    for title, slices in (("Input", contract.inputs), ("Output", contract.outputs)):
        rows = [[f"{s.start}–{s.stop - 1}" if s.size > 1 else str(s.start), f"`{s.name}`", s.meaning] for s in slices]
        parts.append(table([title, "Slice", "Meaning"], rows))
    return "\n\n".join(parts)


def contracts_markdown() -> str:
    """The whole document."""
    head = ["Model", "Id", "In → out", "Budget", "Parameters", "Network", "State"]
    rows = [
        [f"`{c.model}`", f"`{c.id}`", f"{c.input_size} → {c.output_size}", f"< {c.budget_ms:g} ms", c.params_hint, c.network, c.state]
        for c in CONTRACTS.values()
    ]
    intro = (
        f"# Contracts, version {VERSION}\n\nGenerated from `src/kmidi_lab/contracts.py` by `make docs`; don't edit by hand. "
        "An index range is inclusive; C++ and Python count from 0."
    )
    return "\n\n".join([intro, table(head, rows), *map(contract_markdown, CONTRACTS.values())]) + "\n"


def main() -> int:
    _TARGET.parent.mkdir(exist_ok=True)
    _TARGET.write_text(contracts_markdown(), encoding="utf-8")
    print(f"written: {_TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
