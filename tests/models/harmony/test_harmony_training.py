"""Training itself: it learns, it is repeatable, and a broken-off run ends where an unbroken one does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import OmegaConf

from datamodules.harmony.module import ChordSongs
from datamodules.shared.module import LabData
from kmidi_lab.models.harmony.module import HarmonyPredictor
from kmidi_lab.nn.module import LabModule
from kmidi_lab.targets import build
from tests.conftest import Cli


class Stop(L.Callback):
    """Breaks off in the middle of an epoch, as a kill would."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_start(self, trainer: L.Trainer, *_: object) -> None:
        if trainer.current_epoch == self.epoch and trainer.global_step % 7 == 3:
            raise RuntimeError("stop")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


def fit(cache: str, folder: Path, stop: int | None = None, resume: str | None = None) -> HarmonyPredictor:
    L.seed_everything(3, verbose=False)
    data = ChordSongs("nowhere", cache, sources=["embedded"], batch_size=64, progress=False)
    module = HarmonyPredictor(hidden=[32, 24], dropout=0.2)
    trainer = L.Trainer(
        max_epochs=4, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        callbacks=[ModelCheckpoint(folder, save_last=True), *([Stop(stop)] if stop is not None else [])],
        use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resume)
    except RuntimeError as error:
        assert str(error) == "stop"
    return module


@pytest.mark.slow
def test_a_resumed_run_has_the_weights_of_an_unbroken_one(cache: str, tmp_path: Path) -> None:
    whole = fit(cache, tmp_path / "whole")
    fit(cache, tmp_path / "part", stop=2)
    resumed = fit(cache, tmp_path / "rest", resume=str(tmp_path / "part" / "last.ckpt"))
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(cache: str, tmp_path: Path) -> None:
    a, b = fit(cache, tmp_path / "a"), fit(cache, tmp_path / "b")
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.slow
def test_it_learns(cache: str) -> None:
    L.seed_everything(0, verbose=False)
    data = ChordSongs("nowhere", cache, sources=["embedded"], batch_size=64, progress=False)
    module = HarmonyPredictor(hidden=[64, 48], dropout=0.0)
    trainer = L.Trainer(
        max_epochs=12, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    # Uniform guessing is ln 96 = 4.56 nats, the unigram about 3.5.
    assert trainer.callback_metrics["val/loss"] < 3.0


@pytest.mark.slow
def test_the_average_of_the_weights_is_what_is_validated_and_kept(called: Cli, tmp_path: Path) -> None:
    done = called(
        "model=harmony", "data.sources=[embedded]", "hardware=cpu", "trainer.max_epochs=2", "trainer.ema=0.9",
        "export.enabled=false", "trainer.progress=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [folder] = (tmp_path / "outputs/runs/harmony").iterdir()
    checkpoint = torch.load(folder / "checkpoints/last.ckpt", map_location="cpu", weights_only=True)
    average, last = checkpoint["state_dict"], checkpoint["current_model_state"]
    assert any(not torch.equal(average[name], last[name]) for name in average)
    config = OmegaConf.load(folder / "config.yaml")
    module, data = (
        build(config.model.module, LabModule, ()),
        build(config.data, LabData, (), cache_dir=str(tmp_path / "cache")),
    )
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, use_distributed_sampler=False)
    losses = {}
    for kind, state in (("average", average), ("last", last)):
        module.load_state_dict(state)
        losses[kind] = trainer.validate(module, datamodule=data, verbose=False)[0]["val/loss"]
    rows = csv.DictReader((folder / "curves/metrics.csv").open())
    logged = [float(row["val/loss"]) for row in rows if row["val/loss"]][-1]
    assert losses["average"] == pytest.approx(logged, abs=1e-4)
    assert losses["last"] != pytest.approx(logged, abs=1e-3)


@pytest.mark.slow
def test_mixed_precision_trains_and_exports(called: Cli, tmp_path: Path) -> None:
    done = called(
        "model=harmony", "data.sources=[embedded]", "hardware=cpu", "hardware.precision=bf16-mixed", "preset=smoke"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [run] = (tmp_path / "outputs/runs/harmony").glob("*/run.json")
    told = json.loads(run.read_text())
    assert told["hardware"]["precision"] == "bf16-mixed"
    assert told["training"]["val_loss"] < 4.6  # nats: ln 96 is 4.56
