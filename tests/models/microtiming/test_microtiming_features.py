"""The vector of a written note, slice by slice; quantiles; and the order of notes that were moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from kmidi_lab.contracts import MICROTIMING
from kmidi_lab.models.microtiming.features import history, lead_given, milliseconds, note_vectors
from kmidi_lab.models.microtiming.heuristic import by_rule
from kmidi_lab.models.microtiming.notes import ROLES, WrittenNotes, drum_voices, keyboard_roles
from kmidi_lab.models.microtiming.placing import chord_widths, kept_in_order, new_ends
from kmidi_lab.models.microtiming.quantiles import LEVELS, ONE_HAND, ONE_ONSET, drawn, pinball, read_quantiles

IN = {s.name: s.index for s in MICROTIMING.inputs}


def written(onset, pitch, bpm=120.0, line=None) -> WrittenNotes:
    onset, pitch = np.asarray(onset, float), np.asarray(pitch)
    n = len(onset)
    return WrittenNotes(
        onset, np.full(n, 0.5), pitch, keyboard_roles(onset, pitch), np.zeros(n, int) if line is None else line,
        onset / 4, np.full(n, 4.0), np.full(n, bpm), np.zeros(n),
    )  # fmt: skip


def test_each_slice_says_what_the_contract_says():
    x = note_vectors(written([0, 0, 0, 1, 3.5], [40, 64, 72, 50, 62], 150.0), "jazz")
    assert x.shape == (5, 64) and x.dtype == np.float32
    assert (x[:, IN["style"]] == np.eye(8)[6]).all() and x[0, IN["swing"]] == np.float32(0.67)
    assert x[:, IN["step"]].argmax(1).tolist() == [0, 0, 0, 4, 14]
    roles = [ROLES[r] for r in x[:, IN["role"]].argmax(1)]
    assert roles == ["bass", "comp", "lead", "bass", "lead"]
    assert (x[:, IN["tempo"]] == 0.5).all()
    np.testing.assert_allclose(x[3, IN["inter_onset"]], [0.0, np.log2(2.5) / 4], rtol=1e-6)
    assert x[0, IN["inter_onset"]].tolist() == [0.0, 0.0] and x[0, IN["duration"]] == -0.25
    np.testing.assert_allclose(x[:, IN["chord_size"]][:, 0], [0.3, 0.3, 0.3, 0.1, 0.1], rtol=1e-6)
    assert x[:, IN["chord_rank"]][:, 0].tolist() == [0.0, 0.5, 1.0, 0.0, 0.0]
    for name in ("played_offsets", "lead", "mood", "written_dynamic", "reserved"):
        assert not x[:, IN[name]].any()
    assert lead_given(x, -60.0)[0, IN["lead"]] == -1 and lead_given(x, 15.0)[0, IN["lead"]] == 0.5


def test_intervals_are_those_of_one_line():
    x = note_vectors(written([0, 0.25, 1], [36, 42, 36], line=np.array([0, 1, 0])))
    np.testing.assert_allclose(x[:, IN["inter_onset"]], 0.0)  # a quarter is 0, and so is what there is none of
    x = note_vectors(written([0, 0.25, 2], [36, 42, 36], line=np.array([0, 1, 0])))
    assert x[0, IN["inter_onset"]].tolist() == [0.0, 0.25] and not x[1, IN["inter_onset"]].any()


def test_all_inputs_lie_where_the_contract_says():
    rng = np.random.default_rng(0)
    onset = np.sort(rng.integers(0, 400, 300) / 7)
    x = note_vectors(written(onset, rng.integers(0, 128, 300), 290.0), "latin")
    for part in MICROTIMING.inputs:
        assert x[:, part.index].min() >= part.values.low and x[:, part.index].max() <= part.values.high


def test_a_phrase_lasts_eight_bars():
    x = note_vectors(written([0, 4, 8, 32], [60] * 4))[:, IN["phrase_position"]]
    np.testing.assert_allclose(x[0], x[3], atol=1e-6)
    np.testing.assert_allclose(x[2], [1, 0], atol=1e-6)
    assert not note_vectors(written([0], [60]), phrased=False)[:, IN["phrase_position"]].any()


def test_nine_voices_and_their_roles():
    voice, role = drum_voices(np.array([35, 36, 40, 22, 26, 58, 48, 57, 59, 75]))
    assert voice.tolist() == [36, 36, 38, 42, 46, 43, 50, 49, 51, 75]
    names = ["kick", "kick", "snare", "hat", "hat", "other", "other", "cymbal", "cymbal", "other"]
    assert [ROLES[r] for r in role] == names


def test_the_offsets_before_a_note_stay_in_its_take():
    heard = history(np.array([0.1, np.nan, 0.3, 0.4, 0.5, 2.0, 0.7]), np.array([0, 5, 7]))
    np.testing.assert_allclose(heard[4], [0.1, 0.0, 0.3, 0.4], atol=1e-6)
    assert not heard[5].any() and heard[6].tolist() == [0, 0, 0, 1.0]


def test_quantiles_that_cross_are_sorted():
    out = np.zeros((1, 16))
    out[0, :5] = [0.5, -0.2, 0.6, 0.1, 0.3]  # median, 10, 25, 75, 90 %
    assert read_quantiles(out)[0].tolist() == [-0.2, 0.1, 0.3, 0.5, 0.6]


def test_pinball_is_least_at_the_quantiles():
    truth = np.random.default_rng(0).normal(size=20_000)
    right = np.quantile(truth, LEVELS)

    def cost(off: float) -> float:
        return float(pinball(np.tile(right + off, (20_000, 1)), truth).mean())

    assert cost(0) < min(cost(-0.2), cost(0.2))


def test_what_is_drawn_has_the_quantiles_that_it_is_drawn_from():
    quantiles = np.array([-20.0, -8.0, 1.0, 6.0, 30.0])
    many = drawn(np.tile(quantiles, (80_000, 1)), np.arange(80_000), np.random.default_rng(1))
    np.testing.assert_allclose(np.quantile(many, LEVELS), quantiles, atol=1.5)


def test_pitched_notes_lie_farther_out_and_not_more_often():
    quantiles = np.array([-20.0, -8.0, 1.0, 6.0, 30.0])
    beyond = {}
    for pitched in (False, True):
        many = drawn(
            np.tile(quantiles, (80_000, 1)),
            np.arange(80_000),
            np.random.default_rng(1),
            pitched=np.full(80_000, pitched),
        )
        np.testing.assert_allclose(np.quantile(many, LEVELS), quantiles, atol=1.5)
        beyond[pitched] = (many[many > 30] - 30).mean() / 29, (-20 - many[many < -20]).mean() / 21
    # A normal variable that is held to 2.5 lies 0.354 of 1.2816 beyond that place on average: by its density there and at 2.5.
    np.testing.assert_allclose(beyond[False], 0.354, atol=0.01)
    np.testing.assert_allclose(beyond[True], 1.9 * 0.354, atol=0.02)


def test_neighbours_drawn_together_are_alike():
    quantiles = np.tile([-10.0, -5.0, 0.0, 5.0, 10.0], (4000, 1))
    alone, near = (drawn(quantiles, np.arange(4000), np.random.default_rng(2), t) for t in (0.0, 0.6))
    assert abs(np.corrcoef(alone[1:], alone[:-1])[0, 1]) < 0.1 < 0.2 < np.corrcoef(near[1:], near[:-1])[0, 1]


def test_notes_that_are_written_together_are_drawn_together():
    """Normal quantiles of 10 ms; chords of a bass, three accompanying notes and a lead, 4,000 of them."""
    chords = 4000
    quantiles = np.tile(10 * ndtri(np.array(LEVELS)), (5 * chords, 1))
    order, hands = np.repeat(np.arange(chords), 5), np.tile([1, 2, 2, 2, 0], chords)
    notes = drawn(quantiles, order, np.random.default_rng(3), hands=hands).reshape(chords, 5)
    alike = np.corrcoef(notes.T)
    np.testing.assert_allclose([alike[1, 2], alike[1, 3], alike[2, 3]], ONE_HAND, atol=0.02)
    np.testing.assert_allclose([alike[0, 1], alike[0, 4], alike[3, 4]], ONE_ONSET, atol=0.03)
    np.testing.assert_allclose(notes.std(), 10.0, rtol=0.03)
    np.testing.assert_allclose(notes[:, 1:4].std(1, ddof=1).mean(), 10 * np.sqrt(1 - ONE_HAND) * 0.8862, rtol=0.03)
    drums = np.corrcoef(drawn(quantiles, order, np.random.default_rng(4)).reshape(chords, 5).T)
    np.testing.assert_allclose(drums[np.triu_indices(5, 1)], ONE_ONSET, atol=0.03)


def test_the_width_of_a_chord_is_from_its_first_to_its_last_note():
    onset, shift = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 2.0]), np.array([-3.0, 5.0, 1.0, 40.0, 2.0, 2.5])
    assert chord_widths(onset, shift).tolist() == [8.0, 0.5]


def test_the_rule_gives_what_the_model_gives():
    x = lead_given(note_vectors(written([0, 0, 1.25], [40, 72, 38])), 6.0)
    out = by_rule(x, milliseconds(np.full(3, 120.0)))
    assert out.shape == (3, 16) and not out[:, 7:].any()
    q = read_quantiles(out)
    assert (np.diff(q) > 0).all() and q[1, 2] < q[0, 2] and q[0, 2] == pytest.approx(6.0 / 62.5)
    assert out[0, 5] > out[2, 5]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-30, 30), st.integers(0, 1)), min_size=1, max_size=40))
def test_no_note_overtakes_another_of_its_part(rows):
    start, late, part = (np.array(column) for column in zip(*rows, strict=True))
    start = start * 10
    moved = kept_in_order(start, start + late, part)
    for p in (0, 1):
        own = np.flatnonzero(part == p)
        for i in own:
            assert (moved[own[start[own] < start[i]]] <= moved[i]).all()


def test_a_note_keeps_its_length_unless_its_key_is_struck_again():
    start, end = np.array([0, 100, 100]), np.array([100, 200, 200])
    ends = new_ends(start, end, np.array([20, 90, 130]), np.array([1, 1, 2]))
    assert ends.tolist() == [90, 190, 230]
