"""Network, baselines and evaluator of the instrument model."""

from __future__ import annotations

from types import SimpleNamespace

import lightning as L
import numpy as np
import pytest
import torch
from support.declared_metrics import assert_declared
from support.item_checks import assert_items

from datamodules.shared.batches import IndexBatches, rows_of
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.contracts import INSTRUMENT, Contract
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.instrument.baselines import fit_baselines, labelled
from kmidi_lab.models.instrument.evaluation import InstrumentEvaluator
from kmidi_lab.models.instrument.features import EVIDENCE, TRAINED, InstrumentBatch, encode
from kmidi_lab.models.instrument.hearing import heard_sounds
from kmidi_lab.models.instrument.module import InstrumentRecognizer, losses, rarity
from kmidi_lab.models.instrument.scores import macro_f1, median_place, probabilities, score

UNTRAINED = tuple(s.name for s in INSTRUMENT.outputs if s.name not in EVIDENCE)
"""No data here says anything of these: their output is constant."""
FLUTE, CELLO = (
    {"family": 7, "instrument": 19, "register": 3},
    {"family": 3, "instrument": 13, "register": 1, "energy": 5},
)


def clip(i: int, source: str = "gm") -> Clip:
    """Flutes are high and cellos low in the bands."""
    rng = np.random.default_rng(i)
    labels, band = (FLUTE, 90) if i % 2 else (CELLO, 20)
    frames = rng.normal(-9, 1, (int(rng.integers(20, 40)), 128))
    frames[:, band : band + 10] += 6
    return Clip(f"{source}-{i}", source, "", dict(labels), Sound(frames.astype(np.float16)))


class Data(L.LightningDataModule):
    """Clips by split as the trainer and the evaluator ask for them."""

    def __init__(self, contract: Contract = INSTRUMENT) -> None:
        super().__init__()
        self.contract = contract
        self.splits = {
            "train": [clip(i) for i in range(48)],
            "val": [clip(i) for i in range(100, 112)],
            "test": [clip(i, "gm" if i % 3 else "philharmonia") for i in range(200, 224)],
        }

    def songs(self, split: str) -> list[Clip]:
        return self.splits[split]

    def conditions(self, split: str) -> dict[str, dict[str, np.ndarray]]:
        recorded = [c for c in self.splits[split] if c.source == "philharmonia"]
        return {
            "plus_20_db": {c.id: c.sound.frames + 3 for c in recorded},
            "white_20_db": {c.id: np.zeros_like(c.sound.frames) for c in recorded},
        }

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        heard = heard_sounds([c.sound.frames for c in self.splits["train"]], self.contract.features)
        frames = torch.from_numpy(np.concatenate([h.inputs for h in heard]))
        return frames.mean(0), frames.std(0)

    def place_counts(self) -> torch.Tensor:
        return torch.from_numpy(np.sum([encode(c.labels)[0] for c in self.splits["train"]], 0))

    def train_dataloader(self) -> IndexBatches:
        clips = self.splits["train"]
        heard = heard_sounds([c.sound.frames for c in clips], self.contract.features)
        x = torch.from_numpy(np.stack([h.inputs[:20] for h in heard]))
        target, mask = (torch.from_numpy(np.stack(p)) for p in zip(*(encode(c.labels) for c in clips), strict=True))
        weight = torch.ones(len(clips), 20)

        def gather(index: torch.Tensor, generator: torch.Generator) -> InstrumentBatch:
            return InstrumentBatch(x[index], weight[index], target[index], mask[index])

        return IndexBatches(len(clips), 16, gather, rows_of, torch.device("cpu"), lambda: 0)


@pytest.fixture(scope="module")
def fitted() -> tuple[InstrumentRecognizer, Data]:
    L.seed_everything(1, verbose=False)
    module, data = InstrumentRecognizer(16, 3, dilations=(1, 2), hidden=16, learning_rate=1e-2), Data()
    trainer = L.Trainer(
        max_epochs=8, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, use_distributed_sampler=False, num_sanity_val_steps=0, limit_val_batches=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    return module, data


def test_it_learns_what_labels_say_and_names_what_it_was_taught(fitted: tuple[InstrumentRecognizer, Data]) -> None:
    module, data = fitted
    result = InstrumentEvaluator()(numpy_call(module.network), {}, data, "test", data)
    assert_declared(InstrumentEvaluator(), result)
    assert_items(InstrumentEvaluator(), numpy_call(module.network), {}, data, result)
    assert set(result.metrics) == {"test", "test/gm", "test/philharmonia"}
    assert result.metrics["test"]["instrument_accuracy"] > 0.9
    assert result.metrics["test"]["instrument_at_0.25_s"] > 0.9
    assert result.baselines["test"]["majority"]["instrument_accuracy"] == 0.5
    assert "technique_f1" not in result.metrics["test"]
    recorded = result.metrics["test/philharmonia"]
    assert recorded["instrument_plus_20_db"] == recorded["instrument_accuracy"]
    assert recorded["instrument_white_20_db"] < 0.8
    assert result.baselines["test/philharmonia"]["mfcc+logistic"]["family_plus_20_db"] > 0.9
    assert not [name for part in ("test", "test/gm") for name in result.metrics[part] if "20_db" in name]
    slices = {s["slice"]: s for s in result.analysis["slices"]}
    assert [s["slice"] for s in result.analysis["slices"]] == [s.name for s in INSTRUMENT.outputs]
    assert slices["energy"]["clips"] == {"gm": 24}
    assert slices["register"]["never_heard"] == ["bass", "high_mid"]
    assert not slices["vibrato"]["trained"]
    assert all(not slices[name]["trained"] and slices[name]["evidence"] == "none" for name in UNTRAINED)
    confusion = result.analysis["confusion_family"]
    assert confusion["labels"] == ["strings_bowed", "woodwind_flute"]
    assert np.sum(confusion["counts"]) == 24


def test_what_no_label_taught_is_constant_in_the_exported_file(fitted: tuple[InstrumentRecognizer, Data]) -> None:
    module, data = fitted
    stored = RTNeuralModel.from_bytes(export_rtneural(module.export_network().eval(), INSTRUMENT))
    [heard] = heard_sounds([data.songs("test")[0].sound.frames], INSTRUMENT.features)
    outputs = np.stack([stored(frame) for frame in heard.inputs])
    assert np.abs(outputs[:, INSTRUMENT.output("instrument").index]).max() > 0.5
    whole = numpy_call(module.network)(heard.inputs[None])[0]
    assert np.allclose(outputs, whole, atol=1e-4)
    for name in {*TRAINED, *UNTRAINED} - {"family", "instrument", "register", "energy"}:
        assert (outputs[:, INSTRUMENT.output(name).index] == 0).all(), name


@pytest.mark.parametrize(("dilations", "stride"), [((4, 8), 4), ((2, 4), 2), ((1, 2), 1)])
def test_training_looks_at_every_fourth_frame_where_it_can(dilations: tuple[int, ...], stride: int) -> None:
    torch.manual_seed(0)
    module = InstrumentRecognizer(8, 4, dilations=dilations, hidden=8).eval()
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.weight.normal_()
    batch = InstrumentBatch(
        torch.randn(2, 21, 128), torch.rand(2, 21).round(), torch.zeros(2, 160), torch.zeros(2, 160)
    )
    outputs, weight = module._outputs(batch)
    torch.testing.assert_close(outputs, module.network(batch.x)[:, ::stride], atol=1e-4, rtol=1e-4)
    assert torch.equal(weight, batch.weight[:, ::stride])


def test_a_model_of_version_1_hears_sounds_as_they_are() -> None:
    calls: list[np.ndarray] = []

    def call(x: np.ndarray) -> np.ndarray:
        calls.append(x)
        return np.zeros((*x.shape[:2], 160), np.float32)

    for version, contract in (("1", INSTRUMENT.at("1")), ("2", INSTRUMENT)):
        calls.clear()
        data = Data(contract)
        InstrumentEvaluator()(call, {}, data, "test", data)
        frames = data.songs("test")[0].sound.frames.astype(np.float32)
        assert (calls[0].shape[1] == len(frames) and np.array_equal(calls[0][0], frames)) == (version == "1")
        assert abs(calls[0].mean()) > 7 if version == "1" else abs(calls[0].mean()) < 4


def test_only_known_slices_give_gradients() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(2, 5, 160, requires_grad=True)
    target, mask = (torch.from_numpy(np.stack(p)) for p in zip(encode(FLUTE), encode(CELLO), strict=True))
    weight = torch.ones(2, 5)
    weight[0, 3:] = 0
    sum(losses(outputs, target, mask, None, weight).values()).backward()
    moved = outputs.grad.abs().sum((1,)) > 0
    assert torch.equal(moved, mask > 0)
    assert (outputs.grad[0, 3:] == 0).all()


def test_losses_are_cross_entropies() -> None:
    outputs = torch.randn(2, 160)
    target, mask = (torch.from_numpy(np.stack(p)) for p in zip(encode(FLUTE), encode(CELLO), strict=True))
    found = losses(outputs, target, mask)
    wanted = torch.nn.functional.cross_entropy(outputs[:, :16], torch.tensor([7, 3]))
    assert found["family"].item() == pytest.approx(wanted.item(), abs=1e-6)
    energy = outputs[1:, INSTRUMENT.output("energy").index]
    assert found["energy"].item() == pytest.approx(
        torch.nn.functional.cross_entropy(energy, torch.tensor([5])).item(), abs=1e-6
    )
    assert found["technique"] == 0


def test_rare_places_count_more_within_a_limit() -> None:
    counts = torch.tensor([100.0, 25.0, 0.0])
    assert rarity(counts, 0.0).tolist() == [1, 1, 1]
    weights = rarity(counts, 0.5)
    assert weights[1] / weights[0] == pytest.approx(2.0)
    assert (weights * counts).sum() == pytest.approx(125.0)
    assert rarity(torch.tensor([1e6, 1.0]), 1.0)[1] == pytest.approx(8.0, rel=1e-4)


def test_scores_by_hand() -> None:
    assert macro_f1(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])) == pytest.approx((2 / 3 + 1 / 2) / 2)
    p = np.array([[0.4, 0.2, 0.4], [0.1, 0.2, 0.7]])
    assert median_place(p).tolist() == [1, 2]
    own = probabilities(np.zeros((1, 160)))
    found = score(own, [{"energy": 5}])
    assert found["energy_mae"] == 2.0
    assert set(found) == {"energy_accuracy", "energy_mae", "loss"}
    assert found["loss"] == pytest.approx(0.3 * np.log(8))


def test_baselines_know_no_more_than_training() -> None:
    data = Data()
    train, val = data.songs("train"), data.songs("val")
    fitted = fit_baselines(
        [c.sound.frames for c in train],
        [c.labels for c in train],
        [c.sound.frames for c in val],
        [c.labels for c in val],
    )
    test = data.songs("test")
    majority, logistic = (fitted[name]([c.sound.frames for c in test]) for name in ("majority", "mfcc+logistic"))
    assert majority["technique"].tolist() == [[1 / 16] * 16] * 24
    assert majority["energy"][0].argmax() == logistic["energy"][0].argmax() == 5
    rows, true = labelled("instrument", [c.labels for c in test])
    assert len(rows) == 24
    assert (logistic["instrument"].argmax(1) == true).mean() > 0.9
    for p in (majority, logistic):
        assert all(np.allclose(values.sum(1), 1) for values in p.values())


def test_sizes_and_settings() -> None:
    module = InstrumentRecognizer().eval()
    assert module.parameter_count < 500_000
    assert module.network.receptive_field() == 64
    assert module(torch.randn(2, 3, 128)).shape == (2, 3, 160)
    with pytest.raises(ConfigError, match="neighbour"):
        InstrumentRecognizer(neighbour=0.9)
    with pytest.raises(DataError, match="names no instrument"):
        InstrumentEvaluator()(lambda x: x, {}, SimpleNamespace(songs=lambda split: []), "test", Data())  # type: ignore[arg-type]
