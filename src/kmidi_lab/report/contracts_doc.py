"""docs/CONTRACTS.md, written from the contracts: `python -m kmidi_lab.report.contracts_doc` in the repository root."""

from __future__ import annotations

from pathlib import Path

from kmidi_lab.contract_types import Contract, Slice
from kmidi_lab.contracts import CONTRACTS, READER_OUTPUT_LIMIT
from kmidi_lab.files import write_atomic
from kmidi_lab.report.formats import cell, table

DOCUMENT = Path("docs/CONTRACTS.md")


def contracts_markdown() -> str:
    """All models in a table, then every input and output slice with its index range."""
    overview = table(
        ("`model=`", "id (file stem)", "in → out", "budget of one call", "size", "network", "state between calls"),
        [
            (
                f"[`{c.model}`](#{c.model})",
                f"`{c.id}`",
                f"{c.input_size} → {c.output_size}",
                f"< {c.budget_ms:g} ms",
                cell(c.params_hint),
                cell(c.network),
                cell(c.state),
            )
            for c in CONTRACTS.values()
        ],
    )
    return "\n".join(
        (
            "# The model contract\n",
            "Generated from `src/kmidi_lab/models/*/contract.py` by `python -m kmidi_lab.report.contracts_doc`; edit those",
            "files, not this one. Sizes, ids and slice order are fixed: KmiDi's C++ and Python readers rely on them.\n",
            "The models are listed in the order of training priority. The budget is for one call on one core.\n",
            "What an input may hold: values in a range; `one-hot`, a single 1 or zeros; `weighted`, a single value",
            "above 0, up to 1, or zeros; `circle`, sine and cosine of an angle or zeros; `key`, sine and cosine of one of",
            "twelve tonics or zeros, then a mode of -1, 0 or 1; `mood`, -1..1 and for the last, complexity, 0..1.",
            "Zeros stand for what is unknown. The artefacts are proved on these values and a little noise around them;",
            "outside, an output means nothing.\n",
            overview,
            *(contract_markdown(c) for c in CONTRACTS.values()),
        )
    )


def contract_markdown(c: Contract) -> str:
    """One model's inputs and outputs, slice by slice."""
    cut = ""
    if c.output_size > READER_OUTPUT_LIMIT:
        cut = f" One reader keeps only the first {READER_OUTPUT_LIMIT} output floats, so what matters most comes first."
    return (
        f"## {c.model}\n\n"
        f"Version {c.version}{_changes(c)}. Task `{c.task}`, features `{c.features}`, output: {c.output_kind}.{cut}\n\n"
        f"### {c.model}: input, {c.input_size}\n\n{_slices(c.inputs, held=True)}\n"
        f"### {c.model}: output, {c.output_size}\n\n{_slices(c.outputs)}"
        + "".join(
            f"\n### {c.model}: input of version {was.version}, {was.input_size}\n\n{_slices(was.inputs, held=True)}"
            for was in c.earlier
            if _places(was) != _places(c)
        )
    )


def _places(c: Contract) -> list[tuple[str, int]]:
    return [(s.name, s.start) for s in c.inputs]


def _changes(c: Contract) -> str:
    """What an earlier version said where this one says something else."""
    if not c.earlier:
        return ""
    was = c.earlier[-1]
    if _places(c) != _places(was):
        return f" (the input of version {was.version} has other places, below)"
    parts = [f"`{b.name}` was: {b.meaning}" for a, b in zip(c.inputs, was.inputs, strict=True) if a != b]
    return f" (in version {was.version}, {'; '.join(parts)})" if parts else ""


def _slices(slices: tuple[Slice, ...], held: bool = False) -> str:
    """With a column of what they may hold for inputs, which is what the artefacts are proved on."""
    rows = [
        (_range(s), str(s.size), f"`{s.name}`", *([str(s.values)] if held else []), cell(s.meaning)) for s in slices
    ]
    headings = ("index", "floats", "slice", *(["may hold"] if held else []), "meaning")
    return table(headings, rows, right=(0, 1))


def _range(s: Slice) -> str:
    """Both ends included, as the contract writes them."""
    return str(s.start) if s.size == 1 else f"{s.start}–{s.stop - 1}"


def main() -> None:
    write_atomic(DOCUMENT, contracts_markdown().encode())
    print(f"wrote {DOCUMENT.resolve()}")


if __name__ == "__main__":
    main()
