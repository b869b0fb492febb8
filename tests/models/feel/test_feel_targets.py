"""What an excerpt teaches of tempo, beats and values, and how outputs are decoded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.feel_songs import excerpt, perfect

from kmidi_lab.contracts import FEEL
from kmidi_lab.models.feel.baselines import by_autocorrelation
from kmidi_lab.models.feel.decoding import metre_of, octaves_apart, pulse, tempo_of, tempo_shares
from kmidi_lab.models.feel.features import CURVES, EVENTS, UNTAUGHT, WHOLE, bin_of, bpm_of, seconds_at, targets
from kmidi_lab.models.feel.scores import beat_f
from kmidi_lab.models.feel.style import style_of


def test_the_slices_that_are_taught_are_those_of_the_contract() -> None:
    names = [s.name for s in FEEL.outputs]
    assert set(names) == {"tempo", "beat", "downbeat", "onsets", "confidence", *CURVES, *WHOLE, *UNTAUGHT}
    assert [FEEL.output(n).start for n in ("beat", "onsets", "swing", "energy", "density", "brightness")] == [
        32,
        34,
        37,
        39,
        41,
        42,
    ]
    assert (FEEL.output("valence").start, FEEL.output("key_clarity").start, FEEL.output("confidence").start) == (
        58,
        62,
        63,
    )


def test_events_are_marked_where_they_are_heard() -> None:
    song = excerpt(120)
    goal = targets(song)
    assert bpm_of(goal.tempo) == pytest.approx(120) and bin_of(50) == 0 and bin_of(220) == pytest.approx(31)
    marked = np.flatnonzero(goal.events[:, EVENTS.index("beat")] == 1)
    assert seconds_at(marked) == pytest.approx(song.beats, abs=0.009)
    assert goal.events[marked[1] - 1, 0] == goal.events[marked[1] + 1, 0] == np.float32(0.4)
    assert not goal.events[:, EVENTS.index("low")].any() and goal.events[:, EVENTS.index("mid")].any()
    unmarked = targets(replace(song, beats=np.zeros(0), downbeats=np.zeros(0)))
    assert np.isnan(unmarked.tempo) and unmarked.marked.tolist() == [0, 0, 1, 1, 1]
    assert targets(replace(song, beats=np.arange(20) * 2.0)).marked[0] == 0, "30 a minute is outside the bins"


def test_density_and_energy_are_those_of_the_last_four_seconds() -> None:
    song = excerpt(120)
    first = song.strokes[song.strokes[:, 0] < 6]
    density = targets(replace(song, strokes=first)).curves[:, CURVES.index("density")]
    assert density[300] == pytest.approx(2 / 12, abs=0.02) and density[-1] == 0
    louder = replace(song, strokes=song.strokes * [1, 1, 1.2])
    assert targets(louder).curves[400, 0] > targets(song).curves[400, 0] > 0


@pytest.mark.parametrize("bpm", [63, 97, 128, 171])
def test_decoding_finds_the_tempo_and_the_beats(bpm: float) -> None:
    song = excerpt(bpm)
    said = pulse(perfect(song))
    assert said.tempo == pytest.approx(bpm, rel=0.01)
    assert beat_f(song.beats, said.beats) > 0.9
    assert said.metre == 4 and np.abs(song.downbeats - said.downbeats[0]).min() < 0.03
    assert pulse(perfect(excerpt(bpm, metre=3))).metre == 3
    assert style_of(perfect(excerpt(bpm, metre=3))).in_three is (bpm > 100), "14 s of a slower one have too few beats"
    assert not style_of(perfect(song)).in_three


def test_how_much_bars_of_three_stand_out() -> None:
    """By hand: every third of 24 beats is 0.4 stronger; bars of four see each of their first beats so once in three bars."""
    beats = np.where(np.arange(24) % 3 == 0, 0.5, 0.1)
    metre, first, triple = metre_of(beats)
    assert (metre, first) == (3, 0) and triple == pytest.approx(0.4 - 0.0)
    weak = np.where(np.arange(24) % 3 == 1, 0.14, 0.1)
    assert metre_of(weak)[0] == 4 and metre_of(weak)[2] == pytest.approx(0.04), "a bar of three must be clearer"


def test_decoding_of_next_to_nothing() -> None:
    assert 50 <= pulse(np.zeros((1, 64), np.float32)).tempo <= 220
    assert metre_of(np.zeros(0)) == metre_of(np.ones(1)) == (4, 0, 0.0)
    assert tempo_of(tempo_shares(np.zeros((3, 64)))) == pytest.approx(50, rel=0.1)


def test_the_autocorrelation_hears_clicks() -> None:
    assert octaves_apart(by_autocorrelation(excerpt(110).frames).tempo, 110)
