"""The registry entry of a run, from its record."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from kmidi_lab.contract_types import Contract
from kmidi_lab.licences import product_use
from kmidi_lab.registry.policy import student_falls_short
from kmidi_lab.run_export import Export
from kmidi_lab.run_record import DataDescription, Network, RunRecord
from kmidi_lab.run_scores import Primary, Student

_TRAINING = ("epochs", "batch_size", "learning_rate", "optimizer", "loss", "train_loss", "val_loss", "test_loss")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def registry_entry(run: RunRecord, contract: Contract, files: dict[str, bytes]) -> dict[str, Any]:
    """All fields of contract.md §2 and what the lab adds (registry/registry.schema.json says what each means).

    `publish` adds top-level `onnx_path` and `history`. Numbers that are not finite become null, or are left out where
    the format wants a number.

    Args:
        run: with data, scores and an export.
        contract: of the model.
        files: content by path below the models folder, with the ONNX file.
    """
    data, scores, network, export = run.data, run.scores, run.network, run.export
    assert data and scores and network and export
    rtneural, onnx, golden = f"{contract.id}.json", f"{contract.id}.onnx", f"golden/{contract.id}.json"
    audio_golden = f"golden/{contract.id}.audio.json"
    card, head, header = f"{contract.id}.card.md", f"{contract.id}.head.json", f"{contract.id}_model.h"
    onnx_golden = f"golden/{contract.id}.onnx.json"
    table, text_golden = f"{contract.id}.table.bin", f"golden/{contract.id}.text.json"
    main = onnx if rtneural not in files or student_falls_short(run) else rtneural
    stand_in = f" Stand-in data: {data.stand_in}" if data.stand_in else ""
    notice = f" {data.more['notice']}." if data.more.get("notice") else ""
    whose = f" {run.split_run}." if run.split_run else ""
    entry = {
        "id": contract.id,
        "file": main,
        "format": "rtneural-json" if main == rtneural else "onnx",
        "model_type": "RTNeural" if main == rtneural else "ONNX",
        "task": contract.task,
        "input_size": contract.input_size,
        "output_size": contract.output_size,
        "status": export.status,
        "note": f"{export.reason}.{stand_in}{notice}{whose}",
        "arch_hint": network.arch,
        "params_estimate": _params(network, export, run.student),
        "inference_target_ms": contract.budget_ms,
        "training": _training(run, data),
        "exports": {"sha256": sha256(files[main]), "onnx_path": onnx, "onnx_sha256": sha256(files[onnx])},
        "integration": {
            "python_api": True,
            # Only the real RTNeural counts here, not our own reader of its format.
            "cpp_mlinterface": export.parity.get("rtneural") is not None,
            "tauri_ui": False,
            "fallback_available": True,
        },
        "model_card": card,
        "license": data.licence,
        "product_use": product_use(data.licence),
        "rtneural_path": rtneural if rtneural in files else None,
        "golden_path": golden if golden in files else None,
        "onnx_golden_path": onnx_golden if onnx_golden in files else None,
        "audio_golden_path": audio_golden if audio_golden in files else None,
        **({"table_path": table, "text_golden_path": text_golden} if contract.reads else {}),
        "header_path": header if header in files else None,
        # Then the RTNeural file and the ONNX file hold different networks, each with golden vectors of its own.
        "rtneural_is_student": run.published_student is not None,
        "student": _student(run.student),
        "receptive_field": export.receptive_field,
        "onnx_receptive_field": export.onnx_receptive_field,
        "head_path": head if head in files else None,
        "contract_version": contract.version,
        "feature_version": contract.features,
        "status_reason": export.reason,
        "stand_in": data.stand_in,
        "data_fingerprint": data.version,
        "data_settings": data.settings,
        **({"heard_all": True} if data.began_with_all else {}),
        **({"retrained": data.more["retrained"]} if "retrained" in data.more else {}),
        "params": network.params,
        "seed": run.identity.seed,
        "code_sha256": run.code.sha256,
        "git_dirty": run.code.git_dirty,
        "metrics": scores.metrics,
        "directions": scores.directions,
        "baselines": scores.baselines,
        "primary": _primary(scores.primary),
        "spread": run.spread and asdict(run.spread),
        **({"split_run": asdict(run.split_run)} if run.split_run else {}),
        "parity": export.parity,
        "no_effect": export.no_effect,
        "latency": _latency(run, export),
        "files": {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in files.items()},
    }
    return {key: _finite(value) for key, value in entry.items()}


def _primary(primary: Primary | None) -> dict[str, Any] | None:
    """`not_comparable` is there where it says something."""
    plain = asdict(primary) if primary else None
    return plain and {k: v for k, v in plain.items() if v is not None or k != "not_comparable"}


def _params(network: Network, export: Export, student: Student | None) -> str:
    if student is None:
        return f"{network.params} trained, {export.stored_params} stored"
    if student.withheld:
        return f"{network.params} in the ONNX file"
    return f"{network.params} in the ONNX file, {export.stored_params} in its student for RTNeural"


def _student(student: Student | None) -> dict[str, Any] | None:
    """What the student is and its scores, without the curve of its training; `withheld` where it says something."""
    if student is None:
        return None
    told = {k: v for k, v in asdict(student).items() if k != "curve" and (v or k != "withheld")}
    return {**told, "primary": _primary(student.primary)}


def _latency(run: RunRecord, export: Export) -> dict[str, Any]:
    """The machine, and median and 99th percentile by backend; run.json and the card hold the rest."""
    times = {name: {"median_us": b.median_us, "p99_us": b.p99_us} for name, b in export.latency.backends.items()}
    return {"machine": run.machine["id"], "backends": times}


def _training(run: RunRecord, data: DataDescription) -> dict[str, Any]:
    machine, accelerator = run.machine, run.hardware["accelerator"]
    device = machine["cpu"] if accelerator == "cpu" else ", ".join(machine["gpu"]) or machine["cpu"]
    training = run.training
    assert training
    values = {
        "dataset_id": data.id,
        "dataset_version": data.version,
        "dataset_license": data.licence,
        **{key: getattr(training, key) for key in _TRAINING},
        "run_id": run.identity.run_id,
        "git_commit": run.code.git_commit or "unknown",
        # A run publishes just before it ends, so its own end isn't known yet the first time.
        "training_date": run.identity.finished_at or datetime.now(UTC).isoformat(),
        "hardware": f"{accelerator}: {device}",
        "duration_seconds": training.seconds,
    }
    return {key: value for key, value in values.items() if _finite(value) is not None}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list) else value
