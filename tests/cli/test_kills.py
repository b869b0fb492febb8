"""A handful of the random kills of benchmarks/kills.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_half_written(
    repo: Path, tmp_path: Path, lab_env: dict[str, str]
) -> None:
    words = ["--folder", str(tmp_path), "--models", "harmony", "--kinds", "train", "export", "publish", "--each", "1"]
    command = [sys.executable, str(repo / "benchmarks/kills.py"), *words]
    done = subprocess.run(command, cwd=repo, env=lab_env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "14 kills, 0 faults" in done.stdout
