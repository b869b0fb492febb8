"""docs/CONTRACTS.md says what the contracts say."""

from __future__ import annotations

from pathlib import Path

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.report.contracts_doc import DOCUMENT, contracts_markdown

ROOT = Path(__file__).parents[2]


def test_committed_document_is_current() -> None:
    committed = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    assert committed == contracts_markdown(), "run `python -m kmidi_lab.report.contracts_doc` in the repository root"


def test_every_slice_of_every_model_is_there() -> None:
    text = contracts_markdown()
    for contract in CONTRACTS.values():
        assert f"`{contract.id}` | {contract.input_size} → {contract.output_size} | < {contract.budget_ms:g} ms" in text
        for s in (*contract.inputs, *contract.outputs):
            place = str(s.start) if s.size == 1 else f"{s.start}–{s.stop - 1}"
            assert f"| {place} | {s.size} | `{s.name}` |" in text
