"""The files of one model: each by itself, with its golden vectors, and against each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kmidi_lab.contract_types import Contract
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.registry.names import stays_below
from kmidi_lab.verify.beside import check_head, check_header, check_runtime_file
from kmidi_lab.verify.entry import is_lab
from kmidi_lab.verify.file_claims import check_params, check_reach, check_said_of_golden
from kmidi_lab.verify.findings import RESTORE, Checks
from kmidi_lab.verify.golden import Golden, check_golden_file
from kmidi_lab.verify.model_files import ModelFiles, check_names
from kmidi_lab.verify.onnx_file import check_onnx_file
from kmidi_lab.verify.rtneural_file import check_rtneural_file
from kmidi_lab.verify.runs import RunnableFile, check_agreement, check_real_rtneural, check_runs
from kmidi_lab.verify.sizes import declared_sizes
from kmidi_lab.verify.statements import check_audio, check_random, check_statements, check_texts, check_title


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
    goldens = _goldens(checks, root, files, contract, entry)
    rtneural, onnx = _read(checks, root, files.rtneural), _read(checks, root, files.onnx)
    opened = (
        _opened(checks, files.rtneural, rtneural, check_rtneural_file, goldens[0], contract, entry),
        _opened(checks, files.onnx, onnx, check_onnx_file, goldens[1], contract, entry),
    )
    lab = is_lab(entry or {})
    _check_beside(checks, root, files, contract, lab, None if opened[0] is None else rtneural)
    if contract is not None and lab:
        check_names(checks, files, contract)
    if entry is not None and lab:
        golden = _read(checks, root, files.golden)
        _check_claims(checks, entry, files, contract, opened[0], None if opened[1] is None else onnx, golden)
    _check_statements(checks, root, files, contract, goldens, [file for file in opened if file is not None])
    for file in opened:
        if file is not None:
            check_runs(checks, file, contract)
    _check_alike(checks, root, files, lab, opened)
    if runner is not None and opened[0] is not None and rtneural is not None:
        check_real_rtneural(checks, runner, opened[0], rtneural)


def _opened(
    checks: Checks,
    name: str | None,
    data: bytes | None,
    check: Callable[..., Any],
    golden: Golden | None,
    contract: Contract | None,
    entry: dict[str, Any] | None,
) -> RunnableFile | None:
    """One network as it can be run; None where there is no such file, or a broken one."""
    if name is None:
        return None
    if data is None:
        if entry is None:
            checks.fault("file", f"{name}: not a file below the models folder; replace or remove it")
        return None
    model = None
    with checks.guarded("file", name, RESTORE):
        model = check(checks, name, data, declared_sizes(entry, contract))
    if model is None:
        return None
    slices = contract.outputs if contract is not None and model.output_size == contract.output_size else ()
    allowed = contract if contract is not None and model.input_size == contract.input_size else None
    return RunnableFile(name, model, model.input_size, golden, slices, allowed)


def _check_claims(
    checks: Checks,
    entry: dict[str, Any],
    files: ModelFiles,
    contract: Contract | None,
    rtneural: RunnableFile | None,
    onnx: bytes | None,
    golden: bytes | None,
) -> None:
    """What an entry of the lab says of the files; None for one that is not there or can't be opened."""
    model = rtneural.model if rtneural is not None and isinstance(rtneural.model, RTNeuralModel) else None
    check_params(checks, entry, None if model is None else model.parameters, onnx)
    if model is not None:
        check_reach(checks, entry, model.receptive_field)
    if golden is not None:
        with checks.guarded("golden", str(files.golden), RESTORE):
            check_said_of_golden(checks, str(files.golden), golden, entry, contract)


def _check_alike(
    checks: Checks,
    root: Path,
    files: ModelFiles,
    lab: bool,
    opened: tuple[RunnableFile | None, RunnableFile | None],
) -> None:
    """The RTNeural file against the ONNX file; where only one holds the network, each against vectors of its own."""
    rtneural, onnx = opened
    if files.student:
        checks.note("agreement", "the RTNeural file is a student of the ONNX network, so the two are not compared")
        own = [(files.golden, rtneural), (files.onnx_golden, onnx)]
    elif lab and files.rtneural is None and onnx is not None:
        own = [(files.golden, onnx)]
    else:
        if rtneural is not None and onnx is not None:
            check_agreement(checks, rtneural, onnx)
        return
    for name, file in own:
        data = _read(checks, root, name)
        if file is not None and data is not None:
            check_random(checks, str(name), data, file)


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


def _read(checks: Checks, root: Path, name: str | None) -> bytes | None:
    """The content, None without a file below the folder, which `check_files` has told where an entry names it."""
    if name is None:
        return None
    with checks.guarded("file", name, "check its owner and mode"):
        path = root / name
        return read_bounded(path) if stays_below(root, name) and path.is_file() else None
    return None
