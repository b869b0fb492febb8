"""What intent learns from labels, corrections and rejections, by hand-made events on the released model's own files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig

from kmidi_lab import config
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.inference.published import release_root
from kmidi_lab.models.intent.features import LABELS, IntentBatch
from kmidi_lab.models.intent.feedback import FeelingFeedback
from kmidi_lab.models.intent.reading import label_logits
from kmidi_lab.nn.streaming import from_reset
from kmidi_lab.retraining.adapting import Adapter, losses
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.mixing import FeedbackMixer
from kmidi_lab.retraining.opening import TrainableRelease, lessons_of, opened

TEXTS = ("I miss the sea", "what a wonderful day", "leave me alone", "she left and I cry")


@pytest.fixture(scope="module")
def model() -> TrainableRelease:
    [cfg] = config.check(["model=intent", "hardware=cpu"], False)
    assert isinstance(cfg, DictConfig)
    return opened(cfg, release_root() or Path())


def _events(model: TrainableRelease, **held: object) -> list[Event]:
    table = model.published.table
    assert table is not None
    return [
        Event(**{"use": new_id(), "model": "intent", "action": "labelled", "item": "a" * 64, "label": "sad", "time": at,
                 "input": table.vector(text).tolist(), **held})
        for at, text in enumerate(TEXTS)
    ]  # fmt: skip


def test_the_released_weights_that_feedback_trains_are_read_back(model: TrainableRelease) -> None:
    """The network beside the ONNX file, the table beside the bytes of its file, the cuts beside the head file."""
    x = np.stack([event.input for event in _events(model)]).astype(np.float32)
    ours = from_reset(model.module.network)(x)
    assert ours == pytest.approx(np.concatenate([model.published.call(row[None]) for row in x]), abs=1e-5)
    own, released = model.module.table(), model.published.table
    assert own is not None and released is not None
    assert (own.steps == released.steps).all() and (own.words == released.words).all()
    assert model.module.head()["cut_bias"] == pytest.approx(model.published.head["cut_bias"], abs=1e-5)


def test_labels_corrections_and_rejections_are_read(model: TrainableRelease) -> None:
    first = _events(model)[0]
    said = model.published.call(np.array([first.input], np.float32))[0]
    likeliest = int((label_logits(said, model.published.head) - model.published.head["cut_bias"]).argmax())
    lessons = lessons_of(model, [
        replace(first, event=new_id(), time=1),
        replace(first, event=new_id(), time=2, action="changed", label="fear"),
        replace(first, event=new_id(), time=3, action="accepted", label=None, output=said.tolist()),
        replace(first, event=new_id(), time=4, action="rejected", label=None, choices={"chosen": "angry"}),
        replace(first, event=new_id(), time=5, label="blue"),
        replace(first, event=new_id(), time=6, input=[1.0] * 128),
        replace(first, event=new_id(), time=7, action="changed", label=None, changed_to=[0.5] * 3),
    ])  # fmt: skip
    assert lessons.targets.sum(1).tolist() == [1, 1, 1, -1]
    assert np.abs(lessons.targets).argmax(1).tolist() == [1, 3, likeliest, 2]
    assert sorted(lessons.left_out) == [
        "changed to other than 64 numbers",
        "with a label that is none of happy, sad, angry, fear, surprise, disgust, neutral",
        "with an input that is no text's vector, of length 1",
    ]


def test_the_loss_is_that_of_the_labels_which_are_allowed() -> None:
    head = {"weight": np.eye(7, 64, dtype=np.float32), "bias": np.zeros(7, np.float32), "cut_bias": np.zeros(7)}
    outputs = np.zeros((2, 64))
    outputs[:, 0] = np.log(3.0)  # 3/4 for happy beside six halves, 3.75 in all
    targets = FeelingFeedback().targets(np.array([[0.0], [0.0]]), np.array([True, False]), outputs, head)
    found = FeelingFeedback().losses(outputs, head, np.zeros((2, 128)), targets)
    assert found == pytest.approx([-np.log(0.75 / 3.75), -np.log(3.0 / 3.75)])


def _batch(model: TrainableRelease) -> IntentBatch:
    """Two texts of two and three rows, the second with a label."""
    known = torch.zeros(2, 87)
    known[1, :7] = 1
    assert known.shape[1] == sum(head.out_features for head in model.module.heads)  # type: ignore[union-attr,operator]
    return IntentBatch(
        torch.tensor([3, 9, 4, 5, 6]), torch.tensor([0, 2]), torch.ones(5), known.clone(), known, torch.zeros(2, 3),
        torch.zeros(2), torch.zeros(2, 384),
    )  # fmt: skip


def test_vectors_of_feedback_stand_below_the_texts_of_a_batch(model: TrainableRelease) -> None:
    lessons = lessons_of(model, _events(model))
    own = _batch(model)
    mixed = FeedbackMixer(model.training, lessons, np.ones(4), 0.6, 1)(own, 0)
    assert len(mixed.starts) == len(mixed.target) == len(mixed.teacher) == 2 + 3
    vectors = model.module.vectors(mixed)  # type: ignore[operator]
    assert torch.equal(vectors[:2], model.module.vectors(own))  # type: ignore[operator]
    learnt = {tuple(np.round(row, 5)) for row in lessons.x}
    assert {tuple(np.round(row, 5)) for row in vectors[2:].detach().numpy()} <= learnt
    assert mixed.target[2:, :7].sum().item() == 3 and mixed.known[2:].sum().item() == 3 * 7
    rejected = lessons_of(model, _events(model, action="rejected", label=None, choices={"chosen": "sad"}))
    batch = model.training.batch(rejected.x, rejected.targets, own, np.random.default_rng(0))
    assert batch.known.sum(1).tolist() == [1.0] * 4 and not batch.target.any()


def test_an_adapter_learns_what_a_user_calls_a_feeling(model: TrainableRelease) -> None:
    lessons: Lessons = lessons_of(model, _events(model, label="disgust"))
    adapter = Adapter(model.module, model.training, 1)
    before = losses(model.module, model.training, lessons)
    adapter.learn(lessons, np.ones(len(lessons)), 20)
    assert (adapter.losses(lessons) < before).all()
    assert adapter.numbers == CONTRACTS["intent"].output_size * 2 + 256
    merged = adapter.merged()
    assert losses(merged, model.training, lessons) == pytest.approx(adapter.losses(lessons), abs=1e-4)
    assert LABELS[5] == "disgust"
