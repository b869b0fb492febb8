"""A run of 0.1.0 is still evaluated, exported and gone on from, with the figures that it had."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parents[1] / "fixtures/run_of_0_1_0"
_COMMON = ("model=harmony", "hardware=cpu", "preset=smoke", "trainer.progress=false")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURE, tmp_path / "old")
    return tmp_path


def lab(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "kmidi_lab", *_COMMON, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_is_evaluated(folder: Path) -> None:
    lab(folder, "task=eval", "eval.model=old", "data.sources=[embedded]", "eval.out=eval.json")
    scores = json.loads((folder / "eval.json").read_text())["metrics"]["test"]
    assert scores["perplexity"] == pytest.approx(35.571885823073046, rel=1e-9)


def test_it_is_exported(folder: Path) -> None:
    lab(folder, "task=export", "export.source=old", "models_root=models")
    [entry] = json.loads((folder / "models/registry.json").read_text())["models"]
    assert entry["directions"]["perplexity"] == "min"
    assert "Does knowing the emotion help?" in (folder / "models" / entry["model_card"]).read_text()


def test_it_is_gone_on_from(folder: Path) -> None:
    said = lab(
        folder, "trainer.resume=old/checkpoints/best.ckpt", "trainer.max_epochs=4", "data.sources=[embedded]",
        "model.module.hidden=[8,8]", "models_root=models",
    )  # fmt: skip
    assert "best so far: val/loss 3.6979 after 3 epochs" in said
