"""What an answer says: labels and doubts by hand, the word list, the rules, and our own sentences."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import kmidi_lab
from kmidi_lab.contracts import INTENT
from kmidi_lab.emotion_embedding import encode_emotion
from kmidi_lab.inference.published import release_root
from kmidi_lab.models.intent.anchors import KINDS, choices, linear_map, probabilities, said_arc
from kmidi_lab.models.intent.conditions import CONDITIONS
from kmidi_lab.models.intent.features import LABELS, SUB_EMOTIONS, SUB_OF_FINE, SUBS
from kmidi_lab.models.intent.own_sentences import own_sentences, shares_right
from kmidi_lab.models.intent.reading import from_model, from_words
from kmidi_lab.models.intent.scores import best_cuts, f1, macro_f1, pearson
from kmidi_lab.song.vocabularies import ARCS, FEELS, MOODS, RULE_BREAKS, VULNERABILITY
from kmidi_lab.text.table import Known


def head(bias: list[float]) -> dict[str, np.ndarray]:
    """Heads that say the same of everything."""
    size = INTENT.output_size
    return {
        "weight": np.zeros((len(LABELS), size)), "bias": np.array(bias), "cut_bias": np.full(len(LABELS), -1.0),
        "sub_weight": np.zeros((len(SUB_EMOTIONS), size)), "sub_bias": np.zeros(len(SUB_EMOTIONS)),
    }  # fmt: skip


ALL = Known(1.0, 1.0)
SAD = [-3.0, 2.0, -3.0, 0.0, -3.0, -3.0, -3.0]


def test_an_answer_has_the_readings_and_the_label_farthest_above_its_cut() -> None:
    answer = from_model("so sad", ALL, encode_emotion(-0.7, -0.3, -0.4, 0.2), head(SAD))
    assert not answer.unsure and answer.label == "sad" and answer.source == "model"
    assert (answer.valence, answer.arousal, answer.dominance) == pytest.approx((-0.7, -0.3, -0.4), abs=1e-3)
    assert answer.complexity == pytest.approx(0.2) and answer.probabilities["sad"] == pytest.approx(0.8808, abs=1e-3)
    assert len(answer.embedding) == INTENT.output_size and answer.mood in ("Grief", "Melancholy", "Desperation")
    own = head(SAD)
    own["cut_bias"] = np.array([-9.0, *[-1.0] * 6])
    assert from_model("so sad", ALL, encode_emotion(-0.7, -0.3), own).label == "happy"


@pytest.mark.parametrize(
    ("text", "known", "bias", "why"),
    [
        ("?!", Known(0.0, 1.0), SAD, "no words"),
        ("3 2 1", Known(1.0, 1.0), SAD, "no words"),
        ("aaaaaaaa", ALL, SAD, "no words"),
        ("ich bin traurig", Known(0.3, 0.3), SAD, "another language"),
        ("the florb of a wug", Known(0.6, 0.0), SAD, "only 0% of its words are known"),
        ("so sad", ALL, [-3.0] * 7, "no feeling stands out"),
    ],
)
def test_a_doubtful_answer_is_unsure_and_neutral(text: str, known: Known, bias: list[float], why: str) -> None:
    answer = from_model(text, known, encode_emotion(-0.7, -0.3), head(bias))
    assert answer.unsure and why in answer.why and answer.label == "unsure"
    assert (answer.valence, answer.arousal, answer.dominance, answer.complexity) == (0, 0, 0, 0)
    assert not any(answer.embedding) and len(set(answer.probabilities.values())) == 1


NONSENSE = [
    "the florb of a wug is not in zib", "she was snorfling the blick", "i am so glorkened by the tharn", "it is a wibble for the dax",
    "there was a grolk in my flim", "what is the plonk of a quib", "we do not trell the vorp", "you are the krell of my zonk",
    "when will the zent be quarp", "they will frimble at the gant",
]  # fmt: skip


@pytest.mark.slow
def test_nonsense_among_the_small_words_of_english_is_unsure() -> None:
    """Two words in three are known, and none of those that say what it is about."""
    intent = kmidi_lab.load("intent", models_root=release_root())
    answers = [intent.predict(text) for text in NONSENSE]
    assert all(a.unsure and a.coverage >= 0.5 for a in answers), [(a.text, a.label) for a in answers if not a.unsure]
    for text in ("I am what I am", "this is not me", "I'm so happy with my new florb", "the wug is gone and I miss it"):
        assert not intent.predict(text).unsure, text


def test_the_word_list_answers_where_it_knows_a_word() -> None:
    assert from_words("a furious song").label == "angry" and from_words("a furious song").source == "word list"
    assert from_words("something peaceful").valence > 0
    assert from_words("qwertz").unsure and from_words("qwertz").why


def test_rules_name_all_that_the_song_form_has() -> None:
    assert choices("moods") == tuple(MOODS) and choices("arcs") == tuple(ARCS) and choices("feels") == tuple(FEELS)
    assert choices("vulnerability") == tuple(VULNERABILITY) and choices("rule_breaks") == tuple(RULE_BREAKS)
    for kind in KINDS:
        places = linear_map(kind)[:, :4] / 8
        assert np.abs(places).max() <= 1 and len(np.unique(places, axis=0)) == len(places)
        for name, place in zip(choices(kind), places, strict=True):
            p = probabilities(kind, place)
            assert max(p, key=p.__getitem__) == name and sum(p.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "arc"),
    [
        ("give me something that builds slowly from grief to hope", "Climb-to-Climax"),
        ("it should all at once explode", "Sudden Shift"),
        ("going in circles, over and over", "Repetitive Despair"),
        ("it rises and falls", "Rise and Fall"),
        ("spiralling out of control", "Spiral"),
        ("I feel lost", None),
        ("a building by the river", None),
    ],
)
def test_what_a_text_asks_for_in_words_counts_first(text: str, arc: str | None) -> None:
    assert said_arc(text) == arc
    if arc:
        assert from_words(text).arc == arc and from_words(text).arc_said


def test_the_labels_are_the_contracts() -> None:
    assert len(SUB_EMOTIONS) == 36 and len(LABELS) == 7 and all(len(subs) == 6 for subs in SUBS.values())
    assert set(SUB_OF_FINE.values()) <= set(SUB_EMOTIONS)


def test_there_are_200_sentences_of_our_own_and_each_can_be_answered() -> None:
    own = own_sentences()
    assert Counter(s.kind for s in own) == {"negation": 50, "music": 60, "plain": 30, "unsure": 60}
    assert len({s.text.lower() for s in own}) == 200
    assert all(set(s.labels) <= set(LABELS) or s.labels == ("unsure",) for s in own)
    assert set(shares_right([(s.labels[0], float(s.sign)) for s in own]).values()) == {1.0}
    assert shares_right([("happy", 1.0)] * 200)["own_unsure"] == 0


def test_scores_by_hand() -> None:
    said, true = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert f1(said, true) == 0.5 and f1(said & False, true & False) == 0
    p = np.array([[0.9, 0.2], [0.8, 0.1], [0.3, 0.7], [0.2, 0.3]])
    both = np.array([[True, False], [True, False], [False, True], [False, True]])
    cuts = best_cuts(p, both)
    assert macro_f1(p, both, cuts) == 1 and 0.29 < cuts[0] <= 0.8 and 0.2 < cuts[1] <= 0.3
    assert pearson(p[:, 0], -2 * p[:, 0]) == pytest.approx(-1) and pearson(p[:, 0], np.ones(4)) == 0


def test_conditions_change_a_text_and_nothing_else() -> None:
    text = "I'm feeling rather happy today, really!"
    changed = {name: change(text) for name, change in CONDITIONS.items()}
    assert changed["capitals"] == text.upper() and changed["no_marks"] == "I'm feeling rather happy today really"
    assert sorted(changed["mistyped"]) == sorted(text) and changed["mistyped"] == CONDITIONS["mistyped"](text)
    assert len(changed["among_500_words"].split()) == 500 and changed["among_50_words"].endswith(text)
