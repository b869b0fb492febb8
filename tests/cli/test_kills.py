"""A handful of the random kills of benchmarks/kills.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import warm

_KILLS = "import runpy; runpy.run_path({!r}, run_name='__main__')"


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_half_written(
    repo: Path, tmp_path: Path, lab: list[str], lab_env: dict[str, str]
) -> None:
    words = ["--folder", str(tmp_path), "--models", "harmony", "--kinds", "train", "export", "publish", "--each", "1"]
    command = [*warm.program(lab, _KILLS.format(str(repo / "benchmarks/kills.py"))), *words]
    done = subprocess.run(command, cwd=repo, env=lab_env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "14 kills, 0 faults" in done.stdout


def test_what_counts_as_a_finished_job_that_is_lost(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repo / "benchmarks"))
    from sweep_kills import finished, lost

    sweep = tmp_path / "outputs/sweeps/s"
    names = ("fine", "gone", "other", "again", "running", "chosen")
    for number in range(len(names)):
        (sweep / f"{number}/checkpoints").mkdir(parents=True)
        (sweep / f"{number}/checkpoints/best.ckpt").write_bytes(b"weights")
        (sweep / f"{number}/run.json").write_text(json.dumps({"identity": {"status": "ok"}}))
    (sweep / "sweep.json").write_text(json.dumps({"id": "s", "words": [], "jobs": [], "chosen": [5]}))
    before = finished(tmp_path)
    assert len(before) == 6 and lost(before) == []
    shutil.rmtree(sweep / "1")
    (sweep / "2/checkpoints/best.ckpt").write_bytes(b"others")
    os.utime(sweep / "3/checkpoints/best.ckpt", ns=(0, before[sweep / "3"][1] + 1))
    for number in (4, 5):
        (sweep / f"{number}/run.json").write_text(json.dumps({"identity": {"status": "running"}}))
    assert sorted(lost(before)) == [
        "job 1 is gone", "job 2 is not what it was", "job 3 was trained again", "job 4 is no longer finished",
    ]  # fmt: skip
