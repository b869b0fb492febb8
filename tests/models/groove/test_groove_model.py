"""Network, baselines and evaluator of the groove model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch
from support.declared_metrics import assert_declared
from support.item_checks import assert_heard, assert_items

from datamodules.groove.module import DrumPerformances
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.contracts import GROOVE
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.groove import boosted
from kmidi_lab.models.groove.baselines import fit_baselines, rules
from kmidi_lab.models.groove.evaluation import GrooveEvaluator, run, scores
from kmidi_lab.models.groove.features import GrooveBatch, bar_vectors, encode_performances
from kmidi_lab.models.groove.grid import Bars, Performance
from kmidi_lab.models.groove.module import GroovePredictor, errors, huber_loss


def performance(
    name: str,
    timing: float,
    velocity: float,
    bpm: float = 120.0,
    bars: int = 3,
    kind: str = "beat",
    style: str = "funk",
) -> Performance:
    """A snare on the backbeats, always as late and as loud."""
    hit = np.zeros((bars, 16, 3), bool)
    hit[:, [4, 12], 1] = True
    played = Bars(hit, np.float32(timing) * hit, np.float32(velocity) * hit)
    return Performance(name, "test", kind, style, 0.0, bpm, True, played)


class Data:
    """Performances by split, as the evaluator asks for them."""

    def __init__(self, **splits: list[Performance]) -> None:
        self.splits = splits

    def songs(self, split: str) -> list[Performance]:
        return self.splits[split]

    def encoded(self, split: str):
        return encode_performances(self.splits[split])


@pytest.fixture
def few_for_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which trees are one baseline among others."""
    monkeypatch.setattr(boosted, "_MOST", 1000)
    monkeypatch.setattr(boosted, "_TREES", 30)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> DrumPerformances:
    data = DrumPerformances("nowhere", str(tmp_path_factory.mktemp("cache")), sources=["styles"], batch_size=16)
    data.setup("fit")
    return data


def fit(data: object, epochs: int, **settings: object) -> GroovePredictor:
    L.seed_everything(1, verbose=False)
    module = GroovePredictor(**settings)  # type: ignore[arg-type]
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)  # type: ignore[arg-type]
    return module


def test_size_and_ranges() -> None:
    module = GroovePredictor().eval()
    assert 15_000 < module.parameter_count < 35_000
    x = 20 * torch.randn(4, 6, 64)
    y = module(x)
    assert y.shape == (4, 6, 32)
    assert y[..., :16].abs().max() <= 1
    assert y[..., 16:].min() >= 0
    assert y[..., 16:].max() <= 1
    assert y[..., :16].min() < 0


def test_a_sequence_and_single_calls_agree_and_rtneural_does_too() -> None:
    torch.manual_seed(0)
    module = GroovePredictor().eval()
    x = torch.rand(1, 12, 64)
    reader = RTNeuralModel.from_bytes(export_rtneural(module.export_network(), GROOVE))
    with torch.inference_mode():
        whole, state = module.network(x)[0], module.network.zero_state(x)
        for t in range(12):
            y, state = module.network.stream(x[:, t : t + 1], state)
            assert torch.allclose(y[0, 0], whole[t], atol=1e-5)
            assert np.allclose(reader(x[0, t].numpy()), whole[t].numpy(), atol=1e-5)


def test_an_unknown_mood_or_style_has_no_effect_before_it_is_learnt() -> None:
    module = GroovePredictor().eval()
    x = torch.rand(1, 4, 64)
    other = x.clone()
    other[..., GROOVE.input("mood").index] = 5.0
    other[..., GROOVE.input("style").index] = 1.0
    assert torch.equal(module(x), module(other))


@pytest.mark.slow
def test_the_fixed_layer_is_not_trained(generated: DrumPerformances) -> None:
    module = fit(generated, 1, inner=8, hidden=8)
    last = list(module.network)[-1]
    assert torch.equal(last.weight, torch.diag(torch.tensor([1.0] * 16 + [0.5] * 16)))
    mood = next(iter(module.network)).weight[:, GROOVE.input("mood").index]
    assert not mood.any()


def test_errors_by_hand_and_masked_steps_do_not_count() -> None:
    timing, velocity, hit = (torch.zeros(1, 1, 16, 3) for _ in range(3))
    hit[0, 0, 4, 1] = hit[0, 0, 4, 2] = 1
    timing[0, 0, 4, 1], timing[0, 0, 4, 2] = 0.5, -0.5
    velocity[0, 0, 4, 1] = 1.0
    outputs = torch.full((1, 1, 32), 0.9)
    outputs[0, 0, 4], outputs[0, 0, 20] = 0.25, 0.75
    batch = GrooveBatch(torch.zeros(1, 1, 64), timing, velocity, hit, torch.full((1, 1), 2.0))  # 60 bpm
    timing_error, velocity_error = errors(outputs, batch)
    assert timing_error[0, 0, 4, 1:].tolist() == [-0.5, 1.5]
    assert velocity_error[0, 0, 4, 1:].tolist() == [-0.25, 0.75]
    # Timing: 0.5 is square, 0.5**2 / 2 / 0.5; 1.5 is straight, 1.5 - 0.25. Velocity: 0.25**2 / 0.6 and 0.75 - 0.15.
    by_hand = (0.25 + 1.25 + 0.0625 / 0.6 + 0.6) / 2
    assert float(huber_loss(timing_error, velocity_error, hit)) == pytest.approx(by_hand)
    assert huber_loss(timing_error, velocity_error, torch.zeros_like(hit)) == 0


def test_a_take_weighs_as_the_root_of_its_strokes_in_the_loss() -> None:
    error, hit = torch.zeros(3, 2, 16, 3), torch.zeros(3, 2, 16, 3)
    hit[0, 0, 0, 0] = 1  # one stroke, off by 1; the second take has six that are right, the third none
    error[0] = 1.0
    hit[1, :, :3, 0] = 1
    assert float(huber_loss(error, torch.zeros_like(error), hit)) == pytest.approx((1 - 0.25) / (1 + 6**0.5))


def test_scores_by_hand_at_two_tempos() -> None:
    e = encode_performances([performance("a", 0.5, 1.0, 120, 1), performance("b", 0.5, 0.5, 60, 1)])
    found = scores(np.zeros((2, 32)), e, np.ones(2, bool), latency=31.25)
    # 0.5 is 30 ticks: 31.25 ms at 120 and 62.5 at 60. It is each take's latency, which no pattern shows.
    assert found["timing_mae_ms"] == 0
    assert found["timing_mae_ms_as_recorded"] == pytest.approx((31.25 + 62.5) / 2)
    assert found["timing_mae_ms_with_latency"] == pytest.approx(31.25 / 2)
    assert found["velocity_mae"] == pytest.approx(0.75)
    # Velocity is off by 1 and 0.5, with delta 0.3; of timing nothing is left.
    assert found["loss"] == pytest.approx((0.85 + 0.35) / 2)
    assert found["timing_mae_ms_mid"] == found["timing_mae_ms"]
    assert "timing_mae_ms_low" not in found
    assert "timing_correlation" not in found


@pytest.mark.slow
@pytest.mark.usefixtures("few_for_trees")
def test_the_evaluator_s_loss_is_the_training_loss(generated: DrumPerformances) -> None:
    module = GroovePredictor().eval()
    [batch] = generated.val_dataloader()
    with torch.inference_mode():
        loss = float(huber_loss(*errors(module(batch.x), batch), batch.hit))
    result = GrooveEvaluator()(numpy_call(module.network), {}, generated, "val", generated)
    assert result.metrics["val"]["loss"] == pytest.approx(loss, abs=1e-4)


def test_a_recording_s_latency_is_no_feel(generated: DrumPerformances) -> None:
    """Takes that differ by a constant delay teach the same and score the same."""
    late = performance("a", 0.0, 0.8)
    shaped = late.bars.timing.copy()
    shaped[:, 4, 1], shaped[:, 12, 1] = 0.1, -0.1
    shaped[1, 4, 1] = 0.05
    early = [
        replace(late, bars=replace(late.bars, timing=(shaped + d * late.bars.hit).astype(np.float32)))
        for d in (0, -0.3)
    ]
    plain, shifted = (encode_performances([p]) for p in early)
    assert not np.allclose(plain.timing, shifted.timing)
    assert np.allclose(plain.centred().timing, shifted.centred().timing, atol=1e-6)
    guess = np.full((3, 32), 0.1)
    one, other = (scores(guess, e, np.ones(3, bool)) for e in (plain, shifted))
    assert one["timing_mae_ms"] == pytest.approx(other["timing_mae_ms"], abs=1e-3)
    assert one["loss"] == pytest.approx(other["loss"], abs=1e-5)
    assert one["timing_mae_ms_as_recorded"] != pytest.approx(other["timing_mae_ms_as_recorded"], abs=1)
    [batch] = generated.val_dataloader()
    for timing, hit in zip(batch.timing.numpy(), batch.hit.numpy(), strict=True):
        assert not hit.any() or abs(np.median(timing[hit > 0])) < 1e-6


def test_takes_are_brought_to_one_level_by_a_share() -> None:
    e = encode_performances([performance("a", 0.0, 0.9), performance("b", 0.0, 0.5)])
    assert e.levelled(0.5).velocity[e.hit] == pytest.approx([0.8] * 6 + [0.6] * 6)
    assert np.array_equal(e.levelled(0.0).velocity, e.velocity)


def test_boosted_trees_and_two_bars_see_the_bar_before() -> None:
    rng = np.random.default_rng(0)
    hit = np.zeros((300, 16, 3), bool)
    hit[:, [4, 12], 1] = True
    hit[:, 15, 2] = rng.random(300) < 0.5
    timing = np.zeros(hit.shape, np.float32)
    timing[1:, 4, 1] = np.where(hit[:-1, 15, 2], 0.4, -0.4)
    train = encode_performances(
        [Performance("a", "test", "beat", "funk", 0.0, 120.0, True, Bars(hit, timing, 0.5 * hit))]
    )
    fitted = {name: predict(train) for name, predict in fit_baselines(train, train).items()}
    off = {name: np.abs(out[:, 4] - timing[:, 4, 1])[1:].mean() for name, out in fitted.items()}
    assert off["ridge"] > 0.3
    assert off["ridge_two_bars"] < 0.15


def test_each_performance_starts_from_a_reset() -> None:
    module = GroovePredictor().eval()
    songs = [performance("a", 0.1, 0.5, 100, 4), performance("b", 0.1, 0.5, 140, 2)]
    call = numpy_call(module.network)
    both = run(call, encode_performances(songs))
    assert np.allclose(both[4:], run(call, encode_performances(songs[1:])), atol=1e-6)


def test_baselines_by_hand() -> None:
    funk = [performance(f"f{i}", 0.5, 0.9, bars=10) for i in range(3)]
    jazz = [performance(f"j{i}", -0.25, 0.2, bars=10, style="jazz") for i in range(2)]
    train = encode_performances([*funk, *jazz])
    fitted = fit_baselines(train, train)
    found = {name: predict(train) for name, predict in fitted.items()}
    assert all(out.shape == (50, 32) for out in found.values())
    assert not found["quantised"][:, :16].any()
    assert found["quantised"][0, 16] == pytest.approx(0.9)
    for name in ("style_median", "style_step_median", "style_step_voices_median"):
        assert found[name][0, 4] == pytest.approx(0.5)
        assert found[name][-1, 4] == pytest.approx(-0.25)
        assert found[name][-1, 20] == pytest.approx(0.2)
    assert found["ridge"][0, [4, 20]] == pytest.approx([0.5, 0.9], abs=0.05)
    assert found["ridge"][-1, [4, 20]] == pytest.approx([-0.25, 0.2], abs=0.05)


def test_medians_keep_milliseconds_at_another_tempo() -> None:
    train = encode_performances([performance("a", 0.5, 0.9, 120, 30)])
    slow = encode_performances([performance("b", 0.0, 0.9, 60, 1)])
    assert fit_baselines(train, train)["style_step_median"](slow)[0, 4] == pytest.approx(0.25)


def test_rules_swing_and_accent() -> None:
    swung = rules(bar_vectors(np.zeros((1, 16, 3), bool), "shuffle", 120))[0]
    # A triplet off-beat is at tick 320 of 480: 80 after the third step, of which timing holds 60, and 40 before the last.
    assert swung[[0, 2, 3, 4]] == pytest.approx([0, 1, -40 / 60, 0])
    milder = bar_vectors(np.zeros((1, 16, 3), bool), "shuffle", 120)
    milder[:, GROOVE.input("swing").start] = 0.5  # tick 280
    assert rules(milder)[0, [0, 2, 3, 4]] == pytest.approx([0, 40 / 60, 0, 0])
    assert swung[16] > swung[18] > swung[17]
    assert not rules(bar_vectors(np.zeros((1, 16, 3), bool), "straight", 120))[0, :16].any()


def test_beats_and_fills_are_scored_apart_and_an_empty_split_is_said() -> None:
    songs = [performance("a", 0.1, 0.5), performance("b", 0.2, 0.6, kind="fill")]
    data = Data(train=songs, val=songs, test=songs, none=[])
    call = numpy_call(GroovePredictor().network)
    result = GrooveEvaluator()(call, {}, data, "test", data)
    assert_declared(GrooveEvaluator(), result)
    assert list(result.metrics) == ["test", "test/beat", "test/fill"]
    assert result.metrics["test"]["events"] == 12
    assert set(result.baselines["test/fill"]) == set(result.baselines["test"])
    verdict = GrooveEvaluator().verdict(result, "test")
    assert verdict["metric"] == "timing_mae_ms"
    assert verdict["also"][0]["metric"] == "velocity_mae"
    with pytest.raises(DataError, match="no drum strokes"):
        GrooveEvaluator()(call, {}, data, "none", data)


@pytest.mark.slow
def test_it_learns_a_few_takes_by_heart() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    hit = rng.random((4, 8, 16, 3)) < 0.4
    x = np.stack([bar_vectors(h, "funk", 100) for h in hit])
    step = rng.uniform(-0.6, 0.6, (4, 8, 16, 1)), rng.uniform(0.2, 0.9, (4, 8, 16, 1))
    timing, velocity = (torch.from_numpy((s * hit).astype(np.float32)) for s in step)
    batch = GrooveBatch(
        torch.from_numpy(x), timing, velocity, torch.from_numpy(hit.astype(np.float32)), torch.ones(4, 8)
    )
    module = GroovePredictor(dropout=0.0)
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        loss = huber_loss(*errors(module(batch.x), batch), batch.hit)
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.01


@pytest.mark.slow
@pytest.mark.usefixtures("few_for_trees")
def test_it_beats_the_simple_baselines_on_generated_takes(generated: DrumPerformances) -> None:
    """Generated takes follow rules that trees find sooner than a network in 12 epochs; the others are left behind."""
    module = fit(generated, 12, learning_rate=2e-2, dropout=0.0).eval()
    result = GrooveEvaluator()(numpy_call(module.network), {}, generated, "test", generated)
    assert_items(GrooveEvaluator(), numpy_call(module.network), {}, generated, result)
    versions = ("as written", "the drummer", "the model", "the rule")
    for item in assert_heard(GrooveEvaluator(), numpy_call(module.network), {}, generated, versions):
        [take] = [song for song in generated.songs("test") if song.id == item.name]
        written, played = item.versions["as written"], item.versions["the drummer"]
        bar, step, voice = (int(at[0]) for at in np.nonzero(take.bars.hit))
        assert written.start[0] == pytest.approx(step * 60 / take.bpm / 4)
        late = take.bars.timing[bar, step, voice] * 60 / take.bpm / 8
        assert bar == 0 and played.start[0] - written.start[0] == pytest.approx(late, abs=1e-6)
        assert played.velocity[0] == pytest.approx(127 * take.bars.velocity[bar, step, voice], abs=0.01)
        assert written.pitch[0] == (36, 38, 42)[voice] and written.drums
    own = result.metrics["test"]
    for name, scored in result.baselines["test"].items():
        if name != "boosted_trees":
            assert own["timing_mae_ms"] < scored["timing_mae_ms"], name
            assert own["velocity_mae"] < scored["velocity_mae"], name


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(generated: DrumPerformances) -> None:
    a, b = (fit(generated, 1, inner=8, hidden=8) for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("bad", [{"inner": 0}, {"hidden": 0}, {"dropout": 1}, {"learning_rate": 0}])
def test_bad_values_are_named(bad: dict, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        GroovePredictor(**bad)
