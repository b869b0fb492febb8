"""The registry entry of a run, from its run.json."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kmidi_lab.contracts import Contract
from kmidi_lab.registry.policy import student_falls_short

_TRAINING = ("epochs", "batch_size", "learning_rate", "optimizer", "loss", "train_loss", "val_loss", "test_loss")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def registry_entry(run: dict[str, Any], contract: Contract, files: dict[str, bytes]) -> dict[str, Any]:
    """All fields of contract.md §2 and what the lab adds (registry/registry.schema.json says what each means).

    `publish` adds top-level `onnx_path` and `history`. Numbers that are not finite become null, or are left out where
    the format wants a number.

    Args:
        run: run.json, with its `export` filled. files: content by path below the models folder, with the ONNX file.
    """
    rtneural, onnx, golden = f"{contract.id}.json", f"{contract.id}.onnx", f"golden/{contract.id}.json"
    card, head, header = f"{contract.id}.card.md", f"{contract.id}.head.json", f"{contract.id}_model.h"
    onnx_golden = f"golden/{contract.id}.onnx.json"
    main = onnx if rtneural not in files or student_falls_short(run) else rtneural
    export, data = run["export"], run["data"]
    stand_in = f" Stand-in data: {data['stand_in']}" if data["stand_in"] else ""
    entry = {
        "id": contract.id,
        "file": main,
        "format": "rtneural-json" if main == rtneural else "onnx",
        "model_type": "RTNeural" if main == rtneural else "ONNX",
        "task": contract.task,
        "input_size": contract.input_size,
        "output_size": contract.output_size,
        "status": export["status"],
        "note": f"{export['reason']}.{stand_in}",
        "arch_hint": run["arch"],
        "params_estimate": _params(run),
        "inference_target_ms": contract.budget_ms,
        "training": _training(run),
        "exports": {"sha256": sha256(files[main]), "onnx_path": onnx, "onnx_sha256": sha256(files[onnx])},
        "integration": {
            "python_api": True,
            # Only the real RTNeural counts here, not our own reader of its format.
            "cpp_mlinterface": export["parity"].get("rtneural") is not None,
            "tauri_ui": False,
            "fallback_available": True,
        },
        "model_card": card,
        "license": data["licence"],
        "rtneural_path": rtneural if rtneural in files else None,
        "golden_path": golden if golden in files else None,
        "onnx_golden_path": onnx_golden if onnx_golden in files else None,
        "header_path": header if header in files else None,
        # Then the RTNeural file and the ONNX file hold different networks, each with golden vectors of its own.
        "rtneural_is_student": run.get("student") is not None,
        "student": _student(run),
        "receptive_field": export.get("receptive_field"),
        "onnx_receptive_field": export.get("onnx_receptive_field"),
        "head_path": head if head in files else None,
        "contract_version": contract.version,
        "feature_version": contract.features,
        "status_reason": export["reason"],
        "stand_in": data["stand_in"],
        "data_fingerprint": data["version"],
        "data_settings": run["data_settings"],
        "params": run["params"],
        "seed": run["seed"],
        "code_sha256": run["code_sha256"],
        "git_dirty": run["git_dirty"],
        "metrics": run["metrics"],
        "baselines": run["baselines"],
        "primary": run["primary"],
        "spread": run["spread"],
        "parity": export["parity"],
        "latency": _latency(run),
        "files": {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in files.items()},
    }
    return {key: _finite(value) for key, value in entry.items()}


def _params(run: dict[str, Any]) -> str:
    stored = run["export"]["stored_params"]
    if run.get("student") is None:
        return f"{run['params']} trained, {stored} stored"
    return f"{run['params']} in the ONNX file, {stored} in its student for RTNeural"


def _student(run: dict[str, Any]) -> dict[str, Any] | None:
    """What the student is and its scores, without the curve of its training."""
    if run.get("student") is None:
        return None
    return {k: v for k, v in {**run["student"], **run["student_scores"]}.items() if k != "curve"}


def _latency(run: dict[str, Any]) -> dict[str, Any]:
    """The machine, and median and 99th percentile by backend; run.json and the card hold the rest."""
    backends = run["export"]["latency"]["backends"]
    times = {name: {key: b[key] for key in ("median_us", "p99_us")} for name, b in backends.items()}
    return {"machine": run["machine"]["id"], "backends": times}


def _training(run: dict[str, Any]) -> dict[str, Any]:
    data, machine, accelerator = run["data"], run["machine"], run["hardware"]["accelerator"]
    device = machine["cpu"] if accelerator == "cpu" else ", ".join(machine["gpu"]) or machine["cpu"]
    values = {
        "dataset_id": data["id"],
        "dataset_version": data["version"],
        "dataset_license": data["licence"],
        **{key: run["training"].get(key) for key in _TRAINING},
        "run_id": run["run_id"],
        "git_commit": run["git_commit"] or "unknown",
        # A run publishes just before it ends, so its own end isn't known yet the first time.
        "training_date": run.get("finished_at") or datetime.now(UTC).isoformat(),
        "hardware": f"{accelerator}: {device}",
        "duration_seconds": run["training_seconds"],
    }
    return {key: value for key, value in values.items() if _finite(value) is not None}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list) else value
