"""Training itself: it learns, it is repeatable, and a broken-off run ends where an unbroken one does."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from datamodules.chord_db import ChordDB
from kmidi_lab.models.harmony import HarmonyPredictor


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
    data = ChordDB("nowhere", cache, sources=["embedded"], batch_size=64, progress=False)
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


def test_a_resumed_run_has_the_weights_of_an_unbroken_one(cache: str, tmp_path: Path) -> None:
    whole = fit(cache, tmp_path / "whole")
    fit(cache, tmp_path / "part", stop=2)
    resumed = fit(cache, tmp_path / "rest", resume=str(tmp_path / "part" / "last.ckpt"))
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_the_same_seed_gives_the_same_weights(cache: str, tmp_path: Path) -> None:
    a, b = fit(cache, tmp_path / "a"), fit(cache, tmp_path / "b")
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_it_learns(cache: str) -> None:
    L.seed_everything(0, verbose=False)
    data = ChordDB("nowhere", cache, sources=["embedded"], batch_size=64, progress=False)
    module = HarmonyPredictor(hidden=[64, 48], dropout=0.0)
    trainer = L.Trainer(
        max_epochs=12, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    # Uniform guessing is ln 96 = 4.56 nats, the unigram about 3.5.
    assert trainer.callback_metrics["val/loss"] < 3.0
