"""A real sweep, killed at any moment, that goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

SMALL = (
    "model=harmony", "data.sources=[embedded]", "hardware=cpu", "trainer.max_epochs=2", "trainer.limit_train_batches=2",
    "trainer.progress=false", "export.enabled=false", "model.module.hidden=[16]",
)  # fmt: skip
SWEPT = ("seed=1,2", "model.module.dropout=0.0,0.4")


@pytest.mark.slow
def test_a_sweep_that_is_killed_again_and_again_ends_as_one_that_was_not(
    tmp_path: Path, lab: list[str], lab_env: dict[str, str]
) -> None:
    def run(*words: str, kill_after: float | None = None) -> int:
        with subprocess.Popen(
            [*lab, "-m", *words], cwd=tmp_path, env=lab_env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as job:
            try:
                said, _ = job.communicate(timeout=kill_after or 600)
            except subprocess.TimeoutExpired:
                family = psutil.Process(job.pid).children(recursive=True)
                os.kill(job.pid, signal.SIGKILL)  # the server kills what it has forked for it
                job.communicate()
                psutil.wait_procs(family, timeout=20)
                return -signal.SIGKILL
        assert job.returncode == 0, said.decode()
        return 0

    assert run(*SMALL, *SWEPT, "paths.output_root=whole", "paths.cache_dir=cache") == 0
    expected = figures(next((tmp_path / "whole/sweeps").iterdir()))
    assert [scored for _, _, scored in expected.values()].count(True) == 2  # both seeds of the chosen setting
    rng, kills, done = random.Random(0), 0, dict[str, bytes]()
    words = (*SMALL, *SWEPT, "paths.output_root=killed", "paths.cache_dir=cache")
    while run(*words, kill_after=rng.uniform(0.3, 1.8) if kills < 6 else None) != 0:
        kills += 1
        time.sleep(0.2)
        found = list((tmp_path / "killed/sweeps").glob("*/sweep.json"))
        if found:
            words = (f"sweep.resume={found[0].parent}",)
            for name, finished in done.items():
                assert (found[0].parent / name / "checkpoints/best.ckpt").read_bytes() == finished, name
            done |= {
                p.parent.name: (p.parent / "checkpoints/best.ckpt").read_bytes()
                for p in found[0].parent.glob("*/run.json")
                if ended_well(p)
            }
    assert kills >= 2  # a fast machine may be done before the third
    assert figures(next((tmp_path / "killed/sweeps").iterdir())) == expected


def ended_well(path: Path) -> bool:
    return json.loads(path.read_text())["identity"]["status"] == "ok"


def figures(sweep: Path) -> dict[str, tuple[float, object, bool]]:
    """By job: validation loss, test scores, whether there are any."""
    runs = {path.parent.name: json.loads(path.read_text()) for path in sweep.glob("*/run.json")}
    scores = {name: (run.get("scores") or {}).get("metrics") for name, run in runs.items()}
    return {name: (run["training"]["val_loss"], scores[name], scores[name] is not None) for name, run in runs.items()}
