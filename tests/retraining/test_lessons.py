"""Which events can be learnt from, and what of each; by hand-made events of two models."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.models.groove.feedback import GrooveFeedback
from kmidi_lab.models.harmony.feedback import ChordFeedback
from kmidi_lab.models.intent.feedback import FeelingFeedback
from kmidi_lab.retraining.lessons import Lessons, read_lessons
from kmidi_lab.text.table import Table

HARMONY, GROOVE = CONTRACTS["harmony"], CONTRACTS["groove"]
ME, OTHER = new_id(), new_id()
OURS, THEIRS = "a" * 64, "b" * 64
_OUT = {s.name: s.index for s in HARMONY.outputs}


def _head() -> dict[str, np.ndarray]:
    return {"weight": np.eye(96, 28, dtype=np.float32), "bias": np.zeros(96, np.float32)}


def _in_key(tonic: int) -> list[float]:
    x = np.zeros(HARMONY.input_size)
    x[HARMONY.input("key_tonic").index.start + tonic] = 1.0
    return x.tolist()


def _said(joint: int) -> list[float]:
    """An output whose likeliest chord is that class."""
    y = np.zeros(HARMONY.output_size)
    y[_OUT["chord_embedding"].start + joint] = 9.0
    return y.tolist()


def _event(**held: object) -> Event:
    return Event(
        **{"use": ME, "model": "harmony", "action": "accepted", "input": _in_key(2), "output": _said(4), **held}
    )


def _chords(*events: Event) -> Lessons:
    training = ChordFeedback()
    return read_lessons(
        [replace(event, time=1_700_000_000 + i) for i, event in enumerate(events)], HARMONY, {OURS},
        lambda judged: training.answer(judged, _head()),
        lambda answers, liked, x: training.targets(answers, liked, np.zeros((len(x), 64)), _head()),
        training.REJECTIONS,
    )  # fmt: skip


def test_answers_that_are_all_the_same_are_told() -> None:
    """A chord counts by its place in the key, and a rejection by itself says nothing of what is wished for."""
    in_c = _event(action="changed", label="G7", input=_in_key(0))
    assert _chords(_event(action="changed", label="A7"), in_c).alike
    assert not _chords(_event(action="changed", label="A7"), in_c, _event(output=_said(8))).alike
    assert not _chords(*[_event(action="rejected", output=_said(8), artefact=OURS)] * 3).alike


def test_what_was_taken_or_given_instead_is_the_target() -> None:
    changed = {"action": "changed"}
    lessons = _chords(
        _event(),
        _event(**changed, label="A7"),
        _event(**changed, changed_to={"root": 9, "quality": 4}),
        _event(action="rated", rating=5, output=_said(8)),
        _event(action="accepted", label="Em7"),
    )
    assert lessons.left_out == {}
    assert lessons.targets[:, :96].argmax(1).tolist() == [4, 60, 60, 8, 2 * 8 + 6]
    assert (lessons.targets[:, :96].max(1) == 1).all()
    assert not lessons.alike and not _chords(_event()).alike, "one alone is like nothing"
    batch = ChordFeedback().batch(lessons.x, lessons.targets, None, np.random.default_rng(0))
    assert batch.joint.tolist() == [4, 60, 60, 8, 22]
    assert batch.root.tolist() == [2, 9, 9, 3, 4]
    assert batch.quality.tolist() == [4, 4, 4, 0, 6]


def test_a_rejected_chord_leaves_the_models_own_others() -> None:
    lessons = _chords(_event(action="rejected"), _event(action="rated", rating=1, output=_said(5)))
    chances = lessons.targets[:, :96]
    assert chances[0, 4] == chances[1, 5] == 0
    assert chances.sum(1) == pytest.approx([1, 1])
    assert chances[0, 7] == pytest.approx(1 / 95)
    p = np.full(64, 0.0)
    loss = ChordFeedback().losses(p[None], _head(), lessons.x[:1], lessons.targets[:1])
    assert loss == pytest.approx([-np.log(95 / 96)])
    drawn = [
        int(ChordFeedback().batch(lessons.x[:1], lessons.targets[:1], None, np.random.default_rng(seed)).joint[0])
        for seed in range(300)
    ]
    assert 4 not in drawn
    assert len(set(drawn)) > 60


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({"model": "melody"}, "of another model"),
        ({"input": None}, "without all 128 numbers of the input"),
        ({"input": [0.0] * 64}, "without all 128 numbers of the input"),
        ({"input": {"mode": 1.0}}, "without all 128 numbers of the input"),
        ({"input": [float("nan")] * 128}, "without all 128 numbers of the input"),
        ({"input": [0.0] * 127 + [1e9]}, "with an input beyond ±100"),
        ({"input": [0.0] * 128}, "without a key in the input"),
        ({"output": None}, "without all 64 numbers of the output"),
        ({"output": [float("inf")] * 64}, "without all 64 numbers of the output"),
        ({"output": [0.0] * 32}, "without all 64 numbers of the output"),
        ({"artefact": THEIRS}, "about what another file said"),
        ({"action": "rated", "rating": 3}, "rated neither good nor bad"),
        ({"action": "changed", "label": "sad"}, "with a label that is no chord symbol, such as Dm7"),
        (
            {"action": "changed", "changed_to": {"root": 12, "quality": 0}},
            "changed to no root 0 to 11 and quality 0 to 7",
        ),
        ({"action": "changed", "changed_to": [1.0]}, "changed to other than 64 numbers"),
    ],
)
def test_what_teaches_nothing_is_counted_by_its_reason(held: dict[str, object], why: str) -> None:
    lessons = _chords(_event(**held), _event(artefact=OURS))
    assert lessons.left_out == {why: 1}
    assert len(lessons) == 1
    assert len(_chords()) == 0


def test_a_chord_that_was_drawn_is_judged_by_its_name_and_the_chords_of_a_song_count_as_one() -> None:
    first = {"output": None, "artefact": THEIRS, "choices": {"chosen": "A7", "song": "one"}}
    second = first | {"action": "rejected", "choices": {"chosen": "A7", "song": "two"}, "input": _in_key(0)}
    third = first | {"choices": {"chosen": "D", "song": "one"}}
    lessons = _chords(_event(**first), _event(**second), _event(**third), _event(artefact=OURS), _event(**second))
    assert lessons.left_out == {}
    assert lessons.targets[[0, 2, 3], :96].argmax(1).tolist() == [60, 0, 4]
    assert lessons.targets[1, 9 * 8 + 4] == 0 and lessons.targets[1, :96].sum() == pytest.approx(1)
    assert lessons.judgement.tolist() == [0, 1, 0, 2, 1] and lessons.judgements == 3
    assert lessons.weights.tolist() == [0.5, 0.5, 0.5, 1.0, 0.5]
    assert lessons.rows(np.array([0, 3])).weights.tolist() == [1.0, 1.0]
    assert "count as 3" in lessons.counted and not _chords(_event()).counted


def test_of_what_one_user_likes_and_dislikes_one_cancels_one() -> None:
    assert len(_chords(_event(), _event(), _event(action="rejected"), _event())) == 2
    assert _chords(_event(), _event(action="rejected"), _event(action="rejected")).targets[0, 4] == 0


def test_what_one_user_likes_and_dislikes_is_left_out_and_others_are_not() -> None:
    lessons = _chords(_event(), _event(action="rejected"), _event(use=OTHER), _event(label="A7", action="changed"))
    assert lessons.left_out == {"liked and disliked by the same user": 2}
    assert lessons.raters == (OTHER, ME)
    assert lessons.rater.tolist() == [0, 1]


def _bar(*steps: int) -> list[float]:
    x = np.zeros(GROOVE.input_size)
    for step in steps:
        x[step * 3 + 1] = 1.0
    return x.tolist()


def _grooves(*events: Event) -> Lessons:
    training = GrooveFeedback()
    return read_lessons(
        events, GROOVE, {OURS}, lambda judged: training.answer(judged, {}),
        lambda answers, liked, x: training.targets(answers, liked, x, {}), training.REJECTIONS,
    )  # fmt: skip


def test_bars_are_learnt_as_they_were_played() -> None:
    played = [0.25] * 16 + [0.75] * 16
    held = {"use": ME, "model": "groove", "input": _bar(4, 12)}
    lessons = _grooves(
        Event(**held, action="changed", changed_to=played),
        Event(**held, action="accepted", output=played),
        Event(**held, action="rejected", output=[0.0] * 32),
        Event(**held, action="changed", changed_to=[2.0] * 32),
        Event(**held, action="changed", label="late"),
        Event(**{**held, "input": [0.0] * 64}, action="changed", changed_to=played),
    )
    assert lessons.left_out == {
        "changed to a timing beyond ±1 or a velocity beyond 0 to 1": 1,
        "changed to other than 32 numbers": 1,
        "of a bar without strokes": 1,
        "rejected, which says nothing of what would be better": 1,
    }
    training, rng = GrooveFeedback(), np.random.default_rng(0)
    batch = training.batch(lessons.x, lessons.targets, None, rng)
    assert batch.hit.shape == (2, 1, 16, 3)
    assert batch.hit.sum() == 4
    assert batch.tempo.tolist() == [[1.0], [1.0]]
    as_played, on_the_grid = np.array([played]), np.array([[0.0] * 16 + [0.75] * 16])
    one = lessons.rows(slice(1))
    assert training.losses(as_played, {}, one.x, one.targets) == pytest.approx([0.0])
    assert training.losses(on_the_grid, {}, one.x, one.targets) == pytest.approx([0.25**2 / 2 / 0.5])


def test_a_bar_of_feedback_weighs_as_much_as_a_window_of_a_take() -> None:
    training, rng = GrooveFeedback(), np.random.default_rng(0)
    lessons = _grooves(Event(use=ME, model="groove", input=_bar(4), action="changed", changed_to=[0.5] * 32))
    window = training.batch(np.array([_bar(*range(16))] * 2, np.float32), np.zeros((2, 32)), None, rng)
    longer = type(window)(*(c.repeat_interleave(5, 1) for c in window))
    row = training.batch(lessons.x, lessons.targets, longer, rng)
    assert row.x.shape == (1, 5, 64)
    assert float(row.hit.sum()) == float(longer.hit[0].sum()) == 80
    assert float(row.hit[:, 1:].sum()) == 0


def test_what_the_original_data_judge_by_is_known_again() -> None:
    """A bar by its strokes and tempo, whatever its style; a text by its vector. Zero and minus zero are one."""
    bars = np.random.default_rng(0).integers(0, 2, (4, 64)).astype(np.float32)
    bars[0, 0] = 0.0
    takes = {"val": bars[:1], "test": bars[1:2]}
    data = SimpleNamespace(encoded=lambda part: SimpleNamespace(x=takes[part]))

    def known(x: np.ndarray) -> list[bool]:
        return GrooveFeedback().judging(x, SimpleNamespace(), data).tolist()  # type: ignore[arg-type]

    mine = bars[[1, 2, 0, 3]]
    mine[0, GROOVE.input("style").index] = 0.5
    mine[2, 0] = -0.0
    assert known(mine) == [True, False, True, False]
    other = mine.copy()
    other[:, GROOVE.input("tempo").index] += 0.25
    assert not any(known(other))


def test_a_text_that_judges_is_known_by_its_vector() -> None:
    steps = np.random.default_rng(0).integers(-9, 9, (32768, 128), dtype=np.int8)
    table = Table(steps, np.ones(32768, np.float32), np.zeros(131072, np.uint8))
    parts = {"val": ["I miss the sea"], "test": ["what a day"]}
    data = SimpleNamespace(songs=lambda part: [SimpleNamespace(text=text) for text in parts[part]])
    given = np.array([table.vector(text).tolist() for text in ("what a day", "what a night", "I miss the sea")])
    known = FeelingFeedback().judging(given, SimpleNamespace(table=table), data)  # type: ignore[arg-type]
    assert known.tolist() == [True, False, True]


def test_a_song_that_judges_is_known_by_places_that_no_other_has() -> None:
    """Three places of a song of the test part come back, one of them common to all; of another song only one."""
    x = np.random.default_rng(0).integers(0, 2, (8, 128)).astype(np.float32)
    parts = {"train": x[[0, 7]], "val": x[:0], "test": x[[0, 1, 2, 3, 0, 4, 5]]}
    song = {"train": np.arange(2), "val": np.zeros(0, int), "test": np.array([0, 0, 0, 0, 1, 1, 1])}
    data = SimpleNamespace(encoded=lambda part: SimpleNamespace(x=parts[part], x_plain=parts[part], song=song[part]))
    given = x[[0, 1, 3, 4, 6, 7]].copy()
    given[:, HARMONY.input("emotion").index] = 0.0
    known = ChordFeedback().judging(given, SimpleNamespace(), data)  # type: ignore[arg-type]
    assert known.tolist() == [True, True, True, False, False, False]
    assert not ChordFeedback().judging(given[:2], SimpleNamespace(), data).any()  # type: ignore[arg-type]
