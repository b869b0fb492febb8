"""The source distribution makes a small wheel with config, data and models, which runs from a clean environment
elsewhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from kmidi_lab import __version__
from kmidi_lab.contracts import CONTRACTS

LARGEST = 25_000_000
"""Bytes of a wheel that carries the released models."""


def parts_of(repo: Path) -> set[str]:
    """What a wheel has to hold of the code, its templates and tables, and the configuration, by the names there."""
    places = {"src/kmidi_lab": "kmidi_lab", "datamodules": "datamodules", "conf": "kmidi_lab/conf"}
    return {
        f"{place}/{path.relative_to(repo / folder).as_posix()}"
        for folder, place in places.items()
        for path in (repo / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.mark.slow
def test_wheel_runs_in_a_clean_venv(repo: Path, tmp_path: Path, lab_env: dict[str, str]) -> None:
    clean = {key: value for key, value in lab_env.items() if key != "PYTHONPATH"}
    built = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(repo)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    [wheel], [source] = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    assert wheel.stat().st_size < LARGEST
    release = {path.relative_to(repo).as_posix() for path in (repo / "outputs/release").rglob("*") if path.is_file()}
    # registry.json.lock is left by whoever opened the folder.
    files = {name.removeprefix("outputs/release/") for name in release if not name.endswith(".lock")}
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"outputs/release/{name}" for name in files} <= names
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        carried = {n.partition("release/")[2] for n in inside if n.startswith("kmidi_lab/release/")}
        left_out = json.loads(archive.read("kmidi_lab/release/left_out.json"))["files"]
    assert files - carried == {f"{contract.id}.json" for contract in CONTRACTS.values()} == left_out.keys()
    assert carried - files == {"left_out.json"}
    assert parts_of(repo) <= inside
    assert wheel.name.startswith(f"kmidi_lab-{__version__}-")
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel],
        check=True,
        capture_output=True,
        timeout=300,
    )
    # The wheel itself is clean; what it depends on (gigabytes of torch) is borrowed from this environment.
    borrowed = tmp_path / "venv/lib" / Path(sysconfig.get_path("stdlib")).name / "site-packages/borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    script, elsewhere = tmp_path / "venv/bin/kmidi-lab", tmp_path / "a folder" / "with spaces"
    elsewhere.mkdir(parents=True)
    where = subprocess.run(
        [python, "-c", "import kmidi_lab, datamodules; print(kmidi_lab.__file__, datamodules.__file__)"],
        capture_output=True, text=True, check=True, cwd=elsewhere, env=clean,
    )  # fmt: skip
    assert where.stdout.count(str(tmp_path)) == 2
    asked = subprocess.run(
        [script, "task=predict", "model=melody"], capture_output=True, text=True, cwd=elsewhere, env=clean, timeout=300
    )
    assert asked.returncode == 0, asked.stderr + asked.stdout
    assert "the released one" in asked.stderr and list(elsewhere.glob("outputs/**/melody.mid"))
    verified = subprocess.run(
        [script, "task=verify"], capture_output=True, text=True, cwd=elsewhere, env=clean, timeout=300
    )
    assert verified.returncode == 0, verified.stderr + verified.stdout
    assert f"{len(CONTRACTS)} models, 0 faults" in verified.stdout
    assert verified.stdout.count(" is left out here; it is in outputs/release of the repository") == len(CONTRACTS)
    done = subprocess.run(
        [script, "preset=smoke", "model=harmony", "hardware=cpu", "trainer.progress=false", "data.sources=[embedded]",
         "trainer.max_epochs=1", "trainer.limit_train_batches=2", "export.enabled=false"],
        capture_output=True, text=True, cwd=elsewhere, env=clean, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    assert [path.name for path in elsewhere.glob("outputs/runs/harmony/*/report.html")] == ["report.html"]
