"""Several jobs of one command: one that fails, and the spread of seeds."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from kmidi_lab.run_file import read
from kmidi_lab.run_record import RunRecord
from tests.conftest import Cli

SMALL = ("model=harmony", "preset=smoke", "hardware=mps", "trainer.progress=false", "data.sources=[embedded]")


def record(folder: Path) -> RunRecord:
    return read(folder / "run.json")


@pytest.mark.slow
def test_other_tasks_run_in_a_sweep_too(called: Cli) -> None:
    done = called("-m", "task=info", "seed=1,2")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_multirun_keeps_going_when_a_job_fails(called: Cli, tmp_path: Path) -> None:
    few = ("data.sources=[embedded]", "trainer.limit_train_batches=5", "trainer.max_epochs=1", "export.enabled=false")
    done = called("-m", *SMALL[:-1], "seed=1,2", "trainer.resume=null,broken.ckpt", *few)
    assert done.returncode == 1
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    runs = [record(sweep / str(i)) for i in range(4)]
    assert [r.identity.status for r in runs] == ["ok", "failed", "ok", "failed"]
    assert "no checkpoint there" in runs[1].identity.error
    assert "no checkpoint there" in (sweep / "1/cli.log").read_text()
    rows = list(csv.DictReader((sweep / "leaderboard.csv").open()))
    assert [r["status"] for r in rows] == ["ok", "ok", "failed", "failed"]
    assert "best baseline" in done.stdout


@pytest.mark.slow
def test_seeds_spread_goes_into_the_published_entry(called: Cli, tmp_path: Path) -> None:
    few = ("data.sources=[embedded]", "trainer.limit_train_batches=5", "trainer.max_epochs=1", "export.calls=20")
    done = called("-m", *SMALL[:-1], "seed=1,2", "export.enabled=false", *few)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "over 2 seeds" in done.stdout
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    done = called("task=export", f"export.source={sweep / '0'}", "export.calls=20")
    assert done.returncode == 0, done.stderr
    [entry] = json.loads((tmp_path / "outputs/models/registry.json").read_text())["models"]
    assert entry["spread"]["seeds"] == [1, 2]
    assert entry["spread"]["metrics"]["test"]["perplexity"]["std"] > 0
    # A run outside the sweep can carry the sweep's spread, but not that of what is none.
    alone = tmp_path / "alone"
    shutil.copytree(sweep / "0", alone)
    ask = ("task=export", f"export.source={alone}", "export.calls=20", "models_root=other")
    done = called(*ask, f"export.spread={sweep}")
    assert done.returncode == 0, done.stderr
    [entry] = json.loads((tmp_path / "other/registry.json").read_text())["models"]
    assert entry["spread"]["seeds"] == [1, 2]
    done = called(*ask, f"export.spread={tmp_path}")
    assert done.returncode == 2 and "no sweep there; give its folder" in done.stderr
