"""`make lint` checks spelling; words that are written wrong on purpose stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_codespell_finds_nothing(repo: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "codespell_lib"], cwd=repo, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
