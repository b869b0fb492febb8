"""Models of both versions of emotion's contract are asked and scored with the frames that they were made for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.declared_metrics import assert_declared

from kmidi_lab import load
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.audio.front_end import heard
from kmidi_lab.audio.mel import log_mel
from kmidi_lab.contracts import EMOTION, Contract
from kmidi_lab.inference.listener import Reading
from kmidi_lab.inference.published import Published
from kmidi_lab.models.emotion.evaluation import EmotionEvaluator
from kmidi_lab.models.emotion.features import EMOTIONS
from kmidi_lab.models.emotion.hearing import Call, answers, mean_embeddings
from kmidi_lab.models.emotion.module import EmotionRecognizer
from kmidi_lab.models.emotion.predict import HeardEmotion


def voice(seconds: float = 1.5) -> np.ndarray:
    t = np.arange(int(seconds * 16000)) / 16000
    tone = np.sin(2 * np.pi * (150 + 40 * np.sin(5 * t)) * t) * (1 + np.sin(9 * t)) / 2
    return np.concatenate([np.zeros(4000), 0.1 * tone]).astype(np.float32)


class Listens:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.inputs: list[np.ndarray] = []

    def reset(self) -> None:
        self.inputs.clear()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.inputs.append(x)
        return np.full(64, x.mean(), np.float32)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_recording_and_live_sound_become_the_frames_of_the_version(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract, model, reader = EMOTION.at(version), Listens(), []
    published = Published(contract, {}, {}, model, Path())  # type: ignore[arg-type]

    def read(mean: np.ndarray) -> Reading:
        reader.append(mean)
        return Reading({}, {})

    monkeypatch.setattr(HeardEmotion, "reader", lambda self, published: read)
    inputs, speech = heard(log_mel(voice()), contract.features)

    class Session:
        model = "emotion"

        def say(self, line: str) -> bool:
            return True

    HeardEmotion(voice(), rate=16000).run(published, Session())  # type: ignore[arg-type]
    assert np.array_equal(np.stack(model.inputs), inputs)
    assert reader[-1][0] == pytest.approx(inputs[speech].mean(1).mean(), abs=1e-5)
    stream = HeardEmotion.stream(published, rate=16000)
    for block in np.array_split(voice(), 7):
        stream.push(block)
    assert np.allclose(np.stack(stream._published.model.inputs), inputs, atol=1e-5)


def test_the_released_model_answers(repo: Path) -> None:
    model = load("emotion", repo / "outputs" / "release")
    loud, soft = (model.predict(audio=gain * voice(3), rate=16000).summary.values for gain in (1.0, 0.25))
    assert set(loud) == {"valence", "arousal", "dominance", "complexity"}
    assert isinstance(model, object) and all(np.isfinite(v) for v in (*loud.values(), *soft.values()))


class Data:
    """Clips of frames whose tilt is their label."""

    vocabulary = EMOTIONS

    def __init__(self, contract: Contract) -> None:
        rng, self.contract = np.random.default_rng(0), contract
        places = np.repeat(np.arange(8), 3)
        clips = []
        for at, k in enumerate(places):
            level = np.where(np.arange(80) % 20 < 10, -9.0, -4.0)[:, None]
            frames = level + 0.1 * k * np.linspace(-1, 1, 128) + 0.05 * rng.standard_normal((80, 128))
            labels = {"emotion": int(k), "strong": False, "female": False}
            clips.append(Clip(str(at), "made", "abc"[at % 3], labels, Sound(frames)))
        self.clips = clips

    def songs(self, split: str) -> list[Clip]:
        return self.clips

    def label_indices(self, split: str) -> np.ndarray:
        return np.array([c.labels["emotion"] for c in self.clips], np.int64)

    def conditions(self, split: str) -> dict[str, list[np.ndarray]]:
        return {name: [c.sound.frames + 3 for c in self.clips] for name in ("plus_20_db", "room_tone_around")}


def test_scores_say_how_it_does_behind_other_speech_and_in_other_conditions() -> None:
    calls: list[np.ndarray] = []

    def call(x: np.ndarray) -> np.ndarray:
        calls.append(x)
        return np.repeat(x.mean(-1, keepdims=True), 64, -1)

    head = {"weight": np.zeros((8, 64)), "bias": np.eye(8)[2]}
    result = EmotionEvaluator()(call, head, Data(EMOTION), "test", Data(EMOTION))
    assert_declared(EmotionEvaluator(), result)
    own = result.metrics["test"]
    for name in ("uar_after_5_s", "uar_after_30_s", "uar_plus_20_db", "uar_room_tone_around_after_15_s"):
        assert own[name] == 1 / 8
        assert result.baselines["test"]["majority"][name] == 1 / 8
    # What differs in level alone is the same to a baseline, too, which hears what the network does.
    rival = result.baselines["test"]["mfcc+logistic"]
    assert rival["uar_plus_20_db"] == rival["uar_room_tone_around"] == rival["uar"] > 0.5 > rival["uar_after_30_s"]
    assert "uar_hum" not in own
    inputs, _ = heard(Data(EMOTION).clips[0].sound.frames, EMOTION.features)
    assert np.allclose(calls[0][0], inputs, atol=1e-5)
    # A louder copy is the same to the model, and what was heard before changes what it gets.
    whole = [x[0] for x in calls if x.shape[:2] == (24, 80)]
    assert [np.allclose(x, inputs, atol=1e-4) for x in whole] == [True, False, False, False, True, False, True, False]
    before = EmotionEvaluator()(call, head, Data(EMOTION.at("1")), "test", Data(EMOTION.at("1"))).metrics["test"]
    assert not [name for name in before if "after_5" in name or "db" in name]


class Voices:
    """Clips of two labels by four speakers."""

    contract, vocabulary = EMOTION, EMOTIONS

    def songs(self, split: str) -> list[Clip]:
        rng = np.random.default_rng(len(split))
        syllables = 3 * np.sin(np.arange(40) / 3)[:, None]
        sounds = [(rng.normal(-6 + 2 * (i % 2), 1, (40, 128)) + syllables).astype(np.float32) for i in range(12)]
        return [Clip(str(i), "x", f"{split} {i % 4}", {}, Sound(f, (), str(i))) for i, f in enumerate(sounds)]

    def label_indices(self, split: str) -> np.ndarray:
        return np.arange(12) % 2


def test_what_sounds_like_the_training_is_learnt_from_clips_heard_first_and_later() -> None:
    module, data = EmotionRecognizer(channels=4, dilations=[1]).eval(), Voices()
    with torch.no_grad():  # so sure of the two labels there are that one scale suits best
        module.label.bias.copy_(torch.tensor([2.0, 2, 0, 0, 0, 0, 0, 0]))
    call, before = numpy_call(module.export_network()), module.head()["weight"].copy()
    module.calibrate(call, data)  # type: ignore[arg-type]
    assert module.outliers is not None
    # The labels' head is as sure as the clips of validation allow, and is not scaled again.
    after = module.head()["weight"]
    scale = after[0, 0] / before[0, 0]
    assert np.allclose(after / before, scale, rtol=1e-3) and not np.allclose(after, before) and 0.2 < scale < 5
    module.calibrate(call, data)  # type: ignore[arg-type]
    assert np.allclose(module.head()["weight"], after, rtol=0.03)
    val = mean_embeddings(call, data, "val")  # type: ignore[arg-type]
    assert len(val) == 24
    assert not np.array_equal(val[:12], val[12:])
    assert module.outliers.means.shape == (2, 64)
    assert (module.outliers.distance(val) > 1).sum() == 2  # one in twenty, and the quantile's own
    old = EmotionRecognizer(channels=4, dilations=[1])
    old.use_contract("1")
    old.calibrate(call, data)  # type: ignore[arg-type]
    assert old.outliers is None


def test_labels_are_as_sure_as_the_folds_test_speakers_allow() -> None:
    class Fold(Voices):
        def __init__(self, first: int) -> None:
            self.first = first

        def label_indices(self, split: str) -> np.ndarray:
            return np.full(12, self.first) if split == "test" else super().label_indices(split)

    def network(bias: float) -> tuple[EmotionRecognizer, Call]:
        module = EmotionRecognizer(channels=4, dilations=[1]).eval()
        with torch.no_grad():  # the labels follow from nothing but the bias, so that scales can be worked out by hand
            module.label.weight.zero_()
            module.label.bias.copy_(torch.tensor([bias, 0, 0, 0, 0, 0, 0, 0]))
        return module, numpy_call(module.export_network())

    module, call = network(1.0)
    folds = [(*network(1.0), Fold(label)) for label in (0, 0, 1)]
    [note] = module.calibrate(call, Voices(), iter(folds))  # type: ignore[arg-type]
    # Two of three clips have the first label: its share exp(s) / (exp(s) + 7) is to be 2/3, so that exp(s) is 14.
    assert np.allclose(module.head()["bias"][:2], [np.log(14), 0], rtol=0.03)
    # Without the first or second fold its share is to be half (exp(s) = 7), without the third as large as may be.
    sure, half = np.exp(5) / (np.exp(5) + 7), 0.5
    wrong = (24 * (1 - half) + 12 * sure) / 36  # by bins: half and half with all right, the largest with none right
    assert note.text.count(f"{wrong:.3f}") == 2 and "36 test clips of 3 folds" in note.text
    # Without folds validation says it, where half of the clips have the first label; the network's own is not touched.
    assert module.calibrate(*network(1.0)[1:], Voices()) == []  # type: ignore[arg-type]
    assert np.allclose(folds[0][0].head()["bias"][:2], [1, 0])


def test_clips_are_answered_together_as_alone() -> None:
    rng = np.random.default_rng(0)
    inputs = [rng.normal(0, 1, (length, 128)).astype(np.float32) for length in rng.integers(3, 50, 70)]
    sizes: list[int] = []

    def call(x: np.ndarray) -> np.ndarray:
        sizes.append(len(x))
        return np.cumsum(x, 1)[..., :64]  # what came before counts, as in a recurrent network

    for out, x in zip(answers(call, inputs), inputs, strict=True):
        assert np.allclose(out, np.cumsum(x, 0)[:, :64], atol=1e-4)
    assert sizes == [32, 32, 6]


@pytest.mark.parametrize(("p", "doubt"), [(0.34, "no label stands out (fear has 0.34, 0.35 is needed)"), (0.36, "")])
def test_a_label_that_does_not_stand_out_is_unsure(p: float, doubt: str) -> None:
    assert HeardEmotion(voice()).doubt(Reading({}, {"label": ("fear", p), "intensity": ("strong", 0.6)}), 2.0) == doubt
