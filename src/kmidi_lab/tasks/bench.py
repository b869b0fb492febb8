"""task=bench: single-call latency of every ONNX and RTNeural file in a models folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import RegistryError
from kmidi_lab.export.atomic import write_atomic
from kmidi_lab.export.latency import measure_latency
from kmidi_lab.export.registry import published_entry
from kmidi_lab.export.rtneural_runner import runner_from_env
from kmidi_lab.machine import machine_fingerprint


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    root = Path(cfg.models_root)
    found: dict[str, Any] = {}
    for contract in CONTRACTS.values():
        entry = published_entry(root, contract.id)
        if entry is None:
            continue
        golden_path = root / "golden" / f"{contract.id}.json"
        if not golden_path.is_file():
            raise RegistryError(f"{golden_path} is missing; export the model again")
        golden = json.loads(golden_path.read_text(encoding="utf-8"))
        frames = np.array(golden["typical"]["inputs"], np.float32)
        onnx = (root / entry["exports"]["onnx_path"]).read_bytes()
        rtneural = (root / entry["file"]).read_bytes() if entry["format"] == "rtneural-json" else None
        found[contract.id] = measure_latency(
            None, contract, onnx, rtneural, frames, runner_from_env(), cfg.export.calls
        )
    if not found:
        raise RegistryError(f"{root}: no published model to bench; train one first or give models_root")
    report = {"machine": machine_fingerprint(), "models": found}
    write_atomic(context["folder"] / "bench.json", json.dumps(report, indent=1).encode())
    for model_id, latency in found.items():
        print(f"{model_id}: budget {latency['budget_ms']:g} ms, {latency['frames']} calls, one thread")
        for name, b in latency["backends"].items():
            print(
                f"  {name:<22} first {b['first_us']:>9.1f}  median {b['median_us']:>8.1f}  p99 {b['p99_us']:>8.1f}  max {b['max_us']:>9.1f} us"
            )
        for name, why in latency["not_measured"].items():
            print(f"  {name:<22} not measured: {why}")
    print(f"written: {context['folder'] / 'bench.json'}")
