"""Many small jobs: one sweep by launcher=workers and by launcher=joblib, beside processes one after another.

    python benchmarks/sweep.py --folder sweep --jobs 24

Jobs are harmony on embedded chord charts by preset=smoke, each with a seed of its own: training, test, baselines and
report, and with --export the ONNX, RTNeural and C++ files, their proof and their latency, too. Data are prepared before
the clock starts. Printed are wall seconds, CPU seconds of all processes, the load of the machine when each began, and
whether all ways gave the same validation losses. On a machine that others use, the CPU seconds are what can be
compared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

WORDS = (
    "model=harmony", "data.sources=[embedded]", "hardware=cpu", "preset=smoke", "trainer.progress=false",
    "paths.cache_dir=cache",
)  # fmt: skip
LAB = (sys.executable, "-m", "kmidi_lab")


def run(folder: Path, *words: str) -> None:
    """Raises CalledProcessError."""
    done = subprocess.run([*LAB, *WORDS, *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        done.check_returncode()


def measured(name: str, folder: Path, commands: list[list[str]]) -> float:
    """Runs the commands one after another; prints and returns the wall seconds."""
    load, before, began = os.getloadavg()[0], os.times(), time.monotonic()
    for words in commands:
        run(folder, *words, f"paths.output_root={name}")
    took, now = time.monotonic() - began, os.times()
    cpu = now.children_user + now.children_system - before.children_user - before.children_system
    print(f"{name:10} {took:7.1f} s wall {cpu:7.1f} s CPU   load before {load:.1f}", flush=True)
    return took


def losses(folder: Path) -> list[float]:
    """Validation losses in the order of the seeds."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("**/run.json")]
    return [run["training"]["val_loss"] for run in sorted(records, key=lambda run: run["identity"]["seed"])]


def main(folder: Path, jobs: int, more: list[str], skipped: list[str]) -> None:
    """Prints the table and the ratios."""
    seeds = [str(seed) for seed in range(1, jobs + 1)]
    sweep = ["-m", f"seed={','.join(seeds)}", "sweep.test=all", *more]
    ways = {
        "processes": [[f"seed={seed}", *more] for seed in seeds],
        "workers": [[*sweep, "launcher=workers"]],
        "joblib": [[*sweep, "launcher=joblib"]],
    }
    run(folder, "task=prepare")
    took = {name: measured(name, folder, ways[name]) for name in ways if name not in skipped}
    for name in ("workers", "joblib"):
        if {"processes", name} <= took.keys():
            print(
                f"launcher={name} is {took['processes'] / took[name]:.2f} times as fast as processes one after another"
            )
    print("same validation losses:", len({tuple(losses(folder / name)) for name in took}) == 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="made anew")
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--export", action="store_true", help="every job makes its files, too")
    parser.add_argument("--skip", nargs="*", default=[], choices=["processes", "workers", "joblib"])
    asked = parser.parse_args()
    shutil.rmtree(asked.folder, ignore_errors=True)
    asked.folder.mkdir(parents=True)
    main(asked.folder.resolve(), asked.jobs, [] if asked.export else ["export.enabled=false"], asked.skip)
