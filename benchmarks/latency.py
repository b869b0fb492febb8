"""Single-call latency of every published model, each backend as a ratio to ONNX Runtime's `run()` and the memory floor.

    python benchmarks/latency.py [models folder]

RTNeural is measured where RTNEURAL_RUNNER names a runner (docs/rtneural_runner.md). The memory floor is the time in
which one core reads as many bytes as the model has weights (kmidi_lab/export/bench/memory_floor.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

from kmidi_lab.export.bench.latency import measure_latency
from kmidi_lab.export.bench.published import read_published
from kmidi_lab.export.rtneural.runner import runner_from_env
from kmidi_lab.provenance import machine_fingerprint
from kmidi_lab.registry.registry import load_registry


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/release")
    machine = machine_fingerprint()
    print(f"{machine['cpu']} ({machine['id']})")
    for entry in load_registry(root)["models"]:
        model = read_published(root, entry)
        result = measure_latency(None, model.contract, model.onnx, model.rtneural, model.frames, runner_from_env())
        peer = result["backends"]["onnxruntime"]["median_us"]
        for name, b in result["backends"].items():
            floor = b["memory_floor"]["floor_ratio"]
            to_floor = "floor below the clock" if floor is None else f"{floor:.2f} of the memory floor"
            times = f"median {b['median_us']:.1f} us, p99 {b['p99_us']:.1f} us"
            print(f"{entry['id']} {name}: {times}, ratio {b['median_us'] / peer:.2f}, {to_floor}")
        for name, why in result["not_measured"].items():
            print(f"{entry['id']} {name}: not measured ({why})")


if __name__ == "__main__":
    main()
