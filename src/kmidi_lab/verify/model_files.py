"""Which files of a models folder are one model's, by the names in its entry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.verify.entry import is_lab, section, text
from kmidi_lab.verify.findings import RESTORE, Checks


@dataclass(frozen=True)
class ModelFiles:
    """The names of a model's files below the folder; None for one it doesn't have.

    `student`: the RTNeural file holds another network than the ONNX file, which then has golden vectors of its own.
    """

    model_id: str
    rtneural: str | None
    onnx: str | None
    golden: str | None
    onnx_golden: str | None
    student: bool
    head: str | None = None
    header: str | None = None
    audio_golden: str | None = None
    table: str | None = None
    text_golden: str | None = None

    @property
    def names(self) -> list[str]:
        goldens = (self.golden, self.onnx_golden, self.audio_golden, self.text_golden)
        return [n for n in (self.rtneural, self.onnx, *goldens, self.head, self.header, self.table) if n]


def files_of(entry: dict[str, Any]) -> ModelFiles:
    """The files that an entry names."""
    kind, exports = entry.get("format"), section(entry, "exports")
    student = entry.get("rtneural_is_student") is True
    # The lab's own entries name theirs; elsewhere the contract's names are tried.
    golden, onnx_golden = (
        None if is_lab(entry) else f"golden/{entry.get('id')}{end}" for end in (".json", ".onnx.json")
    )
    return ModelFiles(
        str(entry.get("id")),
        text(entry.get("rtneural_path")) or (text(entry.get("file")) if kind == "rtneural-json" else None),
        text(exports.get("onnx_path")) or (text(entry.get("file")) if kind == "onnx" else None),
        text(entry.get("golden_path")) or golden,
        (text(entry.get("onnx_golden_path")) or onnx_golden) if student else None,
        student,
        text(entry.get("head_path")),
        text(entry.get("header_path")),
        text(entry.get("audio_golden_path")),
        text(entry.get("table_path")),
        text(entry.get("text_golden_path")),
    )


def check_names(checks: Checks, files: ModelFiles, contract: Contract) -> None:
    """Holds an entry of the lab to the names that readers look for."""
    beside = Path(files.onnx or "").parent
    for check, key, named, wanted, expected, purpose in (
        ("head", "head_path", files.head, contract.head,
         (beside / f"{contract.id}.head.json").as_posix(), "which decodes the output"),
        ("audio golden", "audio_golden_path", files.audio_golden, contract.listens,
         f"golden/{contract.id}.audio.json", "which proves the frames"),
        ("table", "table_path", files.table, contract.reads,
         (beside / f"{contract.id}.table.bin").as_posix(), "which makes inputs of texts"),
        ("text golden", "text_golden_path", files.text_golden, contract.reads,
         f"golden/{contract.id}.text.json", "which proves the table"),
        ("header", "header_path", files.header, files.rtneural is not None,
         f"{contract.id}_model.h", "which C++ programs include"),
    ):  # fmt: skip
        if wanted:
            fault = f"{key} is {show(named)}, must be {expected!r}, {purpose}; {RESTORE}"
            checks.expect(check, named == expected, fault)
