"""A run of 0.1.0 still evaluates, exports and goes on: its settings name classes where they were then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Cli

OWN = ("model=harmony", "hardware=cpu", "preset=smoke", "trainer.progress=false", "data.sources=[embedded]")
PERPLEXITY = 35.59352943989349
"""0.1.0 had 35.5719: four embedded chords have added tones that its reader dropped."""
"""What 0.1.0 measured of this run."""


@pytest.fixture
def old(repo: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repo / "tests" / "fixtures" / "run_of_0_1_0", tmp_path / "old"))


@pytest.mark.slow
def test_it_evaluates_to_the_same_score(called: Cli, old: Path, tmp_path: Path) -> None:
    done = called("task=eval", *OWN, f"eval.model={old}", "eval.out=eval.json")
    assert done.returncode == 0, done.stderr + done.stdout
    scores = json.loads((tmp_path / "eval.json").read_text(encoding="utf-8"))
    assert scores["metrics"]["test"]["perplexity"] == pytest.approx(PERPLEXITY, rel=1e-9)


@pytest.mark.slow
def test_it_exports(called: Cli, old: Path, tmp_path: Path) -> None:
    done = called("task=export", *OWN, f"export.source={old}", "models_root=models", "export.calls=50")
    assert done.returncode == 0, done.stderr + done.stdout
    entry = json.loads((tmp_path / "models" / "registry.json").read_text(encoding="utf-8"))["models"][0]
    assert entry["metrics"]["test"]["perplexity"] == pytest.approx(PERPLEXITY, rel=1e-9)
    assert entry["data_settings"]["sources"] == ["embedded"]


@pytest.mark.slow
def test_its_weights_are_gone_on_from(called: Cli, old: Path) -> None:
    """Its optimiser knows nothing of the gate that the network has got since then."""
    best = old / "checkpoints" / "best.ckpt"
    more = (*OWN, "trainer.max_epochs=4", "model.module.hidden=[8,8]", "models_root=models", "export.calls=50")
    refused = called(*more, f"trainer.resume={best}")
    assert refused.returncode == 2 and f"type model.init_from={best} to begin with its weights" in refused.stderr
    done = called(*more, f"model.init_from={best}")
    assert done.returncode == 0, done.stderr + done.stdout
