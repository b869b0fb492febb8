"""Export of one trained module, after its test: write, prove, measure, then publish all at once or nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmidi_lab.contract_types import Contract
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ExportError
from kmidi_lab.export.artefacts import artefacts_of, files_of, receptive_field, verify_files
from kmidi_lab.export.bench.latency import measure_latency
from kmidi_lab.export.bench.published import NO_RTNEURAL
from kmidi_lab.export.cpp.proof import check_runtime
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.proof.probes import without_effect
from kmidi_lab.export.rtneural.runner import CPP_VARIABLE, runner_from_env
from kmidi_lab.inference.known_inputs import KNOWN_INPUTS, KnownInputs
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import from_reset
from kmidi_lab.registry.entry import registry_entry, sha256
from kmidi_lab.registry.policy import entry_status, may_replace, withheld_line
from kmidi_lab.registry.registry import BetterPublishedError, publish, published_entry
from kmidi_lab.report.card import model_card
from kmidi_lab.run_export import Export, FileFacts, Latency
from kmidi_lab.run_record import RunRecord
from kmidi_lab.typed_json import from_json

log = logging.getLogger(__name__)
_PROBES = 4096


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
    if record.data is None or record.scores is None:
        raise ExportError("the run has no scores yet, so there is nothing to publish; evaluate it first")
    contract, runner, cpp_runner = module.contract, runner_from_env(), runner_from_env(CPP_VARIABLE)
    withheld = withheld_line(record.student.withheld) if record.student and record.student.withheld else ""
    if withheld:
        log.warning("%s", withheld)
    if not contract.streaming:
        probes = probes[np.random.default_rng(0).permutation(len(probes))]
    probes = probes[:_PROBES]
    made = artefacts_of(module, record.student is not None, bool(withheld), probes, to.tolerance)
    parity = check_parity(made.network, contract, made.onnx, made.rtneural, probes, to.tolerance, runner, made.student)
    log.info(
        "parity: %s", ", ".join(f"{k} {v:.1e}" for k, v in parity.items() if isinstance(v, float) and k != "tolerance")
    )
    latency = measure_latency(
        made.network, contract, made.onnx, made.rtneural, probes[:512], runner, to.calls,
        cpp_runner=cpp_runner, no_rtneural=withheld or NO_RTNEURAL,
    )  # fmt: skip
    no_effect = without_effect(from_reset(made.deployed), contract.inputs)
    files = files_of(made, probes, no_effect, to.cpp)
    if to.cpp is not None and cpp_runner is not None and made.rtneural is not None:
        golden = files[f"golden/{contract.id}.json"]
        parity["kmidi_runtime"] = check_runtime(cpp_runner, made.rtneural, golden, contract, to.tolerance)
    if trained_on is not None:
        files[f"{contract.id}{KNOWN_INPUTS}"] = KnownInputs.of(trained_on).tobytes()
    verify_files(made, files, to.tolerance)
    if made.head is not None:
        files[f"{contract.id}.head.json"] = made.head
    status, reason = entry_status(record)
    old = published_entry(to.models_root, contract.id)
    allowed, why_not = may_replace(old, status, record.data.stand_in, to.models_root)
    reader = made.reader
    record.export = Export(
        models_root=str(to.models_root),
        status=status,
        reason=reason if allowed else f"{reason}; not published: {why_not}",
        stored_params=reader.parameters if reader else None,
        receptive_field=receptive_field(made.deployed),
        onnx_receptive_field=receptive_field(made.network),
        parity=parity,
        no_effect=no_effect,
        latency=from_json(Latency, latency, "latency"),
        published=allowed,
    )
    if allowed:
        _publish(record, record.export, contract, files, to)
    else:
        log.warning("not published: %s", why_not)


def _publish(record: RunRecord, export: Export, contract: Contract, files: dict[str, bytes], to: Publication) -> None:
    """Puts files, card and registry entry in their places, all or none; a better job of the sweep stays as it is."""
    files[f"{contract.id}.card.md"] = model_card(record, contract).encode()
    entry = registry_entry(record, contract, files)
    try:
        registry = publish(to.models_root, entry, files, onnx_prefix="." if to.release else None, sweep=to.sweep)
    except BetterPublishedError as better:
        export.published, export.reason = False, f"{export.reason}; not published: {better}"
        log.info("not published: %s", better)
        return
    export.files = {n: FileFacts(sha256(data), len(data)) for n, data in files.items()}
    log.info("published %s with status %s (%s) in %s", contract.id, export.status, export.reason, registry)


def export_trained(module: LabModule, data: DataModule, record: RunRecord, to: Publication) -> None:
    """`export_module` with what a run's data have of inputs. Raises ExportError as that does."""
    # Feedback holds no frames of sound, so nothing is compared with them.
    known = None if module.contract.listens else data.trained_on()
    export_module(module, data.probes(), record, to, known)
