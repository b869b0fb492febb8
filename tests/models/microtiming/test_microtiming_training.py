"""Training on takes by rule: it learns what they hold, and the evaluator tells it from its baselines."""

from __future__ import annotations

import lightning as L
import numpy as np
import pytest
import torch
from support.item_checks import assert_heard, assert_items

from datamodules.microtiming import rules
from datamodules.microtiming.module import MicrotimedTakes
from kmidi_lab.contracts import MICROTIMING
from kmidi_lab.models.microtiming import boosted
from kmidi_lab.models.microtiming.baselines import fit_baselines
from kmidi_lab.models.microtiming.evaluation import MicrotimingEvaluator
from kmidi_lab.models.microtiming.module import MicrotimingModel

IN = {s.name: s.index for s in MICROTIMING.inputs}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> MicrotimedTakes:
    """A third of the takes by rule."""
    cache = str(tmp_path_factory.mktemp("cache"))
    made = MicrotimedTakes("nowhere", cache, sources=["rules"], batch_size=16, window=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_TAKES", 54)
        patch.setattr(rules, "_PIECES", 27)
        made.setup("fit")
    return made


@pytest.fixture(autouse=True)
def _few_notes_for_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees find these rules from few, and soon."""
    monkeypatch.setattr(boosted, "_MOST", 3000)
    monkeypatch.setattr(boosted, "_TREES", 40)


def call(module: MicrotimingModel):
    @torch.no_grad()
    def outputs(x: np.ndarray) -> np.ndarray:
        return module.network(torch.from_numpy(np.asarray(x, np.float32))).numpy()

    return outputs


def test_an_untrained_network_keeps_the_contract():
    module = MicrotimingModel()
    assert module.parameter_count <= 25_000
    x = torch.rand(2, 9, 64) * 2 - 1
    out = module.eval().network(x)
    assert out.shape == (2, 9, 16) and not out[..., 7:].any()
    assert out[..., :5].abs().max() <= 1 and out[..., 5:7].min() >= 0 and out[..., 5:7].max() <= 1
    x[..., IN["mood"]] += 1
    x[..., IN["reserved"]] += 1
    torch.testing.assert_close(module.network(x), out)


@pytest.mark.slow
def test_baselines_are_told_what_the_model_is_told(data):
    train, val, test = (data.encoded(split) for split in ("train", "val", "test"))
    blind, told = (fit_baselines(train, val, lead) for lead in (False, True))
    known = test.known

    def error(of, name: str) -> float:
        return float(np.abs(of[name](test).quantiles[known, 2] - test.offset[known]).mean())

    for name in ("quantised", "style_step_quantiles", "ridge", "boosted_trees", "boosted_trees_without_later_notes"):
        assert error(told, name) < error(blind, name), name
        assert (np.diff(told[name](test).quantiles) >= 0).all()
    assert error(told, "style_step_quantiles") < error(told, "quantised")


@pytest.mark.slow
def test_it_learns(data):
    L.seed_everything(3, verbose=False)
    module = MicrotimingModel(inner=24, hidden=24, dropout=0.0, learning_rate=1e-2)
    trainer = L.Trainer(
        max_epochs=25, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    result = MicrotimingEvaluator()(call(module.eval()), {}, data, "test", data)
    assert_items(MicrotimingEvaluator(), call(module.eval()), {}, data, result, "loss")
    versions = ("as written", "the player", "the model", "the rule")
    for item in assert_heard(MicrotimingEvaluator(), call(module.eval()), {}, data, versions):
        written, played = item.versions["as written"], item.versions["the player"]
        [take] = [t.take for t in data.songs("test") if t.take.id == item.name]
        off = take.notes.onset[: len(written.start)] - take.notes.onset[0]
        assert written.start == pytest.approx(off * 60 / take.notes.bpm[0]), "at one tempo"
        assert 0 < np.abs(played.start - written.start).max() < 0.1 and (played.velocity == written.velocity).all()
    own, rivals = result.metrics["test"], result.baselines["test"]
    assert own["offset_mae_ms"] < rivals["quantised"]["offset_mae_ms"]
    assert own["pinball_ms"] < rivals["constant"]["pinball_ms"]
    assert own["offset_mae_ms_lead"] < own["offset_mae_ms"] and own["offset_mae_ms_heard"] < own["offset_mae_ms"]
    assert own["coverage_50"] < own["coverage_80"] and 0.5 < own["spread_ratio"] < 1.5
    assert set(result.metrics) == {"test", "test/drums", "test/piano"}
    assert own["events"] == int(data.encoded("test").known.sum())
    declared = {*MicrotimingEvaluator.METRICS, *MicrotimingEvaluator.COUNTS}
    assert all(set(scores) <= declared for scores in result.metrics.values())
