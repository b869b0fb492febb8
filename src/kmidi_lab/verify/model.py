"""The files of one model: each by itself, with its golden vectors, and against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.registry.files import read_bounded, stays_below
from kmidi_lab.verify.artefacts import check_onnx_file, check_rtneural_file, declared_sizes
from kmidi_lab.verify.beside import check_head, check_header, check_runtime_file
from kmidi_lab.verify.claims import check_params, check_reach, check_said_of_golden
from kmidi_lab.verify.entry import is_lab, section, text
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.golden import Golden, check_golden_file
from kmidi_lab.verify.runs import RunnableFile, check_agreement, check_real_rtneural, check_runs
from kmidi_lab.verify.statements import check_audio, check_random, check_statements, check_texts, check_title

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
        contract: None for an id without one.
        entry: None for files that no entry names.
        runner: the real RTNeural.
    """
    sizes = declared_sizes(entry, contract)
    goldens = _goldens(checks, root, files, contract, entry)
    opened: list[RunnableFile | None] = []
    rtneural, onnx = _read(checks, root, files.rtneural), _read(checks, root, files.onnx)
    kinds: list[tuple[str | None, bytes | None, Callable[..., Any], Golden | None]] = [
        (files.rtneural, rtneural, check_rtneural_file, goldens[0]),
        (files.onnx, onnx, check_onnx_file, goldens[1]),
    ]
    for name, data, check, golden in kinds:
        model = None
        if name is not None and data is None and entry is None:
            checks.fault("file", f"{name}: not a file below the models folder; replace or remove it")
        if name is not None and data is not None:
            with checks.guarded("file", name, _AGAIN):
                model = check(checks, name, data, sizes)
        if model is None:
            opened.append(None)
            continue
        slices = contract.outputs if contract is not None and model.output_size == contract.output_size else ()
        allowed = contract if contract is not None and model.input_size == contract.input_size else None
        opened.append(RunnableFile(str(name), model, model.input_size, golden, slices, allowed))
    lab = is_lab(entry or {})
    _check_beside(checks, root, files, contract, lab, None if opened[0] is None else rtneural)
    if entry is not None and lab:
        model = opened[0].model if opened[0] is not None else None
        stored = model.parameters if isinstance(model, RTNeuralModel) else None
        check_params(checks, entry, stored, None if opened[1] is None else onnx)
        if isinstance(model, RTNeuralModel):
            check_reach(checks, entry, model.receptive_field)
        golden_data = _read(checks, root, files.golden)
        if golden_data is not None:
            with checks.guarded("golden", str(files.golden), _AGAIN):
                check_said_of_golden(checks, str(files.golden), golden_data, entry, contract)
    _check_statements(checks, root, files, contract, goldens, [file for file in opened if file is not None])
    for file in opened:
        if file is not None:
            check_runs(checks, file, contract)
    if files.student:
        checks.note("agreement", "the RTNeural file is a student of the ONNX network, so the two are not compared")
        for golden_name, file in zip((files.golden, files.onnx_golden), opened, strict=True):
            data = _read(checks, root, golden_name)
            if file is not None and data is not None:
                check_random(checks, str(golden_name), data, file)
    elif lab and files.rtneural is None and opened[1] is not None:
        if (data := _read(checks, root, files.golden)) is not None:
            check_random(checks, str(files.golden), data, opened[1])
    elif opened[0] is not None and opened[1] is not None:
        check_agreement(checks, opened[0], opened[1])
    if runner is not None and opened[0] is not None and rtneural is not None:
        check_real_rtneural(checks, runner, opened[0], rtneural)


def _check_statements(
    checks: Checks,
    root: Path,
    files: ModelFiles,
    contract: Contract | None,
    goldens: tuple[Golden | None, Golden | None],
    opened: list[RunnableFile],
) -> None:
    """What golden files hold beside vectors; those of earlier releases hold nothing more."""
    head = _read(checks, root, files.head)
    for name, golden in zip((files.golden, files.onnx_golden), goldens, strict=True):
        data = _read(checks, root, name)
        if data is not None and golden is not None:
            check_statements(checks, str(name), data, golden, head, contract)
    audio = _read(checks, root, files.audio_golden)
    if audio is not None:
        if contract is not None:
            check_title(checks, "audio golden", str(files.audio_golden), audio, contract)
        check_audio(checks, str(files.audio_golden), audio, opened)
    table, texts = _read(checks, root, files.table), _read(checks, root, files.text_golden)
    if table is not None and texts is not None:
        if contract is not None:
            check_title(checks, "text golden", str(files.text_golden), texts, contract)
        check_texts(checks, str(files.text_golden), texts, str(files.table), table, opened)


def _goldens(
    checks: Checks, root: Path, files: ModelFiles, contract: Contract | None, entry: dict[str, Any] | None
) -> tuple[Golden | None, Golden | None]:
    """The golden vectors of the RTNeural file and of the ONNX file."""
    goldens, lab = [], is_lab(entry or {})
    for key, name in (("golden_path", files.golden), ("onnx_golden_path", files.onnx_golden))[: 1 + files.student]:
        data = _read(checks, root, name)
        if data is not None:
            sizes = declared_sizes(entry, contract)
            goldens.append(check_golden_file(checks, str(name), data, files.model_id, contract, sizes, lab))
            continue
        goldens.append(None)
        if entry is not None and entry.get("status") != "stub":
            tell = checks.fault if lab else checks.note
            tell("golden", f"{name or key} is not there, so no golden vectors are replayed; export the model again")
    return goldens[0], goldens[-1]


def _check_beside(
    checks: Checks,
    root: Path,
    files: ModelFiles,
    contract: Contract | None,
    lab: bool,
    rtneural: bytes | None,
) -> None:
    """Head, header and the C++ runtime's files; `rtneural` is None where there is no RTNeural file that can be read."""
    head = _read(checks, root, files.head)
    if files.head is not None and head is not None:
        check_head(checks, files.head, head, contract)
    header = _read(checks, root, files.header)
    whole = rtneural is not None or (lab and files.rtneural is None)
    if files.header is not None and header is not None and contract is not None and whole:
        check_header(checks, files.header, header, rtneural, contract)
    for name in (f"{files.model_id}.kmw", f"{files.model_id}_runtime.h"):
        runtime = _read(checks, root, name)
        if runtime is not None and rtneural is not None:
            check_runtime_file(checks, name, runtime, rtneural, files.model_id)
    if contract is None or not lab:
        return
    if contract.head:
        # The name that `inference` reads, beside the ONNX file.
        expected = (Path(files.onnx or "").parent / f"{contract.id}.head.json").as_posix()
        fault = f"head_path is {show(files.head)}, must be {expected!r}, which decodes the output; {_AGAIN}"
        checks.expect("head", files.head == expected, fault)
    if contract.listens:
        expected = f"golden/{contract.id}.audio.json"
        fault = (
            f"audio_golden_path is {show(files.audio_golden)}, must be {expected!r}, which proves the frames; {_AGAIN}"
        )
        checks.expect("audio golden", files.audio_golden == expected, fault)
    if contract.reads:
        expected = (Path(files.onnx or "").parent / f"{contract.id}.table.bin").as_posix()
        fault = f"table_path is {show(files.table)}, must be {expected!r}, which makes inputs of texts; {_AGAIN}"
        checks.expect("table", files.table == expected, fault)
        expected = f"golden/{contract.id}.text.json"
        fault = f"text_golden_path is {show(files.text_golden)}, must be {expected!r}, which proves the table; {_AGAIN}"
        checks.expect("text golden", files.text_golden == expected, fault)
    if files.rtneural is not None:
        expected = f"{contract.id}_model.h"
        fault = f"header_path is {show(files.header)}, must be {expected!r}, which C++ programs include; {_AGAIN}"
        checks.expect("header", files.header == expected, fault)


def _read(checks: Checks, root: Path, name: str | None) -> bytes | None:
    """The content, None without a file below the folder, which `check_files` has told where an entry names it."""
    if name is None:
        return None
    with checks.guarded("file", name, "check its owner and mode"):
        path = root / name
        return read_bounded(path) if stays_below(root, name) and path.is_file() else None
    return None
