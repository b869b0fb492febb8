"""The data module, the network, the baselines and the scores, on a small set in PianoPerformances's layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch
from support.asap_files import write_asap
from support.declared_metrics import assert_declared
from support.item_checks import assert_heard, assert_items

from datamodules.dynamics.module import PianoPerformances
from datamodules.dynamics.mood import coloured
from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.data import handshake
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.models.dynamics.baselines import Carry, Constant, Linear, Metrical, Normal, Trees, WrittenDynamic
from kmidi_lab.models.dynamics.evaluation import DynamicsEvaluator, scores
from kmidi_lab.models.dynamics.features import EncodedPiece, free_run
from kmidi_lab.models.dynamics.module import DynamicsEngine, masked_loss
from kmidi_lab.models.dynamics.network import begin_with_hinges, dynamics_network

HISTORY = DYNAMICS.input("previous_velocities").index


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PianoPerformances:
    root = write_asap(tmp_path_factory.mktemp("data"), 12)
    made = PianoPerformances(
        str(root), str(root / "cache"), val_share=0.2, test_share=0.3, batch_size=64, notes_per_epoch=2048
    )
    made.setup("fit")
    return made


def trainer(epochs: int) -> L.Trainer:
    return L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip


def test_a_start_computes_the_same_with_the_statistics_of_its_new_data(data: PianoPerformances) -> None:
    """The reference is the network before: on a batch of the data and on draws that are far from it."""
    torch.manual_seed(1)
    module = DynamicsEngine(hidden=[32, 16])
    module.start_from([], 1.0, has_start=True)
    module.network[0].mean.uniform_(-1, 1)
    module.network[0].std.uniform_(0.5, 2)
    module.trainer = trainer(1)
    module.trainer.datamodule = data  # type: ignore[attr-defined]  # what Lightning sets when it fits
    x = torch.cat([torch.from_numpy(data.probes()), torch.rand(64, DYNAMICS.input_size) * 4 - 2])
    module.eval()
    with torch.inference_mode():
        before = module.network(x)
    module.setup("fit")
    mean, std = (values.float() for values in data.statistics())
    assert torch.equal(module.network[0].mean, mean) and torch.equal(module.network[0].std, std)
    with torch.inference_mode():
        assert torch.allclose(module.network(x), before, atol=1e-5)
    module.start_from([], 1.0, has_start=False)
    module.network[0].std.fill_(1)
    module.setup("fit")
    with torch.inference_mode():
        assert torch.equal(module.network[0].std, std)


def test_it_learns_and_exports_as_it_is(data: PianoPerformances) -> None:
    L.seed_everything(0, verbose=False)
    module = DynamicsEngine(hidden=[32, 16], dropout=0.0, learning_rate=1e-2, hinges=True)
    handshake(module, data)
    run = trainer(6)
    run.fit(module, datamodule=data)
    network = module.export_network().eval()
    with torch.inference_mode():
        y = network(torch.from_numpy(data.probes())).numpy()
    assert ((y >= 0) & (y <= 1)).all() and (y[:, 14:] == 0).all() and not (y[:, :14] == 0).all()
    # The little set plays whole quarter notes 20 louder: free running finds that out.
    found = scores(lambda x: network(torch.from_numpy(x)).detach().numpy(), data.encoded("test"))
    assert found["velocity_r"] > 0.8 and "pedal_accuracy" not in found

    assert data.overlap(data.songs("train")) == len(data.songs("train"))
    assert data.overlap(data.songs("test")) == 0


@pytest.mark.slow
def test_it_can_learn_one_performance_by_heart(data: PianoPerformances) -> None:
    L.seed_everything(0, verbose=False)
    piece = data.encoded("train")[0]
    x, y, mask = (torch.from_numpy(getattr(piece, n)) for n in ("x", "y", "mask"))
    module = DynamicsEngine(hidden=[128, 64], dropout=0.0)
    optimizer = torch.optim.Adam(module.network.parameters(), 3e-3)
    began = float(masked_loss(module.network(x), y, mask))
    for _ in range(400):
        loss = masked_loss(module.network(x), y, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.1 * began
    assert (module.network(x)[:, 14:] == 0).all()


def test_the_velocity_weighs_as_much_as_it_is_given() -> None:
    out, y, mask = torch.zeros(2, 16), torch.zeros(2, 16), torch.ones(2, 16)
    y[:, 0] = 0.55  # Huber, beta .1: .5; the other slices have no error and weigh 2, .5, 1, .5, .5, 1, 1
    assert float(masked_loss(out, y, mask)) == pytest.approx(0.5 * 4 / 10.5)
    assert float(masked_loss(out, y, mask, {"velocity": 10.0})) == pytest.approx(0.5 * 10 / 16.5)
    assert float(masked_loss(out, y, mask, {"timing": 3.0})) == pytest.approx(0.5 * 4 / 12.5)


def test_hinges_begin_at_quantiles_of_the_inputs() -> None:
    torch.manual_seed(0)
    network = dynamics_network([56, 8], 0.0)
    with torch.no_grad():
        network[1].weight.zero_()
        network[0].std.fill_(0.5)
    begin_with_hinges(network, torch.full((19, 32), 3.0))
    # A ramp up and one down of each of the 24 inputs that have any, then the first eight up again; twice as steep in
    # what is not standardised.
    units = network[2](network[1](network[0](torch.full((1, 32), 4.0))))[0]
    assert units.tolist() == [2.0] * 24 + [0.0] * 24 + [2.0] * 8
    assert network[2](network[1](network[0](torch.full((1, 32), 3.0)))).max() == 0
    assert (network[1].weight[:, :4] == 0).all() and (network[1].weight[:, HISTORY] == 0).all()


def test_inputs_without_evidence_are_not_heard() -> None:
    module = DynamicsEngine().eval()
    x = torch.rand(5, 32)
    moved = x.clone()
    moved[:, 2:4] = 1.0
    assert torch.equal(module(x), module(moved))
    assert 15_000 < module.parameter_count < 25_000


@pytest.mark.parametrize("wrong", [{"hidden": []}, {"hidden": [0]}, {"dropout": 1.0}, {"learning_rate": 0.0}])
def test_wrong_settings_of_the_model(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        DynamicsEngine(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"sources": ["vienna"]}, {"sources": []}, {"split": "x"}, {"history_noise": 2.0}, {"val_share": 0.0},
     {"batch_size": 0}, {"notes_per_epoch": 0}, {"pitch_jitter": -1.0}],
)  # fmt: skip
def test_wrong_settings_of_the_data(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        PianoPerformances("nowhere", "nowhere", **wrong)


def test_real_data_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data=kth_rules"):
        PianoPerformances(str(tmp_path), str(tmp_path), sources=["asap"]).prepare_data()


def test_batches(data: PianoPerformances) -> None:
    batches = list(data.train_dataloader())
    assert len(batches) == 2048 // 64
    for batch in batches:
        assert batch.x.shape == (64, 32) and batch.y.shape == batch.mask.shape == (64, 16)
        assert torch.isfinite(batch.x).all() and ((batch.y >= 0) & (batch.y <= 1)).all()
        assert ((batch.x[:, HISTORY] >= 0) & (batch.x[:, HISTORY] <= 1)).all()
        assert (batch.mask[:, 0] == 1).all() and (batch.mask[:, 14:] == 0).all()
    x = torch.cat([b.x for b in batches])
    assert 0.6 < (x[:, HISTORY] == 0).all(1).float().mean() < 0.95
    assert 0.4 < (x[:, 0] == 0).float().mean() < 0.6
    assert data.describe()["stand_in"] is None and data.describe()["id"] == "asap"


def test_emotion_by_hand() -> None:
    x, y = torch.zeros(2, 32), torch.full((2, 16), 0.4)
    x[:, HISTORY] = 0.4
    coloured(x, y, torch.tensor([[0.0, 0.0], [0.4, 0.8]]))
    assert y[0].tolist() == pytest.approx([0.4] * 16) and x[1, 0] == 0.4 and x[1, 1] == 0.8
    louder = 10 ** ((-1.5 * 0.4 + 10 * 0.8) / 40)
    assert y[1, 0].item() == pytest.approx(0.4 * louder) and x[1, 17].item() == pytest.approx(0.4 * louder)
    assert y[1, 9].item() == pytest.approx(0.4 * 2**-0.4) and y[1, 12].item() == pytest.approx(0.4)


def random_pieces(rng: np.random.Generator, count: int) -> list[EncodedPiece]:
    out = []
    for number in range(count):
        x = rng.normal(size=(200, 32)).astype(np.float32)
        y = np.clip(0.5 + 0.1 * (x[:, :16] - x[:, 16:]), 0, 1).astype(np.float32)
        mask = (rng.random((200, 16)) > 0.2).astype(np.float32)
        out.append(EncodedPiece(x, y * mask, mask, str(number), "made"))
    return out


@pytest.mark.slow
def test_what_hears_no_history_runs_freely_in_one_call() -> None:
    pieces = random_pieces(np.random.default_rng(3), 4)
    rows = [replace(p, x=np.abs(p.x)) for p in pieces]
    asked = [p.x[:20] for p in rows]
    deaf = [kind(rows) for kind in (Constant, Metrical, WrittenDynamic, Trees)]
    for baseline in (*deaf, Linear(Normal(rows, history=False), 1.0)):
        assert not baseline.hears_history
        for once, stepwise in zip(map(baseline, asked), free_run(baseline, asked), strict=True):
            assert once == pytest.approx(stepwise, abs=1e-6)
    assert Linear(Normal(rows, history=True), 1.0).hears_history and not hasattr(Carry(rows), "hears_history")


def test_baselines_against_plain_definitions() -> None:
    rng = np.random.default_rng(0)
    pieces = random_pieces(rng, 3)
    x, y, mask = (np.concatenate([getattr(p, n) for p in pieces]).astype(float) for n in ("x", "y", "mask"))
    column = y[:, 3][mask[:, 3] > 0]
    assert Constant(pieces)(x[:2])[1, 3] == pytest.approx(column.mean(), abs=1e-6)
    fitted = Linear(Normal(pieces, True), 1e-6)(x.astype(np.float32))
    rows = mask[:, 5] > 0
    design = np.concatenate([x, np.ones((len(x), 1))], 1)
    plain = design @ np.linalg.lstsq(design[rows], y[rows, 5], rcond=None)[0]
    np.testing.assert_allclose(fitted[:, 5], np.clip(plain, 0, 1), atol=1e-4)
    blind = Linear(Normal(pieces, False), 1.0)
    other = x.copy()
    other[:, HISTORY] = 9
    np.testing.assert_array_equal(blind(x), blind(other))
    for piece in pieces:
        piece.x[:, [16, 13]] = 0.5
    pieces[0].x[:, 13] = 0.3
    mean = Metrical(pieces)(pieces[0].x[:1])[0, 0]
    assert mean == pytest.approx(pieces[0].y[:, 0].sum() / pieces[0].mask[:, 0].sum(), abs=1e-6)
    for piece in pieces:
        piece.x[:, 25] = np.where(piece.y[:, 0] > 0.5, 0.8, 0.2)
        piece.y[:, 0] = 0.1 + 0.5 * piece.x[:, 25]
    said = WrittenDynamic(pieces)(np.array([[0.0] * 25 + [w] + [0.0] * 6 for w in (0.0, 0.2, 0.8)], np.float32))
    assert said[:, 0].tolist() == pytest.approx([Constant(pieces)(x[:1])[0, 0], 0.2, 0.5], abs=1e-5)
    carried = Carry(pieces)(np.array([[0.0] * 32, [0.25] * 32], np.float32))
    assert carried[1, :8].tolist() == [0.25] * 8 and carried[0, 0] == Constant(pieces)(x[:1])[0, 0]


@pytest.mark.slow
def test_trees_learn_what_no_line_can() -> None:
    rng = np.random.default_rng(1)
    pieces = random_pieces(rng, 6)
    for piece in pieces:
        piece.y[:, 0] = np.abs(piece.x[:, 4] - 0.5)
        piece.mask[:, 0] = 1
    x, y = (np.concatenate([getattr(p, n) for p in pieces]) for n in ("x", "y"))
    trees, line = Trees(pieces), Linear(Normal(pieces, False), 1.0)
    assert np.abs(trees(x)[:, 0] - y[:, 0]).mean() < 0.7 * np.abs(line(x)[:, 0] - y[:, 0]).mean()
    deaf = x.copy()
    deaf[:, HISTORY] = 9
    np.testing.assert_array_equal(trees(x), trees(deaf))


def test_scores_by_hand_and_every_metric_beside_every_baseline(data: PianoPerformances) -> None:
    piece = data.encoded("test")[0]
    assert scores(lambda x: np.full((len(x), 16), 0.5, np.float32), [piece])["velocity_r"] == 0

    class Cheat:
        at = -1

        def __call__(self, x: np.ndarray) -> np.ndarray:
            if len(x) == len(piece.y):
                return piece.y
            self.at = (self.at + 1) % len(piece.y)
            return piece.y[self.at : self.at + 1]

    perfect = scores(Cheat(), [piece])
    assert perfect["velocity_r"] == pytest.approx(1) and perfect["velocity_mae"] == perfect["timing_mae_ms"] == 0
    result = DynamicsEvaluator()(lambda x: np.full((len(x), 16), 0.5, np.float32), {}, data, "test", data)
    assert_declared(DynamicsEvaluator(), result)
    assert_items(DynamicsEvaluator(), lambda x: np.full((len(x), 16), 0.5, np.float32), {}, data, result)
    versions = ("as written", "the pianist", "the model", "the rule")
    half = assert_heard(DynamicsEvaluator(), lambda x: np.full((len(x), 16), 0.5, np.float32), {}, data, versions)
    for item in half:
        [song] = [s for s in data.songs("test") if s.id == item.name]
        written, pianist, model, rule = item.versions.values()
        assert (model.start == written.start).all() and model.length == pytest.approx(written.length / 2)
        count = len(written.start)
        known = np.isfinite(song.played.velocity[:count] + song.played.timing[:count])
        assert (pianist.velocity == song.played.velocity[:count])[known].all() and known.any()
        assert (pianist.start - written.start)[known] == pytest.approx(song.played.timing[:count][known])
        assert rule.velocity.std() > 0 and set(model.velocity) == {64}
    assert len(result.baselines["test"]) == 7
    for rival in result.baselines["test"].values():
        assert set(rival) == set(result.metrics["test"]) - {"pieces", "events"}
    verdict = DynamicsEvaluator().verdict(result, "test")
    assert verdict["metric"] == "velocity_r" and not verdict["beats_baselines"]
