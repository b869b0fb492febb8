"""What a run may go on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from kmidi_lab import resume
from kmidi_lab.errors import ConfigError
from kmidi_lab.trainer import check_average


def write(path: Path, module: nn.Module, **more: Any) -> str:
    kept = {"epoch": 4, "state_dict": module.state_dict(), "pytorch-lightning_version": "2.6.0", "callbacks": {}}
    torch.save({name: value for name, value in {**kept, **more}.items() if value is not None}, path)
    return str(path)


def test_a_run_folder_stands_for_its_last_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    last = write(tmp_path / "checkpoints/last.ckpt", nn.Linear(3, 2))
    found = find(str(tmp_path))
    assert found is not None and str(found.path) == last
    assert (found.epochs, found.finished) == (5, False)
    found.check(nn.Linear(3, 2))
    assert find(None) is None


def find(source: str | None, epochs: int = 6, patience: int = 0, min_epochs: int = 1) -> resume.ResumePoint | None:
    return resume.find(source, epochs, patience, min_epochs, 0)


def test_nothing_is_left_to_train_after_all_epochs(tmp_path: Path) -> None:
    found = find(write(tmp_path / "x.ckpt", nn.Linear(3, 2)), epochs=5)
    assert found is not None and found.finished


@pytest.mark.parametrize(
    ("waited", "patience", "min_epochs", "finished"),
    [(3, 3, 1, True), (4, 3, 1, True), (2, 3, 1, False), (3, 5, 1, False), (3, 0, 1, False), (3, 3, 6, False)],
)
def test_what_stopped_early_is_finished_unless_more_patience_is_asked_for(
    tmp_path: Path, waited: int, patience: int, min_epochs: int, finished: bool
) -> None:
    states = {"EarlyStopping{'monitor': 'val/loss', 'mode': 'min'}": {"wait_count": waited}}
    found = find(write(tmp_path / "x.ckpt", nn.Linear(3, 2), callbacks=states), 30, patience, min_epochs)
    assert found is not None and found.finished == finished


@pytest.mark.parametrize("damage", ["cut", "bit", "empty"])
def test_a_damaged_last_checkpoint_gives_way_to_the_best_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    write(folder / "best.ckpt", nn.Linear(3, 2), epoch=2)
    last = Path(write(folder / "last.ckpt", nn.Linear(30, 20)))
    data = bytearray(last.read_bytes())
    data[len(data) // 2] ^= 1  # within the weights: torch alone reads it as it is
    assert torch.load(last, weights_only=True)["epoch"] == 4
    last.write_bytes({"cut": bytes(data[:-100]), "bit": bytes(data), "empty": b""}[damage])
    found = find(str(tmp_path))
    assert found is not None and (found.path.name, found.epochs) == ("best.ckpt", 3)
    assert "last.ckpt is cut short or damaged: going on from best.ckpt" in caplog.text
    (folder / "best.ckpt").write_bytes(bytes(data[:-100]))
    with pytest.raises(ConfigError, match="not the checkpoint of a run, or damaged"):
        find(str(tmp_path))


@pytest.mark.parametrize(
    ("more", "epochs", "said"),
    [
        ({}, 4, r"has 5 epochs, more than trainer\.max_epochs=4; type trainer\.max_epochs=5"),
        ({"epoch": None}, 9, "not the checkpoint of a run"),
        ({"pytorch-lightning_version": None}, 9, "not the checkpoint of a run"),
        ({"current_model_state": {}}, 9, r"type trainer\.ema=0\.99"),
    ],
)
def test_what_it_can_t_go_on_from_is_one_line(tmp_path: Path, more: dict[str, Any], epochs: int, said: str) -> None:
    source = write(tmp_path / "x.ckpt", nn.Linear(3, 2), **more)
    with pytest.raises(ConfigError, match=said) as caught:
        find(source, epochs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"# a page\n", b"PK\x03\x04 cut short"])
def test_files_that_are_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(ConfigError, match="not the checkpoint of a run") as caught:
        find(str(tmp_path / "x.ckpt"), 9)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [nn.Linear(3, 4), nn.Linear(3, 2, bias=False), nn.Sequential(nn.Linear(3, 2))])
def test_another_network_is_refused(tmp_path: Path, other: nn.Module) -> None:
    found = find(write(tmp_path / "x.ckpt", nn.Linear(3, 2)), 9)
    assert found is not None
    with pytest.raises(ConfigError, match="of another network"):
        found.check(other)


def test_no_moving_average_in_half_precision() -> None:
    for fine in ("32-true", "bf16-mixed", "64-true"):
        check_average(0.99, fine)
    check_average(0, "bf16-true")
    with pytest.raises(ConfigError, match=r"hardware\.precision=bf16-mixed or trainer\.ema=0"):
        check_average(0.99, "bf16-true")


STOPPING, BEST = "EarlyStopping{'monitor': 'val/loss'}", "BestCheckpoint{'monitor': 'val/loss'}"
WEIGHT = torch.zeros(2, 3)


@pytest.mark.parametrize(
    "odd",
    [
        *({"epoch": value} for value in ("x", -1, 1.5, True, float("nan"), 10**30, [1], torch.zeros(2))),
        *({"state_dict": value} for value in ("x", [WEIGHT], {1: WEIGHT}, {"weight": "x"}, {"weight": True})),
        {"state_dict": {"weight": WEIGHT.to_sparse(), "bias": torch.zeros(2)}},
        {"state_dict": {"weight": torch.empty(2, 3, device="meta"), "bias": torch.zeros(2)}},
        *({"callbacks": value} for value in ("x", [1], {1: {}}, {BEST: "x"}, {STOPPING: ["wait_count"]})),
        *({"callbacks": {STOPPING: {"wait_count": value}}} for value in ("x", None, float("inf"), [3])),
        *({"callbacks": {BEST: {"best_model_score": value}}} for value in ("x", [1], torch.zeros(2))),
        {"callbacks": {BEST: {"train_loss": "x"}}},
        {"pytorch-lightning_version": 2},
        *({"within_epoch": value} for value in ("x", [1], [1.0, 2, torch.zeros(3)], [1.0, "x", torch.get_rng_state()])),
    ],
)
def test_a_checkpoint_with_a_part_of_another_kind(tmp_path: Path, odd: dict[str, Any]) -> None:
    """Whole by its checksums: damaged before they were made, or made by someone else."""
    source = write(tmp_path / "x.ckpt", nn.Linear(3, 2), **odd)
    with pytest.raises(ConfigError, match="not the checkpoint of a run") as caught:
        find(source, 9)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_is_no_block(tmp_path: Path) -> None:
    for odd in ([1], WEIGHT, "x", None):
        torch.save(odd, tmp_path / "x.ckpt")
        with pytest.raises(ConfigError, match="not the checkpoint of a run"):
            find(str(tmp_path / "x.ckpt"), 9)


def test_the_state_of_a_callback_of_one_s_own_may_be_anything(tmp_path: Path) -> None:
    states = {"Mine": [1, 2], "Timer": None, BEST: {"best_model_score": None, "train_loss": float("nan")}}
    assert find(write(tmp_path / "x.ckpt", nn.Linear(3, 2), callbacks=states), 9)
