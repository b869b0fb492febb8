"""Random SIGKILLs over sweeps of twelve jobs: is a finished job lost, does going on end in the same leaderboard?

    python benchmarks/sweep_kills.py --folder sweep_kills --kills 200

One sweep is left alone. Others are killed with all their processes at a random moment and go on by sweep.resume, again
and again until they end; then the next one begins. The moment is drawn in seconds of the processor, up to a third of
what the first sweep took, so that other work on the machine does not move it. A fault is a finished job that is gone,
is no longer finished (but for the
chosen one, whose test follows), has other weights, or was trained again, be it to the same weights; a file that is not
whole, an end with an error, or another leaderboard than the one of the sweep that was left alone. Every
process is forked from this one, which has imported everything. Linux and macOS.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from kills import forked, half_written, is_done, kill, wait, warm_up

import kmidi_lab.tasks.train  # noqa: F401  imported here once, not in every sweep
from kmidi_lab.__main__ import main
from kmidi_lab.sweeps.kept import choice_in

WORDS = (
    "model=harmony", "data.sources=[embedded]", "hardware=cpu", "trainer.max_epochs=2", "trainer.limit_train_batches=2",
    "trainer.progress=false", "export.enabled=false", "model.module.hidden=[16]", "seed=1,2,3",
    "model.module.dropout=0.0,0.2,0.4,0.6",
)  # fmt: skip


def begin(folder: Path, cache: Path) -> int:
    """A process that begins the sweep in `folder`, or goes on with it."""
    begun = next(iter(folder.glob("outputs/sweeps/*/sweep.json")), None)
    words = [f"sweep.resume={begun.parent}"] if begun else [*WORDS, f"paths.cache_dir={cache}"]
    return forked(folder, lambda: main(["-m", *words]))


def leaderboard(folder: Path) -> str:
    """Without the folder's name."""
    [table] = folder.glob("outputs/sweeps/*/leaderboard.csv")
    return table.read_text(encoding="utf-8").replace(table.parent.name, "")


def finished(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """The best weights of every finished job, and when they were written."""
    runs = [path.parent for path in folder.glob("outputs/sweeps/*/*/run.json")]
    return {run: _weights(run) for run in runs if is_done(run)}


def lost(before: Mapping[Path, tuple[bytes, int]]) -> list[str]:
    """What is wrong with jobs that were finished before: nothing has to do with them again but the test of the chosen
    one.
    """
    faults = []
    for run, (weights, written) in before.items():
        try:
            now, again = _weights(run)
        except FileNotFoundError:
            faults.append(f"job {run.name} is gone")
            continue
        if now != weights:
            faults.append(f"job {run.name} is not what it was")
        elif again != written:
            faults.append(f"job {run.name} was trained again")
        elif not is_done(run) and int(run.name) not in choice_in(run.parent)[0]:
            faults.append(f"job {run.name} is no longer finished")
    return faults


def _weights(run: Path) -> tuple[bytes, int]:
    best = run / "checkpoints/best.ckpt"
    return best.read_bytes(), best.stat().st_mtime_ns


def _after(process: int, seconds: float) -> tuple[int, int]:
    """`os.waitpid` once a process has had so many seconds of the processor, or has ended."""
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended or sum(psutil.Process(process).cpu_times()[:2]) >= seconds:
            return ended, status
        time.sleep(0.01)


def run(folder: Path, kills: int, seed: int) -> int:
    """Prints counts and faults; returns the number of faults."""
    warm_up()
    whole, cache, rng = folder / "whole", folder / "cache", random.Random(seed)
    before_it = os.times()
    assert wait(begin(whole, cache)) == 0
    took = sum(os.times()[2:4]) - sum(before_it[2:4])  # of children that have ended, their own among them
    expected, faults, done, sweeps, gone = leaderboard(whole), 0, 0, 0, 0
    print(f"undisturbed: {took:.0f} s of the processor\n{expected}", flush=True)
    while done < kills:
        own, before = folder / f"sweep-{sweeps}", dict[Path, tuple[bytes, int]]()
        while True:
            process = begin(own, cache)
            ended, status = _after(process, rng.uniform(0, took / 3))
            if ended:
                wrong = [f"ended with {os.waitstatus_to_exitcode(status)}"] if status else []
                wrong += ["another leaderboard"] if not status and leaderboard(own) != expected else []
            else:
                kill(process)
                done += 1
                wrong = half_written(own)
            odd = lost(before)
            gone, wrong = gone + len(odd), [*wrong, *odd]
            before |= finished(own)
            faults += len(wrong)
            for fault in wrong:
                print(f"FAULT {own.name} after {done} kills: {fault}", flush=True)
            if ended:
                break
        sweeps += 1
        print(f"{done} kills, {sweeps} sweeps ended, {gone} finished jobs lost, {faults} faults", flush=True)
        if not faults:
            shutil.rmtree(own)
    return faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="made anew; faults are kept there")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    shutil.rmtree(asked.folder, ignore_errors=True)
    sys.exit(bool(run(asked.folder.resolve(), asked.kills, asked.seed)))
