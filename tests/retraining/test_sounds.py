"""Labelled recordings as lessons: how they are found and heard, what they teach, and what they leave alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from support.labelled_sounds import labels_of, write_sounds
from torch import nn
from torch.nn import functional as F

from datamodules.emotion.ravdess import sound_of
from datamodules.shared.augmentation import Augmentation
from kmidi_lab import config
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.io import read_audio
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.audio.speaker import fresh
from kmidi_lab.contracts import EMOTION, INSTRUMENT
from kmidi_lab.emotion_embedding import read_scalars
from kmidi_lab.errors import DataError
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.published import release_root
from kmidi_lab.models.emotion.discriminants import OTHERS
from kmidi_lab.models.emotion.features import EmotionBatch, scalars_of
from kmidi_lab.models.emotion.feedback import VoiceFeedback
from kmidi_lab.models.emotion.hearing import adapted, spoken_means
from kmidi_lab.models.emotion.module import EmotionRecognizer
from kmidi_lab.models.emotion.predict import HeardEmotion
from kmidi_lab.models.instrument.features import INSTRUMENTS, InstrumentBatch
from kmidi_lab.models.instrument.feedback import PlayedFeedback
from kmidi_lab.models.instrument.module import InstrumentRecognizer
from kmidi_lab.models.instrument.predict import HeardInstruments
from kmidi_lab.nn.streaming import TorchModel
from kmidi_lab.retraining.gates import not_worse
from kmidi_lab.retraining.lessons import LeftOutError
from kmidi_lab.retraining.mixing import FeedbackMixer
from kmidi_lab.retraining.opening import TrainableRelease, lessons_of, listening, opened
from kmidi_lab.retraining.recordings import Recordings, hear
from kmidi_lab.retraining.sounds import SoundTraining

VOICE = {"channels": 8, "cepstra": 12, "recurrent": [10], "pretrain_epochs": [1], "dropout": 0.0}
PLAYED = {"channels": 8, "dilations": [4], "hidden": 6}
REQUESTS: dict[str, type[Listening]] = {"emotion": HeardEmotion, "instrument": HeardInstruments}


def _release(name: str) -> TrainableRelease:
    [cfg] = config.check([f"model={name}", "hardware=cpu"], False)
    return opened(cfg, release_root() or Path())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def voice() -> TrainableRelease:
    return _release("emotion")


@pytest.fixture(scope="module")
def played() -> TrainableRelease:
    return _release("instrument")


def _training(model: TrainableRelease) -> SoundTraining:
    assert isinstance(model.training, SoundTraining)
    return model.training


def _heard(model: TrainableRelease, folder: Path, wanted: set[str], lines: list[str]) -> Recordings:
    name = model.published.contract.model
    return hear(folder, wanted, listening(model, _training(model), REQUESTS[name]), lines.append)


@pytest.mark.parametrize("name", ["voice", "played"])
def test_a_recording_is_heard_as_predict_hears_it(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    """What the last layers make of what was heard is the mean output of the published file for that recording."""
    model: TrainableRelease = request.getfixturevalue(name)
    paths = write_sounds(tmp_path, 2)
    events = labels_of(paths, new_id(), model.published.contract.model, ["happy"] * 2)
    found = _heard(model, tmp_path, {event.item or "" for event in events}, [])
    for path, event in zip(paths, events, strict=True):
        said = REQUESTS[model.published.contract.model](path).output(model.published)
        own = model.training.outputs(model.module, found.input_of(event)[None])[0]
        assert own == pytest.approx(said, abs=1e-4)


def test_a_voice_is_heard_as_in_training(voice: TrainableRelease, tmp_path: Path) -> None:
    """The mean over the frames with speech that the evaluator takes, for a voice of which nothing was heard before."""
    [path] = write_sounds(tmp_path, 1)
    [event] = labels_of([path], new_id(), "emotion", ["sad"])
    found = _heard(voice, tmp_path, {event.item or ""}, [])
    trunk, _ = _training(voice).layers(voice.module)
    frames = log_mel(read_audio(path, RATE).astype(np.float32))
    means = spoken_means(TorchModel(trunk).fresh, *adapted([frames], fresh(1)))
    assert found.input_of(event) == pytest.approx(means[0], abs=1e-4)


def test_recordings_are_found_by_their_content_alone(voice: TrainableRelease, tmp_path: Path) -> None:
    there = tmp_path / "there"
    paths = write_sounds(there, 4)
    events = labels_of(paths, new_id(), "emotion", ["happy", "sad", "angry", "fear"])
    wanted = {event.item or "" for event in events}
    (there / "deep" / "er").mkdir(parents=True)
    shutil.move(paths[0], there / "deep" / "er" / "renamed.WAV")
    shutil.copy(paths[1], there / "twice.wav")
    paths[2].unlink()
    write_sounds(there, 3, seed=7)  # nobody labelled these
    damaged = there / "damaged.wav"
    damaged.write_bytes(b"RIFF of nothing")
    [bad] = labels_of([damaged], new_id(), "emotion", ["calm"])
    (tmp_path / "outside").mkdir()
    shutil.move(paths[3], tmp_path / "outside" / "3.wav")
    (there / "link.wav").symlink_to(tmp_path / "outside" / "3.wav")

    lines: list[str] = []
    found = _heard(voice, there, {*wanted, bad.item or ""}, lines)
    assert found.heard == sorted({events[0].item or "", events[1].item or ""})
    assert len(lines) == 2 and any("damaged.wav" in line for line in lines)
    assert any("link.wav: it leads out of the folder" in line for line in lines)
    for event, why in ((events[2], "not in retrain.recordings"), (bad, "can't be heard"), (events[3], "not in")):
        with pytest.raises(LeftOutError, match=why):
            found.input_of(event)
    with pytest.raises(DataError, match=r"retrain\.recordings=.*: no such folder"):
        _heard(voice, tmp_path / "nowhere", wanted, lines)


def test_recordings_that_the_original_data_judge_by_are_known_in_whatever_file(
    voice: TrainableRelease, tmp_path: Path
) -> None:
    """One of three is a clip of the frozen test, stored as FLAC, and one of another name but of other samples."""
    paths = write_sounds(tmp_path / "own", 3)
    samples, rate = soundfile.read(paths[1], dtype="int16")
    soundfile.write(tmp_path / "own" / "renamed.flac", samples, rate)
    paths[1].unlink()
    paths[1] = tmp_path / "own" / "renamed.flac"
    events = labels_of(paths, new_id(), "emotion", ["happy", "sad", "calm"])
    found = _heard(voice, tmp_path / "own", {event.item or "" for event in events}, [])
    lessons = lessons_of(voice, events, found)
    [judge] = write_sounds(tmp_path / "test", 2)[1:]
    clips = [
        Clip("a", "ravdess", "actor", {}, sound_of(path, Augmentation()))
        for path in (judge, *write_sounds(tmp_path, 1, 9))
    ]  # type: ignore[arg-type]
    judges = _training(voice).judges(SimpleNamespace(songs=lambda split: clips[:1] if split == "test" else clips[1:]))
    assert judges == {clip.sound.key for clip in clips}
    assert found.among(judges, lessons.x).tolist() == [False, True, False]
    assert not found.among({clips[1].sound.key}, lessons.x).any()


def test_labels_become_targets_and_what_is_none_is_counted(voice: TrainableRelease, tmp_path: Path) -> None:
    paths = write_sounds(tmp_path, 3)
    events = labels_of(paths, new_id(), "emotion", ["angry", "furious", "calm"])
    more = [
        Event(
            use=new_id(),
            model="emotion",
            action="accepted",
            item=events[0].item,
            choices={"song": "x"},
            output=[0.0] * 64,
        ),
        Event(use=new_id(), model="emotion", action="labelled", item="a" * 64, label="sad"),
        Event(use=new_id(), model="emotion", action="labelled", label="sad"),
    ]
    found = _heard(voice, tmp_path, {event.item or "" for event in events}, [])
    lessons = lessons_of(voice, [*events, *more], found)
    assert len(lessons) == 2 and lessons.x.shape == (2, 320)
    assert lessons.left_out == {
        "of a recording that is not in retrain.recordings": 2,
        "with a label that the model does not have": 2,
    }
    head, outputs = voice.module.head(), voice.training.outputs(voice.module, lessons.x)
    assert lessons.targets[:, 0].tolist() == [4, 1]
    strong = outputs @ head["intensity_weight"].T + head["intensity_bias"]
    chances = np.exp(strong) / np.exp(strong).sum(1, keepdims=True)
    assert lessons.targets[:, 1:3] == pytest.approx(chances, abs=1e-5)
    angry = chances[0] @ np.array([scalars_of(4, False), scalars_of(4, True)])
    assert lessons.targets[0, 3:6] == pytest.approx(angry, abs=1e-5)
    assert lessons.targets[:, 6] == pytest.approx(read_scalars(outputs)[:, 3], abs=1e-5)
    logits = outputs @ head["weight"].T + head["bias"]
    by_hand = [float(np.log(np.exp(row).sum()) - row[place]) for row, place in zip(logits, (4, 1), strict=True)]
    assert voice.training.losses(outputs, head, lessons.x, lessons.targets) == pytest.approx(by_hand, abs=1e-4)
    assert (
        voice.training.by_chance(outputs, head, lessons.x, lessons.targets, np.random.default_rng(0)).tolist()
        == [1 / 8] * 2
    )


def _voice_batch() -> EmotionBatch:
    generator = torch.Generator().manual_seed(1)
    label, intensity = F.one_hot(torch.tensor([0, 3, 7]), 8).float(), F.one_hot(torch.tensor([0, 1, 0]), 2).float()
    return EmotionBatch(
        torch.randn(3, 30, 128, generator=generator), torch.ones(3, 30), label, intensity, torch.zeros(3, 4)
    )


def test_lessons_of_a_voice_stand_below_a_batch_and_count_alike() -> None:
    """The loss is that of a batch whose clips' means are the lessons', whatever the frames are."""
    torch.manual_seed(0)
    one, training = EmotionRecognizer(**VOICE, early_weight=0.0).eval(), VoiceFeedback()  # type: ignore[arg-type]
    own = _voice_batch()
    x = np.random.default_rng(0).normal(0, 0.3, (2, 10)).astype(np.float32)
    targets = np.array([[2, 0.9, 0.1, 0.3, 0.2, 0.1, 0.5], [5, 0.2, 0.8, -0.3, 0.2, 0.1, 0.4]])
    mixed = training.below(own, training.batch(x, targets, own, np.random.default_rng(0)))
    assert len(mixed.label) == 5 and training.size(mixed) == 3
    assert mixed.label[3:].argmax(1).tolist() == [2, 5] and mixed.intensity[4].tolist() == pytest.approx([0.2, 0.8])
    trunk, rest = training.layers(one)
    whole = trunk(own.x)
    # Frames whose mean over the clip is what the lessons hold: then the two forms of a batch say the same.
    same = torch.cat([whole.mean(1), torch.from_numpy(x)])
    means = rest(same[:, None])[:, 0]
    losses = -(F.log_softmax(one.label(means @ one.seen), -1) * (0.9 * mixed.label + 0.1 / 8)).sum(-1)
    one.intensity_weight = one.reading_weight = one.free_weight = 0.0
    assert float(one.training_step(mixed, 0)) == pytest.approx(float(losses.mean()), rel=1e-5)


def test_lessons_of_an_instrument_say_nothing_of_how_it_is_played() -> None:
    torch.manual_seed(0)
    one, training = InstrumentRecognizer(**PLAYED, frame_weight=0.0).eval(), PlayedFeedback()  # type: ignore[arg-type]
    for layer in training.layers(one)[1].modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight)
    own = InstrumentBatch(torch.randn(2, 20, 128), torch.ones(2, 20), torch.zeros(2, 160), torch.zeros(2, 160))
    x = np.random.default_rng(0).normal(0, 1, (2, 12)).astype(np.float32)
    places = np.array([[INSTRUMENTS.index("viola")], [INSTRUMENTS.index("synthesizer")]], float)
    mixed = training.below(own, training.batch(x, places, own, np.random.default_rng(0)))
    known = [{s.name for s in INSTRUMENT.outputs if mixed.mask[row, s.index].any()} for row in (2, 3)]
    assert known == [{"family", "instrument"}, {"instrument"}]
    one.training_step(mixed, 0).backward()
    technique = INSTRUMENT.output("technique").index
    gradients = torch.cat([layer.weight.grad for layer in training.layers(one)[1].layers])  # type: ignore[union-attr]
    assert not gradients[technique].any() and gradients[INSTRUMENT.output("instrument").index].any()
    outputs = training.outputs(one, x)
    logits = outputs[:, INSTRUMENT.output("instrument").index]
    by_hand = np.log(np.exp(logits).sum(1)) - logits[np.arange(2), places[:, 0].astype(int)]
    assert training.losses(outputs, {}, x, places) == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.parametrize(("kind", "settings"), [(EmotionRecognizer, VOICE), (InstrumentRecognizer, PLAYED)])
def test_only_the_layers_behind_the_trunk_are_moved(kind: Any, settings: dict[str, Any]) -> None:
    training: SoundTraining = VoiceFeedback() if kind is EmotionRecognizer else PlayedFeedback()
    one = kind(**settings)
    one.start_from(training.frozen(one), 1.0, True)
    trunk, rest = training.layers(one)
    assert one.leaves(trunk) and not one.leaves(rest)
    one.trainer = SimpleNamespace(
        precision="32-true", estimated_stepping_batches=5,
        datamodule=SimpleNamespace(place_counts=lambda: torch.ones(160)),
    )  # fmt: skip
    one.setup("fit")
    before = {name: values.clone() for name, values in one.state_dict().items()}
    optimizer = one.configure_optimizers()["optimizer"]
    for group in optimizer.param_groups:
        group["lr"], group["weight_decay"] = 0.1, 0.5  # decay moves what no gradient does
    one.train()
    one._freeze()
    if kind is EmotionRecognizer:
        batch: Any = _voice_batch()._replace(heard=torch.randn(1, 10), label=F.one_hot(torch.tensor([0, 3, 7, 1]), 8).float(),
                                             intensity=torch.ones(4, 2) / 2, scalars=torch.zeros(4, 4))  # fmt: skip
    else:
        batch = InstrumentBatch(torch.randn(2, 20, 128), torch.ones(2, 20), torch.eye(160)[:2], torch.ones(2, 160))
    one.training_step(batch, 0).backward()
    optimizer.step()
    moved = {name for name, values in one.state_dict().items() if not torch.equal(values, before[name])}
    learning = {f"{n}.{w}" for n, p in one.named_modules() for w, _ in p.named_parameters(recurse=False)}
    inside = {id(p) for p in trunk.parameters()}
    assert moved and not {name for name, p in one.named_parameters() if id(p) in inside} & moved
    assert moved <= learning, "no statistics of batches"
    if kind is EmotionRecognizer:
        last, kept = one.network.get_submodule("9"), one.network.get_submodule("7")
        assert torch.equal(kept.weight[-OTHERS:], before["network.7.weight"][-OTHERS:])
        assert torch.equal(last.weight[:, -OTHERS:], before["network.9.weight"][:, -OTHERS:])
        assert not torch.equal(kept.weight[:-OTHERS], before["network.7.weight"][:-OTHERS])


@pytest.mark.parametrize("name", ["voice", "played"])
def test_the_mixer_draws_recordings_for_a_share_of_a_batch(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    model: TrainableRelease = request.getfixturevalue(name)
    label = "happy" if name == "voice" else "flute"
    paths = write_sounds(tmp_path, 3)
    events = labels_of(paths, new_id(), model.published.contract.model, [label] * 3)
    lessons = lessons_of(model, events, _heard(model, tmp_path, {event.item or "" for event in events}, []))
    own: Any = (
        _voice_batch()
        if name == "voice"
        else InstrumentBatch(*(torch.zeros(3, 20, 128), torch.ones(3, 20), *torch.zeros(2, 3, 160)))
    )
    mixed = FeedbackMixer(model.training, lessons, np.ones(3), 0.5, 1)(own, 0)
    assert mixed.heard.shape == (3, lessons.x.shape[1]) and len(mixed.x) == 3
    assert {row.tobytes() for row in mixed.heard.numpy()} <= {row.tobytes() for row in lessons.x}


def _clip(group: str, frames: np.ndarray, **labels: int) -> Any:
    return SimpleNamespace(group=group, labels=labels, sound=SimpleNamespace(frames=frames))


def test_the_frozen_test_of_an_instrument_counts_by_take() -> None:
    """Two clips of one take, one of another, and one whose instrument nobody knows."""
    frames = [np.full((4, 128), value, np.float32) for value in (0.0, 1.0, 2.0, 3.0)]
    clips = [
        _clip("a", frames[0], instrument=0),
        _clip("b", frames[1], instrument=3, energy=1),
        _clip("a", frames[2], instrument=1),
        _clip("c", frames[3], energy=2),
    ]
    data = SimpleNamespace(contract=INSTRUMENT.at("1"), songs=lambda split: clips if split == "test" else [])
    start = INSTRUMENT.output("instrument").start

    def call(x: np.ndarray) -> np.ndarray:
        outputs = np.zeros((*x.shape[:2], 160), np.float32)
        outputs[..., start] = x[..., 0]  # the first of 32 is likelier by the clip's number
        return outputs

    losses, weights = PlayedFeedback().test_losses(call, {}, data)
    a, b = [np.log(32), np.log(31 + np.exp(2))], np.log(31 + np.exp(1))
    assert losses == pytest.approx([np.mean(a), b]) and weights.tolist() == [2, 1]


def test_family_and_technique_of_an_instrument_have_gates_of_their_own() -> None:
    """Labels that spoil the technique alone are refused by its gate, which counts the clips with a technique."""
    clips = [
        _clip(f"take {number}", np.full((4, 128), number % 2, np.float32), instrument=0, **more)
        for number, more in enumerate([{}, {"technique": 1}, {"technique": 1}, {"technique": 1}])
    ]
    data = SimpleNamespace(contract=INSTRUMENT.at("1"), songs=lambda split: clips)
    start = INSTRUMENT.output("technique").start

    def call(x: np.ndarray, spoilt: float = 0.0) -> np.ndarray:
        outputs = np.zeros((*x.shape[:2], 160), np.float32)
        outputs[..., start] = spoilt
        return outputs

    before = PlayedFeedback().frozen_tests(call, {}, data)
    after = PlayedFeedback().frozen_tests(lambda x: call(x, 1.0), {}, data)
    assert list(before) == ["", "technique"] and len(before[""][0]) == 4 and len(before["technique"][0]) == 3
    made = {of: not_worse(loss, after[of][0], weights, 0.01, 1, of) for of, (loss, weights) in before.items()}
    assert {gate.name: gate.passed for gate in made.values()} == {
        "frozen test": True, "frozen test of the technique": False
    }  # fmt: skip
    assert "frozen test of the technique: loss 2.773 before" in str(made["technique"])


def test_the_frozen_test_of_a_voice_weighs_each_label_alike() -> None:
    frames = [np.full((4, 128), value, np.float32) for value in (0.0, 1.0, 2.0)]
    data = SimpleNamespace(
        contract=EMOTION.at("1"),
        songs=lambda split: [_clip("x", part) for part in frames],
        label_indices=lambda split: np.array([0, 0, 1]),
    )
    head = {"weight": np.eye(8, 64), "bias": np.zeros(8)}

    def call(x: np.ndarray) -> np.ndarray:
        outputs = np.zeros((*x.shape[:2], 64), np.float32)
        outputs[..., 0] = x[..., 0]
        return outputs

    losses, weights = VoiceFeedback().test_losses(call, head, data)
    by_hand = [np.log(8), np.log(7 + np.e) - 1, np.log(7 + np.exp(2))]
    assert losses == pytest.approx(by_hand, abs=1e-5) and weights.tolist() == [0.5, 0.5, 1.0]


@pytest.mark.parametrize(
    ("training", "kind", "settings"),
    [
        (VoiceFeedback(), EmotionRecognizer, {**VOICE, "cepstra": 48}),
        (VoiceFeedback(), EmotionRecognizer, {"channels": 8, "recurrent": [10, 6]}),
        (VoiceFeedback(), EmotionRecognizer, {"channels": 16, "first_kernel": 5, "kernel": 2, "dilations": [4, 8]}),
        (PlayedFeedback(), InstrumentRecognizer, PLAYED),
    ],
)
def test_sizes_of_a_network_are_read_from_what_a_card_says(training: Any, kind: Any, settings: dict[str, Any]) -> None:
    one = kind(**settings)
    again = kind(**training.module_settings(one.architecture))
    assert {n: v.shape for n, v in again.state_dict().items()} == {n: v.shape for n, v in one.state_dict().items()}
