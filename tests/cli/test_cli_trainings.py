"""Trainings by the command line on own charts, in two processes and with W&B."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.run_file import read
from kmidi_lab.run_record import RunRecord
from tests.conftest import Cli

SMALL = ("model=harmony", "preset=smoke", "hardware=mps", "trainer.progress=false", "data.sources=[embedded]")


def run_folder(root: Path) -> Path:
    return max((root / "outputs/runs/harmony").iterdir())


def record(folder: Path) -> RunRecord:
    return read(folder / "run.json")


def write_charts(folder: Path, count: int) -> None:
    """Charts of POP909's layout that share no progression."""
    chords = [f"{root}:{kind}" for root in ("C", "D", "Eb", "F", "G", "A") for kind in ("maj", "min7", "7")]
    rng = np.random.default_rng(0)
    for number in range(count):
        song = folder / "pop909" / f"{number:03}"
        song.mkdir(parents=True)
        lines = [f"{2 * at} {2 * at + 2} {chord}\n" for at, chord in enumerate(rng.choice(chords, 16))]
        (song / "chord_midi.txt").write_text("".join(lines))


@pytest.mark.slow
def test_a_model_of_own_charts_is_scored_and_exported_again_where_data_root_is_typed(
    called: Cli, tmp_path: Path
) -> None:
    """DATA_ROOT says nothing of them."""
    write_charts(tmp_path / "mine", 30)
    own = (f"data.root={tmp_path / 'mine'}", "data.sources=[pop909]", "trainer.progress=false")
    small = ("model=harmony", "model.module.hidden=[8]", "hardware=cpu", "trainer.max_epochs=1", "export.calls=20")
    done = called(*small, *own, "models_root=m2")
    assert done.returncode == 0, done.stdout + done.stderr
    run = run_folder(tmp_path)
    for model in ("m2", run):
        done = called("task=eval", "model=harmony", f"eval.model={model}", "data.split=all", "eval.out=e.json", *own)
        assert done.returncode == 0, done.stdout + done.stderr
        scores = json.loads((tmp_path / "e.json").read_text())
        assert scores["baselines_fitted_on_the_model's_training_data"]
        split = json.loads((run / "run.json").read_text())["data"]["split"]
        heard = split["train"]["songs"] + split["val"]["songs"]
        assert scores["counts"]["songs_also_in_training"] == heard < scores["counts"]["songs"]
    again = ("task=export", "model=harmony", f"export.source={run}", "models_root=m3", "export.calls=20")
    done = called(*again)
    assert done.returncode == 2 and f"type data.root={tmp_path / 'mine'}" in done.stderr
    done = called(*again, own[0])
    assert done.returncode == 0 and (tmp_path / "m3/registry.json").is_file(), done.stderr
    write_charts(tmp_path / "others", 20)
    done = called("task=eval", "model=harmony", "eval.model=m2", f"data.root={tmp_path / 'others'}", *own[1:])
    assert done.returncode == 2 and "holds what trained the model" in done.stderr


@pytest.mark.slow
def test_two_processes_train_one_model(cli: Cli, tmp_path: Path) -> None:
    """Half of each batch on either: without dropout, whose draws differ, the losses are those of one with whole
    batches.
    """
    few = (
        "model=harmony", "hardware=cpu", "trainer.progress=false", "data.sources=[embedded]", "trainer.limit_train_batches=5",
        "trainer.max_epochs=2", "export.calls=20", "model.module.dropout=0.0",
    )  # fmt: skip
    done = cli(*few, "hardware.devices=2", "data.batch_size=64")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    folders = [p for p in (tmp_path / "outputs/runs/harmony").iterdir() if (p / "run.json").exists()]
    assert [record(p).identity.status for p in folders] == ["ok"]
    assert done.stdout.count("harmony: perplexity") == 1
    alone = cli(*few, "data.batch_size=128", "export.enabled=false", "paths.output_root=alone")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    [one] = (tmp_path / "alone/runs/harmony").iterdir()
    two, one = record(folders[0]).training, record(one).training
    assert (two.train_loss, two.val_loss) == pytest.approx((one.train_loss, one.val_loss), rel=4e-4)


@pytest.mark.slow
def test_wandb_offline_run_reads_back(cli: Cli, tmp_path: Path) -> None:
    few = ("data.sources=[embedded]", "trainer.max_epochs=1", "export.calls=20")
    done = cli(*SMALL[:-1], "logger=wandb", *few, env={"WANDB_MODE": "offline"})
    assert done.returncode == 0, done.stderr + done.stdout
    [path] = tmp_path.rglob("*.wandb")
    read = subprocess.run(
        [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json", str(path)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert read.returncode == 0, read.stderr
    sent = ("test/perplexity", "latency", "stand_in", "baseline/4-gram+cache/perplexity", "harmonypredictor")
    for text in (
        *sent,
        "baselines.table.json",
        "confusion/",
        "media/html/report_",
        '"job_type":"train"',
        '"tags":["harmony"',
    ):
        assert text in read.stdout, text
