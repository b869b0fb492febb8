"""Single-call latency of every published model, each backend as a ratio to ONNX Runtime's Python `run()`.

    python benchmarks/latency.py [models folder]

RTNeural is measured where RTNEURAL_RUNNER names a runner (docs/rtneural_runner.md).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.export.latency import measure_latency
from kmidi_lab.export.registry import load_registry
from kmidi_lab.export.rtneural_runner import runner_from_env
from kmidi_lab.machine import machine_fingerprint


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/release")
    contracts = {c.id: c for c in CONTRACTS.values()}
    machine = machine_fingerprint()
    print(f"{machine['cpu']} ({machine['id']})")
    for entry in load_registry(root)["models"]:
        golden = json.loads((root / "golden" / f"{entry['id']}.json").read_text(encoding="utf-8"))
        frames = np.array(golden["typical"]["inputs"], np.float32)
        onnx, rtneural = (root / entry["exports"]["onnx_path"]).read_bytes(), (root / entry["file"]).read_bytes()
        result = measure_latency(None, contracts[entry["id"]], onnx, rtneural, frames, runner_from_env())
        peer = result["backends"]["onnxruntime"]["median_us"]
        for name, b in result["backends"].items():
            print(
                f"{entry['id']} {name}: median {b['median_us']:.1f} us, p99 {b['p99_us']:.1f} us, ratio {b['median_us'] / peer:.2f}"
            )
        for name, why in result["not_measured"].items():
            print(f"{entry['id']} {name}: not measured ({why})")


if __name__ == "__main__":
    main()
