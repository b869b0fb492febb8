"""Export of one trained module, after its test: write, prove, measure, then publish all at once or nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import orjson
from torch import nn

from kmidi_lab.contract_types import Contract
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ExportError
from kmidi_lab.export.bench.latency import NO_RTNEURAL, measure_latency
from kmidi_lab.export.cpp.emit import runtime_file
from kmidi_lab.export.cpp.proof import check_runtime
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.audio_golden import audio_golden, verify_audio
from kmidi_lab.export.proof.golden import golden_vectors, verify_golden
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.proof.probes import contract_inputs, without_effect
from kmidi_lab.export.proof.random_calls import answers
from kmidi_lab.export.proof.text_golden import text_golden, verify_text
from kmidi_lab.export.rtneural.cpp_header import cpp_header
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.runner import CPP_VARIABLE, runner_from_env
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.inference import outliers
from kmidi_lab.inference.known_inputs import KNOWN_INPUTS, KnownInputs
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Streaming, TorchModel, from_reset
from kmidi_lab.registry.entry import registry_entry, sha256
from kmidi_lab.registry.policy import withheld_line
from kmidi_lab.registry.registry import BetterPublishedError, entry_status, may_replace, publish, published_entry
from kmidi_lab.report.card import model_card
from kmidi_lab.run_export import Export, FileFacts, Latency
from kmidi_lab.run_record import RunRecord
from kmidi_lab.typed_json import from_json

log = logging.getLogger(__name__)
_PROBES = 4096
_GOLDEN = 8


@dataclass(frozen=True)
class Publication:
    """Where and how a module is published.

    Args:
        models_root: where to publish.
        tolerance: largest error of an artefact against the network.
        calls: single calls to time each backend with.
        release: the folder is committed, so git keeps what is replaced and no history of files is kept there.
        cpp: `kmw` or `header` publishes the C++ runtime's file, too.
        sweep: the group of the sweep that the run is a job of; of its jobs the best by validation stays published.
    """

    models_root: Path
    tolerance: float
    calls: int
    release: bool
    cpp: str | None = None
    sweep: str = ""


def export_module(
    module: LabModule, probes: np.ndarray, record: RunRecord, to: Publication, trained_on: np.ndarray | None = None
) -> None:
    """Proves the artefacts of `module` on `probes` `[T, N]`, measures them and publishes them.

    Args:
        module: at the weights to publish, with its student where it has one.
        probes: real inputs; consecutive calls for a streaming model.
        record: of the run, with its data and scores; its `export` is filled.
        to: where and how.
        trained_on: `[T, N]`, inputs of the training, whose statistics are published for task=monitor; None for none.

    Raises:
        ExportError: a gate failed, or the run has no scores; nothing is written then.
    """
    models_root, tolerance = to.models_root, to.tolerance
    if record.data is None or record.scores is None:
        raise ExportError("the run has no scores yet, so there is nothing to publish; evaluate it first")
    contract, runner, cpp_runner = module.contract, runner_from_env(), runner_from_env(CPP_VARIABLE)
    network, student = module.export_network().cpu().eval(), module.student
    withheld = record.student.withheld if record.student else ""
    if withheld:
        log.warning("%s", withheld_line(withheld))
        student = None
    if not contract.streaming:
        probes = probes[np.random.default_rng(0).permutation(len(probes))]
    probes = probes[:_PROBES]
    _check_rewrite(module.network, network, probes, tolerance)
    onnx = export_onnx(network, contract)
    rtneural = None if withheld else export_rtneural(student or network, contract)
    parity = check_parity(network, contract, onnx, rtneural, probes, tolerance, runner, student)
    log.info(
        "parity: %s", ", ".join(f"{k} {v:.1e}" for k, v in parity.items() if isinstance(v, float) and k != "tolerance")
    )
    why_not = withheld_line(withheld) if withheld else NO_RTNEURAL
    latency = measure_latency(
        network, contract, onnx, rtneural, probes[:512], runner, to.calls, cpp_runner=cpp_runner, no_rtneural=why_not
    )
    head = _head_file(module)
    no_effect = without_effect(from_reset(student or network), contract.inputs)
    # No second file holds the same network where there is a student, published or not.
    alone = record.student is not None
    golden = _golden(student or network, contract, probes, no_effect, head, alone)
    files = {
        f"{contract.id}.onnx": onnx,
        **({} if rtneural is None else {f"{contract.id}.json": rtneural}),
        f"{contract.id}_model.h": cpp_header(rtneural, contract).encode(),
        f"golden/{contract.id}.json": golden,
    }
    if to.cpp is not None and rtneural is not None:
        name, content = runtime_file(rtneural, contract.id, to.cpp)
        files[name] = content
        if cpp_runner is not None:
            parity["kmidi_runtime"] = check_runtime(cpp_runner, rtneural, golden, contract, tolerance)
    if student is not None:
        teachers = without_effect(from_reset(network), contract.inputs)
        files[f"golden/{contract.id}.onnx.json"] = _golden(network, contract, probes, teachers, head, alone)
    if contract.listens:
        files[f"golden/{contract.id}.audio.json"] = audio_golden(TorchModel(student or network), contract)
    table = module.table()
    if table is not None:
        files[f"{contract.id}.table.bin"] = table.tobytes()
        files[f"golden/{contract.id}.text.json"] = text_golden(TorchModel(student or network), table, contract)
    if trained_on is not None:
        files[f"{contract.id}{KNOWN_INPUTS}"] = KnownInputs.of(trained_on).tobytes()
    reader = None if rtneural is None else RTNeuralModel.from_bytes(rtneural)
    if reader is not None:
        verify_golden(files[f"golden/{contract.id}.json"], reader, tolerance)
    onnx_golden = f"golden/{contract.id}{'.onnx' if student is not None else ''}.json"
    verify_golden(files[onnx_golden], OnnxModel(onnx, f"{contract.id}.onnx"), tolerance)
    if contract.listens and reader is not None:
        verify_audio(files[f"golden/{contract.id}.audio.json"], reader, tolerance)
    if table is not None and reader is not None:
        verify_text(files[f"golden/{contract.id}.text.json"], table, reader, tolerance)
    if head is not None:
        files[f"{contract.id}.head.json"] = head
    status, reason = entry_status(record)
    old = published_entry(models_root, contract.id)
    allowed, why_not = may_replace(old, status, record.data.stand_in, models_root)
    record.export = Export(
        models_root=str(models_root),
        status=status,
        reason=reason if allowed else f"{reason}; not published: {why_not}",
        stored_params=reader.parameters if reader else None,
        receptive_field=_receptive_field(student or network),
        onnx_receptive_field=_receptive_field(network),
        parity=parity,
        no_effect=no_effect,
        latency=from_json(Latency, latency, "latency"),
        published=allowed,
    )
    if not allowed:
        log.warning("not published: %s", why_not)
        return
    files[f"{contract.id}.card.md"] = model_card(record, contract).encode()
    entry = registry_entry(record, contract, files)
    try:
        registry = publish(models_root, entry, files, onnx_prefix="." if to.release else None, sweep=to.sweep)
    except BetterPublishedError as better:
        record.export.published, record.export.reason = False, f"{reason}; not published: {better}"
        log.info("not published: %s", better)
        return
    record.export.files = {n: FileFacts(sha256(data), len(data)) for n, data in files.items()}
    log.info("published %s with status %s (%s) in %s", contract.id, status, reason, registry)


def _head_file(module: LabModule) -> bytes | None:
    """What decodes the outputs and says which are unlike those of the training; None for a model with neither."""
    content: dict[str, Any] = {**module.head_layout(), **module.head()} if module.head() else {}
    if module.outliers is not None:
        content[outliers.KEY] = module.outliers.layout()
    return orjson.dumps({"version": 1, **content}, option=orjson.OPT_SERIALIZE_NUMPY) if content else None


def _golden(
    network: nn.Module, contract: Contract, probes: np.ndarray, no_effect: list[str], head: bytes | None, alone: bool
) -> bytes:
    """Eight calls in a row; eight typical ones from all over the probes, and eight that use every slice.

    `alone`: no other file holds this network, so that it answers to random calls, too.
    """
    typical = probes[np.linspace(_GOLDEN, len(probes) - 1, _GOLDEN).astype(int)]
    calls = np.concatenate([typical, contract_inputs(contract.inputs, _GOLDEN, 0)])
    model = TorchModel(network)
    random = answers(model, contract) if alone else None
    return golden_vectors(model, contract, calls, probes[:_GOLDEN], no_effect, head, random)


def _receptive_field(network: nn.Module) -> int | None:
    """In calls; None where it has no end."""
    field = network.receptive_field() if isinstance(network, Streaming) else 1
    return None if isinf(field) else int(field)


def _check_rewrite(network: nn.Module, rewritten: nn.Module, probes: np.ndarray, tolerance: float) -> None:
    error = float(np.abs(TorchModel(network).run(probes) - TorchModel(rewritten).run(probes)).max())
    if not error <= tolerance:
        raise ExportError(
            f"the network rewritten for export differs from the trained one by {error:.2e} (gate {tolerance:g})"
        )


def export_trained(module: LabModule, data: DataModule, record: RunRecord, to: Publication) -> None:
    """`export_module` with what a run's data have of inputs. Raises ExportError as that does."""
    # Feedback holds no frames of sound, so nothing is compared with them.
    known = None if module.contract.listens else data.trained_on()
    export_module(module, data.probes(), record, to, known)


class ExportCallback(L.Callback):
    """Runs `export_module` at the end of a test, on the first rank.

    Args:
        record: of the run, with its scores; its `export` is filled.
        data: gives the real inputs to prove the artefacts on.
        to: where and how it is published.

    Raises:
        ExportError: a gate failed; nothing is published then.
    """

    def __init__(self, record: RunRecord, data: DataModule, to: Publication) -> None:
        self._record, self._data, self._to = record, data, to

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LabModule)
        export_trained(pl_module, self._data, self._record, self._to)
