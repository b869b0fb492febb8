"""A run that has heard all of its data teaches no other a test score: the CLI, on embedded chords."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli

SHORT = ("model=harmony", "data.sources=[embedded]", "hardware=cpu", "trainer.progress=false", "export.calls=20")


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

    exported = called("task=export", "model=harmony", f"export.source={run}", "data.sources=[embedded]")
    assert exported.returncode == 2 and "add export.spread=RUN" in exported.stderr
