"""The lab's C++ runtime beside RTNeural on every published model, by turns: medians, tails and their ratio.

    KMIDI_RUNNER=… RTNEURAL_RUNNER=… python benchmarks/cpp_runtime.py [models folder]

Both programs come from `runner/` (docs/cpp_runtime.md). Rounds of both take turns, so that what else the machine does
meets both; of each the best round counts, which is the one that was disturbed least.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from kmidi_lab.errors import UserError
from kmidi_lab.export.bench.published import read_published
from kmidi_lab.export.cpp.emit import kmw
from kmidi_lab.export.cpp.plan import plan_of
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.runner import CPP_VARIABLE, VARIABLE, run_program, runner_from_env
from kmidi_lab.provenance import machine_fingerprint
from kmidi_lab.registry.registry import load_registry

ROUNDS, CALLS, WARMUP = 15, 1000, 100


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/release")
    runners = [runner_from_env(variable) for variable in (CPP_VARIABLE, VARIABLE)]
    if None in runners:
        raise UserError(f"set {CPP_VARIABLE} and {VARIABLE} to programs built from runner/, see docs/cpp_runtime.md")
    machine = machine_fingerprint()
    print(f"{machine['cpu']} ({machine['id']}); best of {ROUNDS} rounds of {CALLS} calls, microseconds\n")
    print("| model | floats stored: JSON, kmw | MB: JSON, kmw | runtime p50, p99 | RTNeural p50, p99 | ratio |")
    print("|---|---|---|---|---|---|")
    for entry in load_registry(root)["models"]:
        if not entry.get("rtneural_path"):
            continue
        # Of a model with a student, too, whose entry names the ONNX file.
        model, rtneural = read_published(root, entry), (root / entry["rtneural_path"]).read_bytes()
        plan = plan_of(rtneural)
        files = kmw(plan, rtneural), rtneural
        frames = model.frames[np.arange(CALLS) % len(model.frames)]
        sizes = plan.input_size, plan.output_size
        best = [np.inf, np.inf], [np.inf, np.inf]
        for _ in range(ROUNDS):
            for result, runner, file in zip(best, runners, files, strict=True):
                assert runner is not None
                ns = run_program(runner, file, sizes, frames, reset_each=False, warmup=WARMUP).ns
                result[:] = np.minimum(result, np.percentile(ns, (50, 99)) / 1e3)
        weights = RTNeuralModel.from_bytes(rtneural).parameters
        ours, theirs = (f"{p50:.2f}, {p99:.2f}" for p50, p99 in best)
        megabytes = f"{len(files[1]) / 1e6:.2f}, {len(files[0]) / 1e6:.2f}"
        print(
            f"| {entry['id']} | {weights:,}, {plan.weights.size:,} | {megabytes} | {ours} | {theirs} "
            f"| {best[1][0] / best[0][0]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
