"""The rules by hand, after the formulas of the papers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datamodules.dynamics import kth
from datamodules.dynamics.kth import Performer
from datamodules.shared.library import Reading
from kmidi_lab.midi.score import make_score


def test_the_higher_the_louder_by_three_decibels_an_octave() -> None:
    score, _ = make_score([0, 1], [1, 1], [54, 66])
    np.testing.assert_allclose(kth.high_loud(score), [-1.5, 1.5])


def test_short_notes_lose_what_the_formula_says() -> None:
    # 30 to 200 ms: -(11/170)(d - 30); to 400: -(4/200)(400 - d) - 7; to 600: -(7/200)(600 - d); 0 beyond.
    ms = np.array([20, 30, 115, 200, 300, 400, 500, 600, 900])
    np.testing.assert_allclose(kth.shortening(ms), [0, 0, -5.5, -11, -9, -7, -3.5, 0, 0])


def test_a_phrase_is_an_arch() -> None:
    score, _ = make_score([0, 4, 8, 12, 16], [1] * 5, [60] * 5)
    np.testing.assert_allclose(kth.phrase_arch(score, 0.5), [-4, -1, 0, -1, -4])
    np.testing.assert_allclose(kth.phrase_arch(score, 0.75), [-4, -16 / 9, -4 / 9, 0, -4])


def test_pauses_at_phrase_ends_and_before_repeated_notes() -> None:
    score, _ = make_score([0, 1, 2, 12, 16], [1, 1, 1, 4, 1], [60, 60, 62, 62, 62])
    assert kth.pauses(score).tolist() == [35, 0, 0, 80, 0]


def test_a_performance_by_hand() -> None:
    """120 quarter notes a minute: a quarter lasts 500 ms (contrast -3.5), an eighth 250 ms (-10)."""
    performer = Performer(1, 1, 0, 1, 1, 0, velocity=64, detached=0.1, turn=0.5, tempo=120)
    score, _ = make_score([0, 0.5, 1], [0.5, 0.5, 1], [60, 64, 62])
    played = kth.perform(score, performer, np.random.default_rng(0))
    level = np.array([-0.5 - 0.75 + 2, 0.5 - 0.75 + 0.5, 0 - 0.2625 + 1])
    np.testing.assert_array_equal(played.velocity, np.rint(64 * 10 ** (level / 40)))
    np.testing.assert_allclose(played.timing, [0, -0.015, -0.015])
    np.testing.assert_allclose(played.articulation, [0.9 - 45 / 250, 0.9 - 45 / 250, 0.9 - 15.75 / 500])
    assert np.isnan(played.pedal).all()


def test_the_same_performers_every_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    score, _ = make_score(range(40), [1] * 40, range(50, 90))
    monkeypatch.setattr(kth, "read_score", lambda path, reading: score)
    a, b = (kth.read([Path("x.mxl")], False) for _ in range(2))
    assert len(a.items) == kth.PERFORMERS and len({p.id for p in a.items}) == kth.PERFORMERS
    for first, second in zip(a.items, b.items, strict=True):
        np.testing.assert_array_equal(first.played.velocity, second.played.velocity)
    assert not np.array_equal(a.items[0].played.velocity, a.items[1].played.velocity)


def test_the_corpus_is_there() -> None:
    reading = Reading("kth_rules", "")
    score = kth.read_score(kth.score_files()[0], reading)
    assert score is not None and len(score) > 30 and not reading.problems
    reading = Reading("kth_rules", "")
    assert kth.read_score(Path("nowhere.mxl"), reading) is None and len(reading.problems) == 1
