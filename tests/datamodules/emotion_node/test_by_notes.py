"""What notes teach: facts worked out by hand, a recording asked of the model that never saw it, labels for training
alone.
"""

from __future__ import annotations

import numpy as np
import pytest

from datamodules.emotion_node import by_notes
from datamodules.emotion_node.by_notes import NoteListener, facts, folds, key_of
from datamodules.emotion_node.played import Piece
from datamodules.emotion_node.stretches import in_key
from datamodules.shared.rendering import Note, Part
from kmidi_lab.models.emotion_node.features import KEY_BY_NOTES, KEYS, TAUGHT

_MAJOR, _MINOR = (0, 4, 7, 12, 7, 4, 2, 0), (0, 3, 7, 12, 7, 3, 2, 0)


def tune(
    steps: tuple[int, ...], tonic: int = 60, apart: float = 0.25, velocity: int = 80, bars: int = 16
) -> list[Note]:
    return [
        Note(apart * i, apart * (i + 0.8), tonic + step, velocity)
        for i, step in enumerate(step for _ in range(bars) for step in steps)
    ]


def piece(group: str, quadrant: int | None, notes: list[Note], split: str = "train") -> Piece:
    labels = {} if quadrant is None else {"quadrant": quadrant}
    return Piece(f"{group}_0/TimGM6mb", "emopia", group, labels, (Part(0, notes),), split, None)


@pytest.fixture(scope="module")
def pieces() -> list[Piece]:
    """Fast major is happy, slow minor is sad, ten recordings each."""
    happy = [piece(f"h{i}", 0, tune(_MAJOR, 55 + i)) for i in range(10)]
    return [*happy, *(piece(f"s{i}", 2, tune(_MINOR, 55 + i, 0.6)) for i in range(10))]


@pytest.mark.parametrize(("steps", "tonic", "key"), [(_MAJOR, 62, "D major"), (_MINOR, 57, "A minor")])
def test_a_tunes_key(steps: tuple[int, ...], tonic: int, key: str) -> None:
    assert KEYS[key_of(tune(steps, tonic))] == key


def test_facts_by_hand() -> None:
    """Two chords of two notes each, two seconds apart, and a note of one second."""
    notes = [Note(0, 1, 60, 60), Note(0, 1, 67, 60), Note(2, 3, 60, 100), Note(2, 3, 67, 100), Note(3, 4, 64, 80)]
    told = facts(notes)
    assert told[2] == pytest.approx((60 + 67 + 60 + 67 + 64) / 5)
    assert told[6] == pytest.approx(np.log(3 / 4)), "three onsets in four seconds"
    assert told[7] == pytest.approx(5 / 3) and told[8] == pytest.approx(0.0) and told[9] == pytest.approx(5 / 4)
    assert told[10] == 80 and told[11] == pytest.approx(np.std([60, 60, 100, 100, 80]))
    np.testing.assert_allclose(told[13:], [0.4, 0, 0, 0, 0.2, 0, 0, 0.4, 0, 0, 0, 0], atol=1e-9)


def test_another_key_changes_pitch_alone() -> None:
    one, other = facts(tune(_MINOR, 60)), facts(tune(_MINOR, 63))
    pitch = [2, 4, 5]
    np.testing.assert_allclose(other[pitch] - one[pitch], 3)
    np.testing.assert_allclose(np.delete(other, pitch), np.delete(one, pitch), atol=1e-9)
    assert facts(tune(_MAJOR))[0] > 0 > one[0]


def test_the_listener_hears_what_it_was_taught(pieces: list[Piece]) -> None:
    listener = NoteListener.fit(pieces, 0)
    assert listener is not None
    assert listener.chances(["new"], [tune(_MAJOR, 70)]).argmax() == 0
    assert listener.chances(["new"], [tune(_MINOR, 50, 0.6)]).argmax() == 2
    assert listener.chances(["new"], [tune(_MAJOR)])[0, [1, 3]].sum() == 0, "nobody said angry or calm"


def test_a_recording_is_asked_of_the_model_that_did_not_see_it(pieces: list[Piece]) -> None:
    """Its own label, turned around, changes nothing in what is said of it, but in what is said of others."""
    lying = [p if p.group != "h3" else piece("h3", 2, tune(_MAJOR, 58)) for p in pieces]
    honest, misled = NoteListener.fit(pieces, 0), NoteListener.fit(lying, 0)
    assert honest is not None and misled is not None
    own = tune(_MAJOR, 58)
    one, other = (listener.chances(["h3", "new"], [own, own]) for listener in (honest, misled))
    np.testing.assert_allclose(one[0], other[0])
    assert np.abs(one[1] - other[1]).max() > 1e-3
    np.testing.assert_allclose(
        one[1], np.mean([m.predict_proba([facts(own)])[0] @ np.eye(4)[[0, 2]] for m in honest.models], 0)
    )


def test_only_training_music_with_labels_teaches(pieces: list[Piece]) -> None:
    others = [piece("v", 1, tune(_MINOR), "val"), piece("t", 1, tune(_MINOR), "test"), piece("p", None, tune(_MINOR))]
    plain, more = NoteListener.fit(pieces, 0), NoteListener.fit([*pieces, *others], 0)
    assert plain is not None and more is not None and "v" not in more.fold
    np.testing.assert_array_equal(plain.chances(["n"], [tune(_MAJOR)]), more.chances(["n"], [tune(_MAJOR)]))
    assert NoteListener.fit(others, 0) is None and NoteListener.fit(pieces[:10], 0) is None, (
        "one quadrant teaches nothing"
    )


def test_folds_are_even() -> None:
    names = [f"r{i}" for i in range(23)]
    assert sorted(np.bincount(list(folds(names, 0).values()))) == [4, 4, 5, 5, 5]
    assert folds(names, 0) != folds(names, 1)


def test_both_keys_of_a_training_stretch_are_told(pieces: list[Piece]) -> None:
    listener = NoteListener.fit(pieces, 0)
    assert listener is not None
    [told] = listener([(piece("song", None, tune(_MINOR, 57)), 12.0)])
    assert KEYS[told[KEY_BY_NOTES]] == "A minor" and KEYS[in_key(told, 5)[KEY_BY_NOTES]] == "D minor"
    assert KEYS[in_key(told, -5)[KEY_BY_NOTES]] == "E minor"
    assert abs(sum(told[name] for name in TAUGHT) - by_notes.THOUSAND) <= 2
    assert {name: told[name] for name in TAUGHT} == {name: in_key(told, 4)[name] for name in TAUGHT}


def test_a_moment_is_heard_with_what_is_around_it(pieces: list[Piece]) -> None:
    """Half a minute of fast major, then as much of slow minor."""
    listener = NoteListener.fit(pieces, 0)
    assert listener is not None
    happy, sad = tune(_MAJOR), tune(_MINOR, 60, 0.6)
    both = piece("new", None, [*happy, *(n._replace(start=n.start + 32, end=n.end + 32) for n in sad)])
    early, late = listener([(both, 10.0), (both, 50.0)])
    assert early[TAUGHT[0]] > 600 and late[TAUGHT[2]] > 600 and early[KEY_BY_NOTES] == late[KEY_BY_NOTES]
