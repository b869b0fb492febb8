"""The files of one model: each by itself, with its golden vectors, and against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.contracts import Contract
from kmidi_lab.export.verify_files import stays_below
from kmidi_lab.export.verify_findings import Checks
from kmidi_lab.export.verify_golden import Golden, check_golden_file
from kmidi_lab.export.verify_onnx import check_onnx_file
from kmidi_lab.export.verify_registry import section, text
from kmidi_lab.export.verify_rtneural import check_rtneural_file
from kmidi_lab.export.verify_runs import RunnableFile, check_agreement, check_real_rtneural, check_runs
from kmidi_lab.export.verify_sizes import told_sizes

_AGAIN = "restore it or export the model again"


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

    @property
    def names(self) -> list[str]:
        return [n for n in (self.rtneural, self.onnx, self.golden, self.onnx_golden, self.head) if n]


def files_of(entry: dict[str, Any]) -> ModelFiles:
    """The files that an entry names."""
    kind, exports = entry.get("format"), section(entry, "exports")
    student = entry.get("rtneural_is_student") is True
    return ModelFiles(
        str(entry.get("id")),
        text(entry.get("rtneural_path")) or (text(entry.get("file")) if kind == "rtneural-json" else None),
        text(exports.get("onnx_path")) or (text(entry.get("file")) if kind == "onnx" else None),
        text(entry.get("golden_path")) or f"golden/{entry.get('id')}.json",
        (text(entry.get("onnx_golden_path")) or f"golden/{entry.get('id')}.onnx.json") if student else None,
        student,
        text(entry.get("head_path")),
    )


def check_model(
    checks: Checks,
    root: Path,
    files: ModelFiles,
    contract: Contract | None,
    entry: dict[str, Any] | None,
    runner: Path | None,
) -> None:
    """Opens, runs and compares the files of one model; a name that leads nowhere is not told again.

    Args:
        contract: None for an id without one. entry: None for files that no entry names. runner: the real RTNeural.
    """
    sizes = told_sizes(entry, contract)
    goldens = _goldens(checks, root, files, contract, entry)
    if files.head is not None and (data := _read(checks, root, files.head)) is not None:
        _check_head(checks, files.head, data)
    opened = []
    rtneural = _read(checks, root, files.rtneural)
    kinds: list[tuple[str | None, bytes | None, Callable[..., Any], Golden | None]] = [
        (files.rtneural, rtneural, check_rtneural_file, goldens[0]),
        (files.onnx, _read(checks, root, files.onnx), check_onnx_file, goldens[1]),
    ]
    for name, data, check, golden in kinds:
        model = None
        if name is not None and data is None and entry is None:
            checks.fault("file", f"{name}: not a file below the models folder; replace or remove it")
        if name is not None and data is not None:
            with checks.guarded("file", name, _AGAIN):
                model = check(checks, name, data, sizes)
        opened.append(None if model is None else RunnableFile(str(name), model, model.input_size, golden))
    for file in opened:
        if file is not None:
            check_runs(checks, file, contract)
    if files.student:
        checks.note("agreement", "the RTNeural file is a student of the ONNX network, so the two are not compared")
    elif opened[0] is not None and opened[1] is not None:
        check_agreement(checks, opened[0], opened[1])
    if runner is not None and opened[0] is not None and rtneural is not None:
        check_real_rtneural(checks, runner, opened[0], rtneural)


def _goldens(
    checks: Checks, root: Path, files: ModelFiles, contract: Contract | None, entry: dict[str, Any] | None
) -> tuple[Golden | None, Golden | None]:
    """The golden vectors of the RTNeural file and of the ONNX file."""
    found = []
    for name in (files.golden, files.onnx_golden) if files.student else (files.golden,):
        data = _read(checks, root, name)
        if data is not None:
            sizes = told_sizes(entry, contract)
            found.append(check_golden_file(checks, str(name), data, files.model_id, contract, sizes))
            continue
        found.append(None)
        if entry is not None and entry.get("status") != "stub":
            checks.note("golden", f"{name} is not there, so no golden vectors are replayed; export the model again")
    return found[0], found[-1]


def _read(checks: Checks, root: Path, name: str | None) -> bytes | None:
    """The content, None without a file below the folder, which `check_files` has told where an entry names it."""
    if name is None:
        return None
    with checks.guarded("file", name, "check its owner and mode"):
        path = root / name
        return path.read_bytes() if stays_below(root, name) and path.is_file() else None
    return None


def _check_head(checks: Checks, name: str, data: bytes) -> None:
    try:
        good = isinstance(orjson.loads(data), dict)
    except ValueError:
        good = False
    checks.expect("head", good, f"{name}: not a JSON object; {_AGAIN}")
