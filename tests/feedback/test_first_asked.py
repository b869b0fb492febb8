"""What decides which item is asked about first: what is labelled, how unsure the model is; and what can't be ranked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from kmidi_lab.errors import ConfigError
from kmidi_lab.feedback.asking import doubt
from kmidi_lab.feedback.labels import Labels
from kmidi_lab.feedback.material import WAYS, Asker, Item, check_way, material, ranked
from kmidi_lab.feedback.store import Store
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.models.intent.predict import FeelingOf
from kmidi_lab.tasks.asking import to_ask

LINES = ("I am so happy today", "He never came home and I cry", "The bus leaves at nine", "What a disgusting lie")


@pytest.fixture
def intent(tmp_path: Path) -> Asker:
    """The released model, which is asked about LINES in the folder `texts`."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("\n".join(LINES))
    published = load_published(release_root() or Path(), "intent")
    assert published is not None
    return Asker(FeelingOf, published)


@pytest.mark.parametrize("by", ["information", "far"])
def test_what_is_like_many_stored_labels_is_not_asked_first(intent: Asker, tmp_path: Path, by: str) -> None:
    cfg = OmegaConf.create({"task": "queue", "data": {"root": str(tmp_path / "texts")}})
    labels = Labels(Store(tmp_path / "feedback.db"), "intent")
    first = to_ask(cfg, intent, by, 4, labels)[0]
    assert first.question.vector is not None
    held = [float(x) for x in first.question.vector]
    for number in range(30):
        labels.put(labels.rater("ann"), f"{number:064x}", "sad", 1_790_000_000, input=held)
    again = to_ask(cfg, intent, by, 4, labels)
    assert again[0].source != first.source and again[-1].source == first.source


def test_doubt_is_the_root_of_one_less_the_lead() -> None:
    assert doubt(np.array([[0.68, 0.32], [0.5, 0.5], [1.0, 0.0]])) == pytest.approx([0.8, 1.0, 1e-6])


def test_what_is_not_finite_is_left_out_and_the_rest_of_its_file_is_ranked(
    intent: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, read, asked = tmp_path / "texts", FeelingOf.questions, FeelingOf.asked

    def questions(path, published):
        for question in read(path, published):
            spoilt = np.full_like(question.vector, np.nan) if question.place == "2" else question.vector
            yield replace(question, vector=spoilt)

    def answer(question, published):
        guess = asked(question, published)
        return replace(guess, chances=guess.chances * np.inf) if question.place == "3" else guess

    monkeypatch.setattr(FeelingOf, "questions", questions)
    monkeypatch.setattr(FeelingOf, "asked", answer)
    refused: list[str] = []
    items = list(material(intent, folder, refused.append, set()))
    assert [item.source for item in items] == ["a.txt:1", "a.txt:4"]
    assert refused == [f"{folder / 'a.txt'}:{n}: what the model is given or answers is not finite" for n in (2, 3)]
    assert np.isfinite([item.score for item in ranked(items, "information", 2)]).all()


@pytest.mark.parametrize("by", ["margin", "entropy", "information", "far"])
def test_a_model_of_one_label_is_refused(by: str) -> None:
    guess = Guess(np.zeros(1, np.float32), np.ones(1), ["only"])
    with pytest.raises(ConfigError, match="the model knows only 'only'; choose a model"):
        ranked([Item(Question("a" * 64), "a", guess)], by, 1)


def test_ways_that_compare_items_are_refused_without_diversity(intent: Asker, tmp_path: Path) -> None:
    cfg = OmegaConf.create({"task": "queue", "data": {"root": str(tmp_path / "texts")}})
    labels = Labels(Store(tmp_path / "feedback.db"), "intent")
    with pytest.raises(
        ConfigError, match=r"^queue.diverse=false is not allowed with queue.by=information, .* Allowed: "
    ):
        to_ask(cfg, intent, None, 2, labels, diverse=False)
    assert len(to_ask(cfg, intent, "margin", 2, labels, diverse=False)) == 2
    refused = []
    for way in WAYS:
        try:
            check_way(way, 1, diverse=False)
        except ConfigError:
            refused.append(way)
    assert refused == ["information", "far"]
