"""Rhythms that fill a number of bars, with or without a number of notes, in every metre there are bars for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmidi_lab.models.melody.metres import METRES, metre_of
from kmidi_lab.models.melody.rhythm import Rhythm, compose, holding, plain_bars


def check(rhythm: Rhythm, quarters: float) -> None:
    ends = rhythm.onset + rhythm.duration
    assert ends[-1] == pytest.approx(quarters)
    assert (rhythm.onset[1:] >= ends[:-1] - 1e-9).all() and (rhythm.duration > 0).all()
    assert np.allclose(rhythm.onset * 4 % 1, 0) and rhythm.phrase[0]


@pytest.mark.parametrize("name", METRES)
def test_bars_of_every_metre_are_filled(name: str) -> None:
    metre = METRES[name]
    for bar in plain_bars(metre.rhythms):
        assert max(position + length for position, length in bar) <= metre.bar
    for count in (1, 4, 7, 16):
        rhythm = compose(plain_bars(metre.rhythms), None, 0.0, np.random.default_rng(count), metre, count)
        check(rhythm, count * metre.bar)
        assert (rhythm.onset[rhythm.phrase] // metre.bar).tolist() == list(range(0, count, 4))


@pytest.mark.parametrize(
    "name", ["5/4", "7/8", "9/8", "12/8", "3/8", "3/2", "6/4", "4/8", "8/8", "15/16", "7/4", "4/2", "10/8"]
)
def test_bars_of_any_other_metre_are_filled(name: str) -> None:
    metre = metre_of(name)
    numerator, denominator = map(int, name.split("/"))
    assert metre is not None and metre.bar == 4 * numerator / denominator and metre.bar % metre.strong == 0
    bars = plain_bars(metre.rhythms)
    assert len(bars) > 8
    for bar in bars:
        assert max(position + length for position, length in bar) <= metre.bar
        assert all(position >= end - 1e-9 for (position, _), end in zip(bar[1:], (p + n for p, n in bar), strict=False))
    check(compose(bars, None, 0.0, np.random.default_rng(3), metre, 7), 7 * metre.bar)


@pytest.mark.parametrize("name", ["1/4", "175/4", "2/8", "4/3", "0/4", "4/0", "", "4", "9/1", "x/4", "-3/4"])
def test_what_is_no_metre(name: str) -> None:
    assert metre_of(name) is None


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(METRES)), st.integers(1, 16), st.integers(1, 60), st.integers(0, 9))
def test_a_number_of_notes_fits_a_number_of_bars(name: str, count: int, notes: int, seed: int) -> None:
    metre = METRES[name]
    rhythm = compose(plain_bars(metre.rhythms), notes, 0.3, np.random.default_rng(seed), metre, count)
    check(rhythm, count * metre.bar)
    if notes <= 4 * metre.bar * count - 4 * count:  # rests of a bar can't be divided
        assert len(rhythm.onset) == notes


def test_notes_are_joined_and_divided_where_it_shows_least() -> None:
    half = ((0.0, 2.0), (2.0, 2.0))
    assert holding([half, half], 3) == [half, ((0.0, 4.0),)]
    assert holding([half, half], 5) == [((0.0, 1.0), (1.0, 1.0), (2.0, 2.0)), half]
    assert holding([half, half], 1) == [((0.0, 4.0),), ()]
    assert holding([((0.0, 1.5), (1.5, 2.5))], 3) == [((0.0, 1.5), (1.5, 1.25), (2.75, 1.25))]


def test_the_density_is_what_is_asked_for() -> None:
    few, many = (compose(plain_bars(), None, 0.0, np.random.default_rng(0), count=64, density=d) for d in (2.0, 7.0))
    assert len(many.onset) > 1.5 * len(few.onset)
