"""Runs the tests that fork in a fresh process: in one with threads, such as a test worker that has trained, forks can
hang.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("forking_*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_in_a_process_of_its_own(repo: Path, tmp_path: Path, file: Path) -> None:
    # Without conftest.py, which imports torch: a small process forks in a fraction of the time.
    plugins = ("-p", "no:cacheprovider", "-p", "support.no_fsync", "--basetemp", str(tmp_path / "own"))
    command = [sys.executable, "-m", "pytest", "-n0", "--noconftest", *plugins, str(file)]
    path = os.pathsep.join([str(repo / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])])
    run = subprocess.run(
        command, cwd=repo, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=850
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert " passed" in run.stdout


def test_there_are_such_files() -> None:
    assert len(FILES) == 2
