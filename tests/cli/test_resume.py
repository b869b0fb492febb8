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
    found = resume.find(str(tmp_path), 6, 0)
    assert found is not None and found.path == last
    found.check(nn.Linear(3, 2))
    assert resume.find(None, 6, 0) is None


@pytest.mark.parametrize(
    ("more", "epochs", "said"),
    [
        ({}, 5, r"has 5 epochs already; type trainer\.max_epochs=15"),
        ({"epoch": None}, 9, "not the checkpoint of a run"),
        ({"pytorch-lightning_version": None}, 9, "not the checkpoint of a run"),
        ({"current_model_state": {}}, 9, r"type trainer\.ema=0\.99"),
    ],
)
def test_what_it_can_t_go_on_from_is_one_line(tmp_path: Path, more: dict[str, Any], epochs: int, said: str) -> None:
    source = write(tmp_path / "x.ckpt", nn.Linear(3, 2), **more)
    with pytest.raises(ConfigError, match=said) as caught:
        resume.find(source, epochs, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"# a page\n", b"PK\x03\x04 cut short"])
def test_files_that_are_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(ConfigError, match="not the checkpoint of a run") as caught:
        resume.find(str(tmp_path / "x.ckpt"), 9, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", [nn.Linear(3, 4), nn.Linear(3, 2, bias=False), nn.Sequential(nn.Linear(3, 2))])
def test_another_network_is_refused(tmp_path: Path, other: nn.Module) -> None:
    found = resume.find(write(tmp_path / "x.ckpt", nn.Linear(3, 2)), 9, 0)
    assert found is not None
    with pytest.raises(ConfigError, match="of another network"):
        found.check(other)


def test_no_moving_average_in_half_precision() -> None:
    for fine in ("32-true", "bf16-mixed", "64-true"):
        check_average(0.99, fine)
    check_average(0, "bf16-true")
    with pytest.raises(ConfigError, match=r"hardware\.precision=bf16-mixed or trainer\.ema=0"):
        check_average(0.99, "bf16-true")
