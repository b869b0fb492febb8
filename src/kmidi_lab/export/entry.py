"""The registry entry of a run, from its run.json."""

from __future__ import annotations

import hashlib
from typing import Any

from kmidi_lab.contracts import Contract

def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_TRAINING = ("epochs", "batch_size", "learning_rate", "optimizer", "loss", "train_loss", "val_loss", "test_loss")
_DATA_SETTINGS = ("sources", "split_seed", "val_share", "test_share")


def registry_entry(run: dict[str, Any], contract: Contract, files: dict[str, bytes]) -> dict[str, Any]:
    """All fields of contract.md §2 and what the lab adds; `files` by name inside the models folder."""
    rtneural, onnx = f"{contract.id}.json", f"{contract.id}.onnx"
    main = rtneural if rtneural in files else onnx
    export, data = run["export"], run["data"]
    stand_in = f" Stand-in data: {data['stand_in']}" if data["stand_in"] else ""
    return {
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
        "params_estimate": str(run["params"]),
        "inference_target_ms": contract.budget_ms,
        "training": {
            "dataset_id": data["id"],
            "dataset_version": data["version"],
            "dataset_license": data["licence"],
            **{k: run["training"][k] for k in _TRAINING},
            "run_id": run["run_id"],
            "git_commit": run["git_commit"] or "unknown",
            "training_date": run["started_at"],
            "hardware": f"{run['hardware']['accelerator']}: {run['machine']['gpu'] or run['machine']['cpu']}",
            "duration_seconds": run["training_seconds"],
        },
        "exports": {
            "sha256": sha256(files[main]),
            "onnx_path": onnx,
            "onnx_sha256": sha256(files[onnx]),
        },
        "integration": {
            "python_api": True,
            "cpp_mlinterface": export["parity"].get("rtneural") is not None,
            "tauri_ui": False,
            "fallback_available": True,
        },
        "model_card": f"{contract.id}.card.md",
        "license": data["licence"],
        "contract_version": contract.version,
        "feature_version": contract.features,
        "seed": run["seed"],
        "metrics": run["metrics"],
        "baselines": run["baselines"],
        "spread": run["spread"],
        "stand_in": data["stand_in"],
        "parity": export["parity"],
        "data_settings": {k: run["config"]["data"][k] for k in _DATA_SETTINGS if k in run["config"]["data"]},
        "files": {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in files.items()},
    }
