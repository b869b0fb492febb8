"""A training from start weights that ends between these and its own (WiSE-FT)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.run_fixture import run_record

from kmidi_lab import mixed_start
from kmidi_lab.best_checkpoint import FitResult
from kmidi_lab.errors import ConfigError
from kmidi_lab.resume import ResumePoint
from kmidi_lab.tasks import export, split_runs
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
        mixed_start.checked(shares, init_from, train_on != "all")
    assert mixed_start.checked([0.5], "x", validates=False) == [0.5]
    assert mixed_start.checked(None, None, validates=False) == []


@pytest.mark.parametrize(
    ("word", "typed"),
    [
        ("model.mix_with_start=0.5", "[0.5]"),
        ("model.freeze=network.hidden", "[network.hidden]"),
        ("trusted=a", "[a]"),
        ("trusted=a b", "[a b]"),
        ("trusted='a b'", "['a b']"),
    ],
)
def test_one_value_where_a_list_is_meant_says_how_it_is_typed(
    word: str, typed: str, refusal: Callable[..., str]
) -> None:
    key = word.partition("=")[0]
    assert f"{key} is a list; type {key}={typed}" in refusal("model=harmony", word)


START, LEARNT = {"w": torch.tensor([0.0, 4.0])}, {"w": torch.tensor([4.0, 0.0])}


def mixed_now(
    folder: Path, shares: list[float], train_on: str, best_is_mixed: bool = False, val_loss: float = 2.0
) -> dict[str, Any]:
    """What `mix` keeps as the best; a share has itself as its loss, and that of 1 none."""
    kept = {"KeptStart": {"start": START}, "other": {}}
    whole = {"pytorch-lightning_version": "2.6.0", "epoch": 0, "state_dict": LEARNT, "callbacks": kept}
    torch.save(whole, folder / "last.ckpt")
    torch.save(whole | {"callbacks": {"other": {}} if best_is_mixed else kept}, folder / "best.ckpt")
    taken: dict[str, Any] = {}
    best = SimpleNamespace(take=lambda checkpoint, loss: taken.update(checkpoint))
    fitted = FitResult(folder / "best.ckpt", 1, 1.0, val_loss, 1.0)
    module, data = SimpleNamespace(load_state_dict=lambda _: None), SimpleNamespace(keeps_test=train_on != "all")
    mixed_start.mix(fitted, shares, module, data, best, None)  # type: ignore[arg-type]
    return taken


def test_a_mixture_keeps_no_start_that_it_could_be_mixed_with_again(tmp_path: Path) -> None:
    taken = mixed_now(tmp_path, [0.5], "all", val_loss=math.nan)
    assert taken["state_dict"]["w"].tolist() == [2, 2] and set(taken["callbacks"]) == {"other"}
    torch.save(taken, tmp_path / "best.ckpt")
    with pytest.raises(ConfigError, match="it kept no start weights to mix with"):
        mixed_start.check_kept(ResumePoint("x", tmp_path / "best.ckpt", 1, False, {"w": torch.Size([2])}))
    mixed_start.check_kept(ResumePoint("x", tmp_path / "last.ckpt", 1, False, {"w": torch.Size([2])}))


@pytest.mark.parametrize(
    ("train_on", "best_is_mixed", "val_loss", "said"),
    [
        ("split", False, 2.0, "val/loss 0.5: 0.2500, 1: no number; 0.5 is taken (the best epoch alone: 2.0000)"),
        ("split", True, 2.0, "val/loss 0.5: 0.2500, 1: no number; 0.5 is taken"),
        ("all", False, math.nan, "share of the last epoch: 0.5 is taken"),
    ],
)
def test_the_line_of_a_mixture_tells_what_is_known(
    tmp_path: Path, train_on: str, best_is_mixed: bool, val_loss: float, said: str,
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    losses = iter((0.25, math.nan))
    monkeypatch.setattr(mixed_start, "_validated", lambda *_: next(losses))
    shares = [0.5] if train_on == "all" else [0.5, 1.0]
    with caplog.at_level("INFO"):
        mixed_now(tmp_path, shares, train_on, best_is_mixed, val_loss)
    assert caplog.messages[-1].endswith(said)


def test_a_run_that_was_killed_before_it_mixed_is_not_published(tmp_path: Path) -> None:
    mixed_now(tmp_path, [0.5], "all")
    with pytest.raises(
        ConfigError, match=r"not mixed with the start yet, as model\.mix_with_start=\[0\.5\] says"
    ) as caught:
        export.check_mixed(tmp_path / "best.ckpt", {"model": {"mix_with_start": [0.5]}})
    assert "\n" not in str(caught.value)
    export.check_mixed(tmp_path / "best.ckpt", {"model": {}})
    torch.save(mixed_now(tmp_path, [0.5], "all"), tmp_path / "best.ckpt")
    export.check_mixed(tmp_path / "best.ckpt", {"model": {"mix_with_start": [0.5]}})


def test_scores_of_another_mixture_are_not_those_of_this_run() -> None:
    chosen, plain = run_record(), run_record()
    assert chosen.data
    chosen.data.more["started_from"] = {"share_learnt": 0.5}
    one, several = ({"model": {"mix_with_start": shares}} for shares in ([0.5], [0.0, 0.5]))
    assert split_runs.share_of(one, plain) == split_runs.share_of(several, chosen) == 0.5
    assert split_runs.share_of({"model": {"mix_with_start": None}}, plain) is None


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
    assert "0.5 is taken" in said and "(the best epoch alone: " in said
    twice = cli(*SHORT, *half, "trainer.max_epochs=2", f"trainer.resume={first}/checkpoints/best.ckpt")
    assert twice.returncode == 2 and "it kept no start weights to mix with" in twice.stderr
    second, _ = trained(*half, "trainer.max_epochs=2", f"trainer.resume={first}")
    finished, said = trained(*half, "trainer.max_epochs=2", f"trainer.resume={second}")
    assert "0.5 is taken" in said and "the best epoch alone" not in said, "what is there is the mixture"
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
    assert said.count("0.5 is taken") == 1, "only one of two processes mixes, and waits for no other"

    without, _ = trained(*begun, "trainer.max_epochs=1")
    refused = cli(*SHORT, *half, "trainer.max_epochs=2", f"trainer.resume={without}")
    assert refused.returncode == 2
    assert "it kept no start weights to mix with; leave out model.mix_with_start" in refused.stderr
