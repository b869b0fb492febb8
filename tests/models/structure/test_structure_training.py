"""Training: it learns the stand-in, leaves what no data hold without effect, and its head decodes as it was trained."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch
from support.item_checks import assert_items

from datamodules.structure.module import SongForms
from kmidi_lab.contracts import STRUCTURE
from kmidi_lab.models.structure.decoding import length_probabilities, section_probabilities
from kmidi_lab.models.structure.evaluation import StructureEvaluator
from kmidi_lab.models.structure.features import UNKNOWN, StructureBatch, untold
from kmidi_lab.models.structure.module import StructurePredictor

IN = {s.name: s.index for s in STRUCTURE.inputs}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[StructurePredictor, SongForms]:
    L.seed_everything(3, verbose=False)
    cache = str(tmp_path_factory.mktemp("cache"))
    data = SongForms("nowhere", cache, sources=["form_rules"], batch_size=128, progress=False)
    module = StructurePredictor(hidden=(32, 32), dropout=0.0, learning_rate=2e-2)
    trainer = L.Trainer(
        max_epochs=12, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    return module.eval(), data


def call(module: StructurePredictor):
    @torch.no_grad()
    def outputs(x: np.ndarray) -> np.ndarray:
        return module.network(torch.from_numpy(np.asarray(x, np.float32))).numpy()

    return outputs


@pytest.mark.slow
def test_it_learns(trained):
    module, data = trained
    result = StructureEvaluator()(call(module), module.head(), data, "test", data)
    scores = result.metrics["test"]
    assert scores["perplexity"] < result.baselines["test"]["bigram"]["perplexity"]
    assert scores["network_perplexity"] < scores["bare_perplexity"] and "told_perplexity" in scores
    assert scores["length_perplexity"] < result.baselines["test"]["majority"]["length_perplexity"]
    assert scores["events"] == len(data.encoded("test").token)
    assert_items(StructureEvaluator(), call(module), module.head(), data, result, "nll")


def test_arcs_and_moods_change_nothing_and_the_last_outputs_are_zero(trained):
    module, data = trained
    x = data.probes()[:50].copy()
    before = call(module)(x)
    x[:, IN["arc"].start : IN["mood"].stop] = 1.0
    np.testing.assert_array_equal(call(module)(x), before)
    assert not before[:, STRUCTURE.output("reserved").index].any()


def test_it_is_small_enough():
    assert StructurePredictor(hidden=(128, 128)).parameter_count < 60_000


def test_the_head_gives_the_likelihoods_of_training(trained):
    module, data = trained
    e = data.encoded("val")
    batch = StructureBatch(*map(torch.from_numpy, (untold(e.x), e.token, e.length, e.rule)))
    with torch.no_grad():
        out = module.network(batch.x)
        logged = torch.nn.functional.cross_entropy(
            module._lengths(out, batch.token)[e.length != UNKNOWN], batch.length[e.length != UNKNOWN]
        )
    p = length_probabilities(out.numpy(), module.head())[np.arange(len(e.token)), np.minimum(e.token, 11)]
    known = e.length != UNKNOWN
    assert -np.log(p[known, e.length[known]]).mean() == pytest.approx(float(logged), rel=1e-5)
    np.testing.assert_allclose(section_probabilities(out.numpy()).sum(1), 1)


def test_energy_is_expected_by_the_rule(trained):
    module, data = trained
    e = data.encoded("test")
    given = call(module)(e.x)[:, STRUCTURE.output("energy").start :][:, :3]
    inside = e.token < 12
    assert np.abs(given[inside] - e.rule[inside]).mean() < 0.15


def test_batches_forget_as_they_should(tmp_path: Path):
    def shares(**settings):
        L.seed_everything(1, verbose=False)
        data = SongForms("nowhere", str(tmp_path), sources=["form_rules"], progress=False, **settings)
        data.setup("fit")
        x = torch.cat([batch.x for batch in data.train_dataloader()])
        return [float((x[:, IN[name]] != 0).float().mean()) for name in ("target", "position", "tempo", "metre")]

    assert shares(target_share=0.0, bars_dropout=1.0, position_dropout=1.0) == [0.0, 0.0, 0.0, 0.0]
    target, position, tempo, metre = shares(target_share=1.0, bars_dropout=0.0, position_dropout=0.0)
    assert target == metre == 1.0 and 0.8 < position < 1.0 and tempo > 0.9
