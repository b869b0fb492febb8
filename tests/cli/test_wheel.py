"""The wheel carries config and data, and runs from a clean environment in another directory."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from kmidi_lab import __version__


@pytest.mark.slow
def test_wheel_runs_in_a_clean_venv(repo: Path, tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--disable-pip-version-check", "-w", str(tmp_path), str(repo)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"kmidi_lab-{__version__}-")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True, capture_output=True, timeout=300
    )
    # The wheel itself is clean; what it depends on (gigabytes of torch) is borrowed from this environment.
    borrowed = tmp_path / "venv/lib" / Path(sysconfig.get_path("stdlib")).name / "site-packages/borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    script, elsewhere = tmp_path / "venv/bin/kmidi-lab", tmp_path / "elsewhere"
    elsewhere.mkdir()
    where = subprocess.run(
        [python, "-c", "import kmidi_lab, datamodules; print(kmidi_lab.__file__, datamodules.__file__)"],
        capture_output=True, text=True, check=True, cwd=elsewhere,
    )  # fmt: skip
    assert where.stdout.count(str(tmp_path)) == 2
    asked = subprocess.run(
        [script, "task=predict", "model=melody"], capture_output=True, text=True, cwd=elsewhere, timeout=300
    )
    assert asked.returncode == 0, asked.stderr + asked.stdout
    assert "the released one" in asked.stderr and list(elsewhere.glob("outputs/**/melody.mid"))
    done = subprocess.run(
        [script, "preset=smoke", "model=harmony", "hardware=cpu", "trainer.progress=false", "data.sources=[embedded,rntxt]"],
        capture_output=True, text=True, cwd=elsewhere, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert (elsewhere / "outputs/models/registry.json").is_file()
