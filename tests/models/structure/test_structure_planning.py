"""Songs that are drawn: they end within bounds, have the length that was asked for, and follow their arc."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from kmidi_lab.models.structure.decoding import steered_probabilities
from kmidi_lab.models.structure.form import END, LENGTHS, OTHER_LENGTH, TOKENS, TYPES
from kmidi_lab.models.structure.heuristic import rule_head, usual_form
from kmidi_lab.models.structure.planning import MOST_BARS, MOST_SECTIONS, Answer, Wishes, plan
from kmidi_lab.models.structure.rules import STEERING, expression, expressions, steered
from kmidi_lab.song.arcs import ARC_CURVES, wanted_energy
from kmidi_lab.song.elements import Metre
from kmidi_lab.song.vocabularies import ARCS

HEAD = rule_head()
LENGTH = np.full((len(TYPES), OTHER_LENGTH + 1), 1 / (OTHER_LENGTH + 1))


def even(x, sections):
    return Answer(np.full(TOKENS, 1 / TOKENS), LENGTH)


def never_ending(x, sections):
    return Answer(np.array([*[1 / 12] * 12, 0.0]), LENGTH)


def only_outro(x, sections):
    p = np.zeros(TOKENS)
    p[TYPES.index("outro")] = 1.0
    return Answer(p, LENGTH)


def drawn(ask, seed=1, **wishes):
    return plan(ask, HEAD, Wishes(**wishes), np.random.default_rng(seed))


@pytest.mark.parametrize("ask", [even, never_ending, only_outro, usual_form])
@pytest.mark.parametrize("bars", [2, 3, 7, 16, 33, 64, 400])
def test_a_song_has_the_length_that_was_asked_for(ask, bars):
    for seed in range(8):
        sections = drawn(ask, seed, bars=bars)
        assert sum(s.bars for s in sections) == bars and min(s.bars for s in sections) >= 2
        assert len(sections) <= MOST_SECTIONS
        assert [s.start for s in sections] == np.cumsum([0, *(s.bars for s in sections[:-1])]).tolist()


@pytest.mark.parametrize("ask", [even, never_ending, only_outro, usual_form])
def test_a_song_whose_length_is_left_open_ends(ask):
    for seed in range(8):
        sections = drawn(ask, seed)
        assert 3 <= len(sections) <= MOST_SECTIONS and sum(s.bars for s in sections) <= MOST_BARS


def test_what_is_no_use_to_a_composer_is_never_drawn():
    names = {s.name for seed in range(20) for s in drawn(even, seed)}
    assert not names & {"other", "silence"} and len(names) == len(TYPES) - 2


def test_an_outro_is_the_last_section_of_a_song_with_a_length():
    for seed in range(20):
        names = [s.name for s in drawn(even, seed, bars=96)]
        assert "outro" not in names[:-1]


def test_an_intro_is_no_longer_than_an_eighth_of_a_song_of_known_length():
    """Of 64 bars 8, of 32 and 20 bars 4; also where the model gives all sections the longest length."""

    def long_intros(x, sections):
        p = np.full(TOKENS, 0.01)
        p[TYPES.index("intro")] = 1.0
        return Answer(p / p.sum(), LENGTH)

    for bars, most in ((64, 8), (32, 4), (20, 4), (96, 12), (72, 12)):
        for ask in (even, long_intros):
            intros = [sum(s.bars for s in drawn(ask, seed, bars=bars) if s.name == "intro") for seed in range(12)]
            assert max(intros) <= most, (bars, intros)
        assert max(intros) == most, "and an intro of that length is drawn"
    whole = drawn(even, bars=64, start=((TYPES.index("intro"), 16),))
    assert (whole[0].name, whole[0].bars) == ("intro", 16), "one that was given stays"


def test_the_beginning_that_was_given_stays():
    intro, verse = TYPES.index("intro"), TYPES.index("verse")
    sections = drawn(even, bars=40, start=((intro, 5), (verse, 11)))
    assert [(s.name, s.bars) for s in sections[:2]] == [("intro", 5), ("verse", 11)] and sum(
        s.bars for s in sections
    ) == 40


def test_the_seed_decides():
    assert drawn(even, 3) == drawn(even, 3) != drawn(even, 4)


def test_a_low_temperature_takes_the_likeliest():
    def leaning(x, sections):
        p = np.full(TOKENS, 0.06)
        p[TYPES.index("verse")] = 0.28
        return Answer(p, LENGTH)

    assert {s.name for s in drawn(leaning, bars=100, temperature=0.05)} <= {"verse", "outro"}


def test_the_vector_says_what_was_asked_for():
    seen = []

    def listening(x, sections):
        seen.append(x)
        return never_ending(x, sections)

    drawn(listening, bars=60, tempo=90.0, metre=Metre(6, 8), arc=1, affect=(0.2, 0.4))
    assert seen[0][49] == pytest.approx(60 * 3 * 60 / 90 / 240) and seen[0][62] == -0.5 and seen[0][63] == 0.375
    assert seen[0][51] == 1.0 and seen[0][58:60].tolist() == pytest.approx([0.2, 0.4])


def test_arcs_are_those_of_the_song_intent():
    assert list(ARC_CURVES) == list(ARCS) and len(ARC_CURVES) == 8
    assert HEAD["arc_weight"].shape == (8, 9) and HEAD["arc_weight"].min() >= 0 and HEAD["arc_weight"].max() <= 1


@pytest.mark.parametrize("bars", [None, 24, 32, 64])
def test_a_song_ends_as_songs_do(bars):
    """Where all kinds are equally likely, of those that end a song an outro does so most often, a verse least."""
    ends = Counter(drawn(even, seed, bars=bars)[-1].name for seed in range(200))
    assert set(ends) <= {"outro", "chorus", "verse"} and ends["outro"] > ends["chorus"]
    assert all(sum(s.bars for s in drawn(even, seed, bars=bars)) == bars for seed in range(20) if bars)


@pytest.mark.parametrize("arc", ARC_CURVES)
def test_steering_keeps_the_chance_of_the_end_and_draws_to_the_wanted_energy(arc):
    p = np.random.default_rng(1).dirichlet(np.ones(TOKENS))
    energies = expressions(HEAD["expression_weight"], 0.5, 0.5, 0.0)[:, 0]
    for place in (0.0, 0.3, 0.9):
        q = steered(p, np.array(ARC_CURVES[arc]), energies, place)
        assert q.sum() == pytest.approx(1) and q[END] == p[END]
        wanted = wanted_energy(np.array(ARC_CURVES[arc]), place)
        error = (energies - wanted) ** 2
        assert q[:END] @ error < p[:END] @ error


def test_steering_is_what_the_page_says():
    p, place = np.random.default_rng(2).dirichlet(np.ones(TOKENS)), 0.4
    arc = list(ARC_CURVES).index("Rise and Fall")
    by_hand = p.copy()
    wanted = 0.8 + (0.4 - 0.375) / 0.125 * (1.0 - 0.8)  # between the fourth and the fifth of nine places
    for t in range(12):
        energy = min(1.0, max(0.0, HEAD["expression_weight"][3 * t] @ np.array([1, place - 0.5, 0, 0.3])))
        by_hand[t] *= np.exp(-STEERING * (energy - wanted) ** 2)
    by_hand[:12] *= p[:12].sum() / by_hand[:12].sum()
    np.testing.assert_allclose(steered_probabilities(p, HEAD, arc, place, 0.3), by_hand, rtol=1e-9)


def test_a_climb_ends_higher_and_a_descent_lower_than_it_began():
    def energy(arc):
        songs = [drawn(even, seed, bars=96, arc=list(ARC_CURVES).index(arc)) for seed in range(12)]
        return np.mean([s[0].energy for s in songs]), np.mean([s[-1].energy for s in songs])

    assert np.diff(energy("Climb-to-Climax"))[0] > 0.3 and np.diff(energy("Descent"))[0] < -0.3


def test_expression_grows_and_silence_is_silent():
    chorus, silence = TYPES.index("chorus"), TYPES.index("silence")
    assert expression(chorus, 1.0) > expression(chorus, 0.0)
    assert expression(chorus, 0.5, arousal=1.0)[0] > expression(chorus, 0.5, arousal=-1.0)[0]
    assert expression(silence, 1.0, 1.0, 1.0)[0] == 0.0
    assert all(
        0 <= v <= 1 for kind in range(12) for v in expression(kind, 1.0, 1.0, 1.0) + expression(kind, 0.0, 0.0, -1.0)
    )


def test_the_heuristic_is_the_usual_form():
    names = [s.name for s in drawn(usual_form, temperature=0.05)]
    assert names == ["intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro"]
    assert {s.bars for s in drawn(usual_form, temperature=0.05)} == {LENGTHS[1], LENGTHS[2]}
