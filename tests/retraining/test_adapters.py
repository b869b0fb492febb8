"""An adapter learns a user's taste, exports as the same layers, belongs to one release, and leaves that as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import kmidi_lab
from kmidi_lab.errors import ConfigError, RegistryError
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.adapters import adapter_folder, with_adapter
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.models.groove.feedback import GrooveFeedback
from kmidi_lab.models.groove.module import GroovePredictor
from kmidi_lab.models.harmony.feedback import ChordFeedback
from kmidi_lab.models.harmony.module import HarmonyPredictor
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import TorchModel, from_reset
from kmidi_lab.retraining import adapting, raters
from kmidi_lab.retraining.adapting import Adapter, cross_validated, losses
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.raters import rated, rated_by_learnt
from kmidi_lab.retraining.training import FeedbackTraining
from tests.conftest import Cli

RELEASE = release_root()


def _chords(count: int, seed: int, raters: int = 1, random: int = 0) -> Lessons:
    """Who wants a dominant seventh on the second degree after everything, but for the last `random` raters."""
    rng = np.random.default_rng(seed)
    x = np.zeros((count, 128), np.float32)
    x[np.arange(count), 112 + rng.integers(12, size=count)] = 1.0
    x[np.arange(count), 64 + rng.integers(36, size=count)] = 1.0
    rater = np.arange(count) % raters
    joint = np.where(rater < raters - random, 2 * 8 + 4, rng.integers(96, size=count))
    targets = np.zeros((count, 100))
    targets[np.arange(count), joint] = 1.0
    return Lessons(x, targets, rater, tuple("abcdefghij"[:raters]), {})


def _bars(count: int, seed: int) -> Lessons:
    rng = np.random.default_rng(seed)
    x = np.zeros((count, 64), np.float32)
    x[:, :48] = rng.random((count, 48)) < 0.3
    x[:, 13] = 1.0
    return Lessons(x, np.tile([0.5] * 16 + [0.9] * 16, (count, 1)), np.zeros(count, int), ("a",), {})


CASES: list[tuple[Callable[[], LabModule], FeedbackTraining, Callable[[int, int], Lessons]]] = [
    (lambda: HarmonyPredictor(hidden=(16, 12)), ChordFeedback(), _chords),
    (lambda: GroovePredictor(inner=8, hidden=8), GrooveFeedback(), _bars),
]


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "STEPS", (10, 40))


@pytest.mark.slow
@pytest.mark.parametrize(("make", "training", "lessons"), CASES)
def test_it_learns_and_exports_as_the_same_layers(make, training, lessons) -> None:
    torch.manual_seed(0)
    module = make().eval()
    kept = {name: values.clone() for name, values in module.state_dict().items()}
    tried = cross_validated(module, training, lessons(40, 1), 0)
    assert tried.helps
    adapter = Adapter(module, training, 0)
    assert 0 < adapter.numbers < 600
    adapter.learn(lessons(40, 1), np.ones(40), tried.steps)
    merged, new = adapter.merged(), lessons(30, 2)
    assert losses(merged, training, new).mean() < 0.8 * losses(module, training, new).mean()
    assert losses(merged, training, new) == pytest.approx(adapter.losses(new), abs=1e-6)
    assert all(torch.equal(values, kept[name]) for name, values in module.state_dict().items())
    assert merged.state_dict().keys() == module.state_dict().keys()
    files = [export_rtneural(m.export_network().eval(), m.contract) for m in (module, merged)]
    shapes = [[(layer["type"], layer["shape"]) for layer in json.loads(data)["layers"]] for data in files]
    assert shapes[0] == shapes[1]
    reader, network = RTNeuralModel.from_bytes(files[1]), TorchModel(merged.export_network())
    for x in new.x[:8]:
        assert reader(x) == pytest.approx(network(x), abs=1e-4)


@pytest.mark.slow
def test_noise_is_no_taste() -> None:
    """What is answered at random is not better foretold by an adapter, whatever cross-validation chooses."""
    torch.manual_seed(0)
    module = HarmonyPredictor(hidden=(16, 12)).eval()
    helped = sum(
        cross_validated(module, ChordFeedback(), _chords(20, seed, 1, random=1), seed).helps for seed in range(2)
    )
    assert helped == 0


@pytest.mark.slow
def test_who_answers_anything_is_not_trusted_and_one_alone_is() -> None:
    torch.manual_seed(0)
    learner = Adapter(HarmonyPredictor(hidden=(16, 12)), ChordFeedback(), 0)
    learner.learn(_chords(60, 1), np.ones(60), 100)
    module = learner.merged()
    trust = [rater.weight for rater in rated(module, ChordFeedback(), _chords(60, 0, 4, random=1), 0)]
    assert min(trust[:3]) > 0.7
    assert trust[3] < 0.3
    assert [rater.weight for rater in rated(module, ChordFeedback(), _chords(30, 0, 1, random=1), 0)] == [1.0]


def test_what_is_held_out_does_not_tell_whom_to_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other answers of a held-out rater change the trust of all by all, and of those who are learnt from nothing."""
    monkeypatch.setattr(raters, "_STEPS", 5)
    torch.manual_seed(0)
    module, training, said = HarmonyPredictor(hidden=(16, 12)).eval(), ChordFeedback(), _chords(48, 0, 4, random=1)
    held = said.rater == 0
    other = replace(said, targets=np.where(held[:, None], np.roll(said.targets, 5, 1), said.targets))
    by_all = [rated(module, training, lessons, 0) for lessons in (said, other)]
    assert [one.weight for one in by_all[0][1:]] != [one.weight for one in by_all[1][1:]]
    first, second = (
        rated_by_learnt(module, training, lessons, ~held, all_of, 0)
        for lessons, all_of in zip((said, other), by_all, strict=True)
    )
    assert first[1:] != by_all[0][1:]
    assert [one.weight for one in first[1:]] == [one.weight for one in second[1:]]
    assert [one.events for one in first] == [12] * 4, "all that a rater has said is counted"
    assert (first[0], second[0]) == (by_all[0][0], by_all[1][0]), "in the gate a held-out rater weighs by all"
    alone = rated_by_learnt(module, training, said, said.rater == 1, by_all[0], 0)
    assert alone[1].weight == 1, "with nobody to compare with"


@pytest.fixture
def feedback(tmp_path: Path) -> Path:
    """A store of one who wants every chord to be a dominant seventh a fourth higher."""
    store = Store(tmp_path / "outputs" / "feedback.db")
    rng, use = np.random.default_rng(0), new_id()
    events = []
    for number in range(40):
        x = np.zeros(128)
        x[[64 + int(rng.integers(36)), 112, 124]] = 1.0
        changed = {"root": 5, "quality": 4}
        held = {"action": "changed", "changed_to": changed, "time": 1_700_000_000 + number}
        events.append(Event(use=use, model="harmony", input=x.tolist(), **held))
    store.add(events)
    return store.path


@pytest.mark.slow
@pytest.mark.skipif(RELEASE is None, reason="needs the released models")
def test_made_asked_replaced_and_refused_for_another_release(called: Cli, feedback: Path, tmp_path: Path) -> None:
    assert RELEASE is not None
    released = {path: path.read_bytes() for path in RELEASE.glob("harmony*")}
    make = ("task=adapt", "model=harmony", f"models_root={RELEASE}")
    ask = (
        "task=predict",
        "model=harmony",
        f"models_root={RELEASE}",
        "predict.chords=C",
        "predict.key=C",
        "predict.top=1",
    )
    made = called(*make)
    assert made.returncode == 0, made.stderr
    assert "all of them wish for the same answer" in made.stdout
    after = called(*ask, "predict.adapter=mine")
    assert "F7" in after.stdout, after.stderr
    assert "F7" not in called(*ask).stdout
    folder = adapter_folder("mine", "harmony", tmp_path / "outputs")
    held = json.loads((folder / "adapter.json").read_bytes())
    assert held["numbers"] < 600
    assert held["loss_adapted"] < held["loss_released"]
    assert {path: path.read_bytes() for path in RELEASE.glob("harmony*")} == released
    [version] = [path for path in folder.iterdir() if path.is_dir()]
    assert called(*make, "seed=2").returncode == 0
    assert [path for path in folder.iterdir() if path.is_dir()] != [version]
    assert len(list(folder.iterdir())) == 2
    own = kmidi_lab.load("harmony", RELEASE, adapter=folder)
    assert own.predict("C", key="C", top=1)[0].chord == "F7"

    published = load_published(RELEASE, "harmony")
    assert published is not None
    held = json.loads((folder / "adapter.json").read_bytes())
    onnx = folder / next(name for name in held["files"] if name.endswith(".onnx"))
    good = onnx.read_bytes()
    onnx.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(RegistryError, match="half-written or changed"):
        with_adapter(published, folder)
    onnx.write_bytes(good)
    for change, why in (
        ({"base": {**held["base"], "harmonypredictor.json": "0" * 64}}, "made for another version"),
        ({"model": "groove"}, "an adapter of model=groove"),
        ({"files": {"../../harmonypredictor.onnx": "0" * 64}}, "leaves the folder"),
        ({"format": "kmidi-adapter-9"}, "no adapter"),
    ):
        (folder / "adapter.json").write_text(json.dumps({**held, **change}))
        with pytest.raises((ConfigError, RegistryError), match=why):
            with_adapter(published, folder)


@pytest.mark.slow
@pytest.mark.skipif(RELEASE is None, reason="needs the released models")
def test_what_no_adapter_is_made_of(called: Cli, feedback: Path, tmp_path: Path) -> None:
    def refused(*words: str, code: int = 2) -> str:
        model = () if any(word.startswith("model=") for word in words) else ("model=harmony",)
        done = called(*model, f"models_root={RELEASE}", *words)
        assert done.returncode == code, done.stderr
        return done.stderr

    said = refused("task=adapt", "model=melody")
    assert "can't learn from feedback: its input is one note" in said and "allowed: groove, harmony, intent" in said
    assert "0 events can be learnt from; 10 are needed" in refused("task=adapt", f"adapt.use={'0' * 32}")
    assert "adapt.use=me must be 32 hex digits" in refused("task=adapt", "adapt.use=me")
    assert "adapt.name is empty" in refused("task=adapt", "adapt.name=''")
    for name in ("a.b", "../evil", "a/b"):
        assert "must be 1 to 40" in refused("task=adapt", f"adapt.name={name}")
    assert "no feedback there" in refused("task=adapt", "adapt.feedback=nothing.jsonl")
    assert "no adapter there" in refused("task=predict", "predict.adapter=x")
    assert not (tmp_path / "outputs" / "adapters").exists()


def test_from_reset_is_the_first_call_of_a_stream() -> None:
    torch.manual_seed(0)
    network = GroovePredictor(inner=8, hidden=8).eval().network
    x = _bars(3, 0).x
    assert from_reset(network)(x)[1] == pytest.approx(TorchModel(network)(x[1]), abs=1e-6)
