"""A run that has heard all of its data teaches no other a test score: the CLI, on embedded chords."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Cli

DATA = ("model=harmony", "data.sources=[embedded]", "hardware=cpu")
SHORT = (
    *DATA, "model.module.hidden=[8]", "trainer.limit_train_batches=2", "trainer.progress=false", "export.calls=20",
)  # fmt: skip


@pytest.mark.slow
def test_what_begins_or_goes_on_from_a_run_on_all_data_has_no_test_of_its_own(called: Cli, tmp_path: Path) -> None:
    done = called(*SHORT, "data.train_on=all", "export.enabled=false", "trainer.max_epochs=1")
    assert done.returncode == 0, done.stderr
    [run] = (tmp_path / "outputs" / "runs" / "harmony").iterdir()
    assert json.loads((run / "run.json").read_bytes())["scores"] is None

    gone_on = called(*SHORT, f"trainer.resume={run}", "trainer.max_epochs=2")
    assert gone_on.returncode == 2
    assert "that run has data.train_on=all; type the same" in gone_on.stderr

    begun = called(*SHORT, f"model.init_from={run}", "trainer.max_epochs=1")
    assert begun.returncode == 0, begun.stderr
    [entry] = json.loads((tmp_path / "outputs" / "models" / "registry.json").read_bytes())["models"]
    assert entry["status"] == "training" and "weights that have heard all of their data" in entry["note"]
    [first] = set((tmp_path / "outputs" / "runs" / "harmony").iterdir()) - {run}

    # What begins with that has heard no less, whether with its published file or its checkpoint.
    for start in (tmp_path / "outputs" / "models", first):
        again = called(*SHORT, f"model.init_from={start}", "trainer.max_epochs=1", "models_root=again")
        assert again.returncode == 0, again.stderr
        [entry] = json.loads((tmp_path / "again" / "registry.json").read_bytes())["models"]
        assert entry["status"] == "training" and "weights that have heard all of their data" in entry["note"]
        scored = called("task=eval", *DATA, f"eval.model={start}", "data.split=test")
        assert scored.returncode == 0, scored.stderr
        assert "how many of them it was trained on is not known: it began with weights" in scored.stdout
    assert called("task=verify", "models_root=again").returncode == 0

    # Nor has what goes on from it, whatever the command says of a start; nor its published file, nor a checkpoint alone.
    on = (*SHORT, f"trainer.resume={first}", "trainer.max_epochs=2", "models_root=on")
    done = called(*on)
    assert done.returncode == 0, done.stderr
    [entry] = json.loads((tmp_path / "on" / "registry.json").read_bytes())["models"]
    assert (entry["status"], entry["heard_all"]) == ("training", True)
    assert entry["primary"]["not_comparable"].startswith("it began with weights that have heard all")
    other = called(*on, f"model.init_from={first}")
    assert other.returncode == 2 and "that run began with" in other.stderr and other.stderr.count("\n") == 1
    scored = called("task=eval", *DATA, "eval.model=on/harmonypredictor.onnx", "data.split=test")
    assert scored.returncode == 0 and "it began with weights that have heard all" in scored.stdout, scored.stderr
    shutil.copy(run / "checkpoints" / "best.ckpt", tmp_path / "alone.ckpt")
    done = called(*SHORT, "model.init_from=alone.ckpt", "trainer.max_epochs=1", "models_root=lone")
    assert done.returncode == 0, done.stderr
    [entry] = json.loads((tmp_path / "lone" / "registry.json").read_bytes())["models"]
    assert (entry["status"], entry["heard_all"]) == ("training", True)

    exported = called("task=export", "model=harmony", f"export.source={run}", "data.sources=[embedded]")
    assert exported.returncode == 2 and "add export.spread=RUN" in exported.stderr
