"""Drum strokes to bars and vectors, by hand-computed cases, and that nothing of the played feel gets into the input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.contracts import GROOVE
from kmidi_lab.midi.piece import voices_of
from kmidi_lab.models.groove.features import STYLES, bar_vectors, encode_performances, milliseconds
from kmidi_lab.models.groove.grid import Performance, bars_of, nearest_steps, suggested_style

KICK, SNARE, HAT = 0, 1, 2


def bars(*strokes: tuple[int, int, int]):
    ticks, voices, velocities = (np.array(column) for column in zip(*strokes, strict=True))
    return bars_of(ticks, voices, velocities, 480)


def test_voices_of_the_kit() -> None:
    assert (
        voices_of(np.array([35, 36, 38, 40, 37, 48, 43, 42, 46, 22, 51, 57, 54])).tolist() == [0, 0] + [1] * 5 + [2] * 6
    )


def test_a_snare_ten_milliseconds_late_at_120() -> None:
    # A beat is 500 ms and 480 ticks: 10 ms are 9.6 ticks; beat two is step 4.
    made = bars((490, SNARE, 127))
    assert made.hit.sum() == 1
    assert made.hit[0, 4, SNARE]
    assert made.timing[0, 4, SNARE] == pytest.approx(10 / 60)
    assert made.timing[0, 4, SNARE] * milliseconds(120) == pytest.approx(10 / 480 * 500)
    assert made.velocity[0, 4, SNARE] == 1.0


@pytest.mark.parametrize(
    ("tick", "step", "timing"),
    [(0, 0, 0), (59, 0, 59 / 60), (60, 1, -1), (120, 1, 0), (1860, 16, -1), (1859, 15, 59 / 60), (1910, 16, -1 / 6)],
)
def test_nearest_sixteenth_ties_and_bar_lines(tick: int, step: int, timing: float) -> None:
    steps, offsets = nearest_steps(np.array([tick]), 480)
    assert steps[0] == step
    assert offsets[0] == pytest.approx(timing)


def test_a_stroke_pushed_before_the_bar_line_belongs_to_the_next_bar() -> None:
    made = bars((0, KICK, 90), (1900, KICK, 100))
    assert made.hit.shape == (2, 16, 3)
    assert made.timing[1, 0, KICK] == pytest.approx(-20 / 60)


def test_the_louder_of_two_strokes_stays_and_of_equal_ones_the_earlier() -> None:
    made = bars((470, SNARE, 40), (485, SNARE, 100), (500, SNARE, 60), (970, SNARE, 70), (950, SNARE, 70))
    assert made.merged == 3
    assert made.timing[0, 4, SNARE] == pytest.approx(5 / 60)
    assert made.velocity[0, 4, SNARE] == pytest.approx(100 / 127)
    assert made.timing[0, 8, SNARE] == pytest.approx(-10 / 60)


def test_other_resolutions_give_the_same_bars() -> None:
    fine, coarse = nearest_steps(np.array([1010, 1910]), 960), nearest_steps(np.array([505, 955]), 480)
    assert np.array_equal(fine[0], coarse[0])
    assert np.allclose(fine[1], coarse[1])


def test_no_strokes_are_no_bars() -> None:
    assert bars_of(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), 480).hit.shape == (0, 16, 3)


def test_the_vector_by_hand() -> None:
    hit = np.zeros((3, 16, 3), bool)
    hit[0, 4, SNARE] = hit[0, 15, HAT] = True
    x = bar_vectors(hit, "jazz", 90)
    assert x.shape == (3, 64)
    assert np.flatnonzero(x[0, :48]).tolist() == [4 * 3 + 1, 15 * 3 + 2]
    assert x[0, 48:56].tolist() == [0, 0, 0, 0, 0, 0, 1, 0]
    assert x[0, 56] == -0.5
    assert x[0, 57] == pytest.approx(0.67)
    assert not x[:, 58:62].any()
    assert x[:, 62:] == pytest.approx(np.array([[0, 1], [np.sin(np.pi / 4), np.cos(np.pi / 4)], [1, 0]]), abs=1e-6)
    assert not bar_vectors(hit, None, 120, phrased=False)[1:].any()
    assert bar_vectors(hit, None, np.array([60, 120, 180.0]))[:, 56].tolist() == [-1, 0, 1]


def test_styles_are_the_contract_s() -> None:
    assert GROOVE.input("style").meaning.startswith(" ".join(STYLES))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=40, unique=True),
    st.data(),
)
def test_played_timing_and_velocity_do_not_leak(places: list[tuple[int, int]], data: st.DataObject) -> None:
    """The vector stays the same whatever the strokes' place within their sixteenth, and however hard they are."""

    def played() -> np.ndarray:
        ticks = np.array([max(0, 120 * step + data.draw(st.integers(-60, 59))) for step, _ in places])
        loud = np.array([data.draw(st.integers(1, 127)) for _ in places])
        made = bars_of(ticks, np.array([v for _, v in places]), loud, 480)
        return encode_performances([Performance("p", "s", "beat", "funk", 0.15, 100.0, True, made)]).x

    assert np.array_equal(played(), played())


def test_targets_change_where_the_input_does_not() -> None:
    plain = Performance("p", "s", "beat", "funk", 0.15, 100.0, True, bars((480, SNARE, 100)))
    late = replace(plain, bars=bars((500, SNARE, 30)))
    a, b = encode_performances([plain]), encode_performances([late])
    assert np.array_equal(a.x, b.x)
    assert not np.allclose(a.timing, b.timing)
    assert not np.allclose(a.velocity, b.velocity)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 2), st.integers(1, 127)), min_size=1, max_size=60))
def test_every_stroke_is_kept_or_counted(strokes: list[tuple[int, int, int]]) -> None:
    made = bars(*strokes)
    assert made.hit.sum() + made.merged == len(strokes)
    assert (np.abs(made.timing) <= 1).all()
    assert (made.velocity[made.hit] > 0).all()
    assert not made.timing[~made.hit].any()
    assert not made.velocity[~made.hit].any()


def test_suggested_styles() -> None:
    def pattern(low: str, mid: str, high: str) -> np.ndarray:
        return np.array([[c == "x" for c in row] for row in (low, mid, high)]).T[None]

    assert suggested_style(pattern("x.......x.......", "....x.......x...", "x.x.x.x.x.x.x.x.")) == "straight"
    assert suggested_style(pattern("x.......x.......", "....x.......x...", "x..xx..xx..xx..x")) == "shuffle"
    assert suggested_style(pattern("................", "................", "x...x..xx...x..x")) == "swing"
    assert suggested_style(pattern("x.....x...x.....", "....x..x.x..x...", "xxxxxxxxxxxxxxxx")) == "funk"
