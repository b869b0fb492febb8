"""A training from start weights that ends between these and its own (WiSE-FT)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kmidi_lab import mixed_start
from kmidi_lab.errors import ConfigError
from tests.conftest import Cli

SHORT = (
    "model=harmony", "model.module.hidden=[8]", "data.sources=[embedded]", "hardware=cpu", "trainer.progress=false",
    "trainer.ema=0", "trainer.limit_train_batches=2", "export.enabled=false",
)  # fmt: skip


def test_shares_of_what_was_learnt() -> None:
    start = {"w": torch.tensor([0.0, 4.0]), "index": torch.tensor([1, 2])}
    learnt = {"w": torch.tensor([4.0, 0.0]), "index": torch.tensor([3, 5])}
    assert [mixed_start.mixed(start, learnt, share)["w"].tolist() for share in (0, 0.25, 1)] == [[0, 4], [1, 3], [4, 0]]
    assert mixed_start.mixed(start, learnt, 0.25)["index"].tolist() == [3, 5]
    diverged = {"w": torch.full((2,), torch.nan), "index": learnt["index"]}
    assert mixed_start.mixed(start, diverged, 0)["w"].tolist() == [0, 4]


@pytest.mark.parametrize(
    ("shares", "init_from", "train_on", "said"),
    [
        ([0.5, 1.5], "x", "split", r"\[0\.5, 1\.5\]: shares of what is learnt are 0 to 1"),
        ([], "x", "split", r"mix_with_start=\[\] names no share; type model\.mix_with_start=\[0\.5\]"),
        ([float("nan")], "x", "split", "shares of what is learnt are 0 to 1"),
        ([0.5], None, "split", "there is no start to mix with; type model.init_from="),
        ([0.5, 1.0], "x", "all", "data.train_on=all leaves nothing to choose by; give one share"),
    ],
)
def test_what_can_t_be_mixed(shares: list[float], init_from: str | None, train_on: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        mixed_start.checked(shares, init_from, train_on)
    assert mixed_start.checked([0.5], "x", "all") == [0.5]
    assert mixed_start.checked(None, None, "all") == []


@pytest.mark.parametrize(
    ("word", "typed"),
    [("model.mix_with_start=0.5", "[0.5]"), ("model.freeze=network.hidden", "[network.hidden]"), ("trusted=a", "[a]")],
)
def test_one_value_where_a_list_is_meant_says_how_it_is_typed(
    word: str, typed: str, refusal: Callable[..., str]
) -> None:
    key = word.partition("=")[0]
    assert f"{key} is a list; type {key}={typed}" in refusal("model=harmony", word)


def weights(run: Path, name: str) -> dict[str, torch.Tensor]:
    return dict(torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"])


def record(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_bytes()))


@pytest.mark.slow
def test_what_goes_on_is_mixed_with_the_start_of_the_first_and_a_bad_training_with_nothing(
    cli: Cli, tmp_path: Path
) -> None:
    runs = tmp_path / "outputs" / "runs" / "harmony"

    def trained(*words: str) -> tuple[Path, str]:
        before = set(runs.iterdir()) if runs.exists() else set()
        done = cli(*SHORT, *words)
        assert done.returncode == 0, done.stderr
        [run] = set(runs.iterdir()) - before
        return run, done.stdout + done.stderr

    start, _ = trained("trainer.max_epochs=1")
    begun = ("seed=2", f"model.init_from={start}")
    half = (*begun, "model.mix_with_start=[0.5]")
    first, said = trained(*half, "trainer.max_epochs=1")
    assert "0.5 is taken" in said
    second, _ = trained(*half, "trainer.max_epochs=2", f"trainer.resume={first}")
    finished, _ = trained(*half, "trainer.max_epochs=2", f"trainer.resume={second}")
    there = weights(start, "best")
    for run in (first, second, finished):
        learnt = weights(run, "last")
        for name, got in weights(run, "best").items():
            torch.testing.assert_close(got, (there[name] + learnt[name]) / 2, msg=f"{name} of {run.name}")
        assert record(run)["data"]["more"]["started_from"]["share_learnt"] == 0.5
    assert not torch.equal(weights(first, "last")["joint.bias"], weights(second, "last")["joint.bias"])
    assert record(second)["training"]["val_loss"] == record(finished)["training"]["val_loss"]

    _, said = trained(*begun, "trainer.max_epochs=2", f"trainer.resume={first}")
    assert "that run mixes with its start, this one ends unmixed; type model.mix_with_start=[0.5]" in said

    bad, said = trained(*begun, "model.mix_with_start=[0,1]", "model.module.learning_rate=1.0", "trainer.max_epochs=1")
    assert "0 is taken, so the start weights stay as they were" in said
    for name, got in weights(bad, "best").items():
        torch.testing.assert_close(got, there[name])
    assert record(bad)["training"]["val_loss"] == pytest.approx(record(start)["training"]["val_loss"], rel=1e-5)

    _, said = trained(*half, "trainer.max_epochs=1", "hardware.devices=2", "data.batch_size=64")
    assert "0.5 is taken" in said, "only one of two processes mixes, and waits for no other"

    without, _ = trained(*begun, "trainer.max_epochs=1")
    refused = cli(*SHORT, *half, "trainer.max_epochs=2", f"trainer.resume={without}")
    assert refused.returncode == 2
    assert "it kept no start weights to mix with; leave out model.mix_with_start" in refused.stderr
