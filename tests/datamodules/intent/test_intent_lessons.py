"""What a training step asks of a text: people's word, the rule's, the teacher's, and phrases by the teacher alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from datamodules.intent.lessons import taught
from datamodules.intent.phrases import phrases
from datamodules.intent.sentence_encoder import SIZE
from datamodules.intent.tuned_encoder import LABELLED, Opinions
from kmidi_lab.models.intent.features import COLUMNS, LABELS, Sentence

_SIDE = sum(COLUMNS[:3])


def always(texts: Sequence[str]) -> Opinions:
    """A teacher that says the same of every text: every label by 0.25, a valence of 0.5."""
    n = len(texts)
    labels, affect = np.full((n, LABELLED), 0.25, np.float16), np.tile(np.float16([0.5, 0, 0]), (n, 1))
    return Opinions(np.ones((n, SIZE), np.float16), labels, affect)


def test_each_text_has_the_lessons_of_those_who_know_it() -> None:
    sentences = [
        Sentence("1", "goemotions", "train", "so glad", ("happy",), ("joy",)),
        Sentence("2", "emobank", "train", "some news", affect=(-0.4, 0.1, 0.2)),
        Sentence("3", "xed", "train", "get out", side=("xed/anger",)),
        Sentence("4", "rules", "", "I'm not jolly", ("sad",), affect=(-0.4, 0.0, -0.2)),
    ]
    own = taught(sentences, always)
    assert own.texts[:4] == [s.text for s in sentences]
    for row in range(3):
        assert (own.target[row, :LABELLED] == 0.25).all() and (own.known[row, :LABELLED] == 1).all()
    assert own.target[0, LABELLED:_SIDE].sum() == 1  # the sub-emotion of joy, of which the teacher says nothing
    assert own.target[2, _SIDE:].sum() == 1 and not own.known[1, _SIDE:].any()
    assert own.target[3, : len(LABELS)].tolist() == [float(label == "sad") for label in LABELS]
    assert own.affect[:, 0].tolist()[:4] == pytest.approx([0.5, 0.05, 0.5, -0.4])  # half of -.4 and .5
    assert own.rated.tolist()[:4] == pytest.approx([1, 10, 1, 0.5])  # people's ratings are few
    assert (own.teacher == 1).all() and len(own.teacher) == len(own.texts)


def test_phrases_are_the_teachers_alone() -> None:
    sentences = [Sentence(str(at), "xed", "train", "what a lovely day", side=("xed/joy",)) for at in range(5)]
    own = taught(sentences, always)
    behind = slice(len(sentences), None)
    assert "lovely" in own.texts[behind] and not own.known[behind, LABELLED:].any()
    assert own.rated[behind].min() == own.rated[behind].max() == pytest.approx(0.5)


def test_phrases_are_words_pairs_negations_and_runs_of_sentences() -> None:
    long = "one two three four five six seven eight nine ten"
    made = phrases(["so glad!", "so glad", "so glad, you", "Glad to be", "glad", long])
    assert {"glad", "so", "so glad", "not glad", "don't glad"} <= set(made)
    assert not {"you", "glad you", "not so", "glad !"} & set(made)  # too rare, over a mark, or with one
    runs = [phrase for phrase in made if phrase in long]
    assert len(runs) == 1 and 3 <= len(runs[0].split()) <= 8
    assert made == sorted(set(made)) == phrases(["so glad!", "so glad", "so glad, you", "Glad to be", "glad", long])
