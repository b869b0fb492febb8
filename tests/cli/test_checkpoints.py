"""The best epoch and the last one, in a run and in the one that goes on from it."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from kmidi_lab import config, hardware, resume
from kmidi_lab.best_checkpoint import BestCheckpoint
from kmidi_lab.checkpoints import LastCheckpoint, WholeCheckpoints
from kmidi_lab.errors import ConfigError, FileError
from kmidi_lab.loggers import CurvesLogger
from kmidi_lab.report.curves import read_curves
from kmidi_lab.resume import is_whole
from kmidi_lab.trainer import make_trainer


class Scripted(L.LightningModule):
    """Its weight is the number of epochs trained, its validation loss of epoch e is `losses[e]`."""

    def __init__(self, losses: list[float], raises: Exception | None = None) -> None:
        super().__init__()
        self.raises = raises
        self.weight, self.losses, self.begun = nn.Parameter(torch.zeros(1)), losses, []

    def on_train_epoch_start(self) -> None:
        self.begun.append(self.current_epoch)
        if self.raises:
            raise self.raises

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        return -self.weight.sum()

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val/loss", self.losses[self.current_epoch])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


def run(
    folder: Path,
    losses: list[float],
    earlier: Path | None = None,
    data: str = "tunes",
    raises: Exception | None = None,
) -> tuple[Scripted, BestCheckpoint]:
    module, best = Scripted(losses, raises), BestCheckpoint(folder, {"data": data}, earlier)
    trainer = L.Trainer(
        max_epochs=len(losses), accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        callbacks=[best, LastCheckpoint(folder)], num_sanity_val_steps=0, default_root_dir=folder,
    )  # fmt: skip
    batches = DataLoader(TensorDataset(torch.zeros(1, 1)))
    resumed = resume.find(str(earlier / "last.ckpt"), 99, 0, 1, 0) if earlier else None
    with best.restoring(resumed):
        trainer.fit(module, batches, batches, ckpt_path=resumed.path if resumed else None, weights_only=True)
    return module, best


def weight(path: Path | str) -> float:
    return float(torch.load(path, weights_only=True)["state_dict"]["weight"])


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    run(tmp_path / "first", [3.0, 1.0, 2.0, 2.5])
    return tmp_path / "first"


def test_the_last_epoch_is_kept_whether_it_is_better_or_not(cut_off: Path) -> None:
    assert {p.name for p in cut_off.iterdir()} == {"best.ckpt", "last.ckpt"}
    assert (weight(cut_off / "best.ckpt"), weight(cut_off / "last.ckpt")) == (2, 4)


def test_going_on_repeats_no_epoch_and_keeps_the_earlier_best(cut_off: Path, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in cut_off.iterdir()}
    module, best = run(tmp_path / "rest", [9.0] * 4 + [2.0, 1.5], cut_off)
    assert module.begun == [4, 5]
    assert Path(best.best_model_path) == tmp_path / "rest/best.ckpt"
    assert (weight(best.best_model_path), float(best.best_model_score)) == (2, 1.0)
    assert weight(tmp_path / "rest/last.ckpt") == 6
    assert {p: p.read_bytes() for p in cut_off.iterdir()} == before


def test_a_better_epoch_takes_the_place_of_the_earlier_best(cut_off: Path, tmp_path: Path) -> None:
    _, best = run(tmp_path / "rest", [9.0] * 4 + [2.0, 0.5, 0.75], cut_off)
    assert (weight(best.best_model_path), float(best.best_model_score)) == (6, 0.5)
    again, best = run(tmp_path / "third", [9.0] * 7 + [0.6], tmp_path / "rest")
    assert again.begun == [7]
    assert (weight(best.best_model_path), float(best.best_model_score)) == (6, 0.5)


def test_losses_on_other_data_are_not_compared(cut_off: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, best = run(tmp_path / "rest", [9.0] * 4 + [2.0, 1.5], cut_off, data="songs")
    assert (weight(best.best_model_path), float(best.best_model_score)) == (6, 1.5)
    assert "other data or settings" in caplog.text


def test_a_run_that_goes_on_in_its_own_folder(cut_off: Path) -> None:
    _, best = run(cut_off, [9.0] * 4 + [2.0], cut_off)
    assert (weight(best.best_model_path), float(best.best_model_score)) == (2, 1.0)
    assert {p.name for p in cut_off.iterdir()} == {"best.ckpt", "last.ckpt"}


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut short"])
def test_an_earlier_best_that_is_gone_or_cut_short_is_said(
    cut_off: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    (cut_off / "best.ckpt").unlink() if content is None else (cut_off / "best.ckpt").write_bytes(content)
    _, best = run(tmp_path / "rest", [9.0] * 4 + [2.0, 1.5], cut_off)
    assert (weight(best.best_model_path), float(best.best_model_score)) == (6, 1.5)
    assert "can't be read" in caplog.text


def test_a_full_disk_leaves_the_checkpoint_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing passes through the temporary folder, which may be on another file system."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    path, kept = tmp_path / "last.ckpt", WholeCheckpoints()
    kept.save_checkpoint({"epoch": 1}, path)
    assert is_whole(path)
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(FileError, match="No space left"):
        kept.save_checkpoint({"epoch": 2, "weights": torch.zeros(1000)}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_the_trainer_writes_whole_checkpoints_and_keeps_the_patience_asked_for(tmp_path: Path) -> None:
    [cfg] = config.check(["hardware=cpu", "trainer.patience=7", "trainer.limit_train_batches=1"], False)
    machine = hardware.resolve("cpu", 1, 1, "32-true", False, 4.0)
    trainer = make_trainer(cfg, {"group": None}, machine, hardware.Limits(3, 4, 1), tmp_path, [])
    assert isinstance(trainer.strategy.checkpoint_io, WholeCheckpoints)
    assert trainer.limit_train_batches == 1 and isinstance(trainer.limit_train_batches, int)
    [stopping] = trainer.early_stopping_callbacks
    earlier = EarlyStopping("val/loss", patience=2)
    assert stopping.state_key == earlier.state_key
    stopping.load_state_dict({**earlier.state_dict(), "wait_count": 3})
    assert (stopping.patience, stopping.wait_count) == (7, 3)


def test_curves_are_whole_and_go_on_without_the_test_scores(tmp_path: Path) -> None:
    for folder, epochs in (("first", (0, 1)), ("second", (2,))):
        logger = CurvesLogger(str(tmp_path / folder), name="curves", version="")
        if folder == "second":
            logger.go_on_from(tmp_path / "first/curves/metrics.csv")
            logger.go_on_from(tmp_path / "nowhere.csv")
        for epoch in epochs:
            logger.log_metrics({"epoch": epoch, "val/loss": 2.0 - epoch}, step=epoch)
            logger.save()
        logger.log_metrics({"test/nll": 1.0}, step=9)
        logger.save()
    rows = read_curves(tmp_path / "second/curves/metrics.csv")
    assert [row.get("epoch") for row in rows] == [0, 1, 2, None]
    assert [row.get("test/nll") for row in rows] == [None, None, None, 1.0]
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("loops", {"fit_loop": "x"}),
        ("optimizer_states", [{"state": 3}]),
        ("optimizer_states", "x"),
        ("pytorch-lightning_version", "no version"),
    ],
)
def test_what_lightning_can_t_take_up_is_one_line(cut_off: Path, tmp_path: Path, part: str, value: object) -> None:
    kept = torch.load(cut_off / "last.ckpt", weights_only=True)
    torch.save({**kept, part: value}, cut_off / "last.ckpt")
    with pytest.raises(ConfigError, match=r"its optimiser or its loops are not \(.*type model\.init_from=") as caught:
        run(tmp_path / "rest", [9.0] * 6, cut_off)
    assert "\n" not in str(caught.value)


def test_a_fault_of_training_is_not_the_checkpoint_s(cut_off: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="my own"):
        run(tmp_path / "rest", [9.0] * 6, cut_off, raises=RuntimeError("my own"))


@pytest.mark.slow
@pytest.mark.parametrize("word", ["limit_val_batches=0", "max_steps=1", "fast_dev_run=true"])
def test_without_a_validated_epoch_one_line_says_so(called, word: str) -> None:
    small = ("model=harmony", "preset=smoke", "hardware=cpu", "data.sources=[embedded]", "trainer.progress=false")
    done = called(*small, "export.enabled=false", f"+trainer.{word}")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "no epoch was validated" in done.stderr
