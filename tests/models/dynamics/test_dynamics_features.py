"""Score to vectors and performance to targets: by hand, and for any notes at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.midi.score import Score, make_score, metrical_strength
from kmidi_lab.models.dynamics.features import free_run, score_vectors
from kmidi_lab.models.dynamics.targets import PerformedNotes, decode, targets

IN = {s.name: s.index for s in DYNAMICS.inputs}
OUT = {s.name: s.index for s in DYNAMICS.outputs}
PITCH_SLOTS = {"pitch", "interval", "local_peak", "contour"}


def phrase() -> Score:
    """A held bass C3 under C4 E4 G4 E4 C4, the second note of the melody a leap into the beat."""
    score, _ = make_score([0, 0, 1, 2, 2.5, 3.5], [4, 1, 1, 0.5, 1, 0.5], [48, 60, 64, 67, 64, 60], tempo=90)
    return score


def test_six_notes_by_hand() -> None:
    x = score_vectors(phrase(), np.array([60.0, 70, 80, 90, 64, 62]), (0.8, 0.6, 0.0, 0.0))
    assert x.shape == (6, 32) and x.dtype == np.float32

    def check(name: str, *rows: object) -> None:
        wanted = np.array(rows, float).reshape(6, -1)
        np.testing.assert_allclose(x[:, IN[name]], wanted, atol=1e-6, err_msg=name)

    check("emotion", *[[0.8, 0.6, 0, 0]] * 6)
    check("pitch", *(np.array([48, 60, 64, 67, 64, 60]) / 127))
    check("interval", 0, 0, 4 / 12, 3 / 12, -3 / 12, -4 / 12)
    check("duration", 0.5, 0, 0, -0.25, 0, -0.25)  # 4, 1, 1, .5, 1, .5 quarter notes
    check("inter_onset", [0, 0], [0, 0], [0, 0], [0, -0.25], [-0.25, 0], [0, 0])
    check("beat_phase", [0, 1], [0, 1], [0, 1], [0, 1], [0, -1], [0, -1])
    angle = 2 * np.pi * np.array([0, 0, 1, 2, 2.5, 3.5]) / 16
    check("phrase_phase", *np.stack([np.sin(angle), np.cos(angle)], 1))
    place = np.array([0, 0, 1, 2, 2.5, 3.5])
    check("position", *np.stack([place / 16, place / 3.5], 1))
    check("tempo", *[-0.5] * 6)
    check("metre", *[0.5] * 6)
    v = np.array([60, 70, 80, 90, 64]) / 127
    check(
        "previous_velocities",
        [0, 0, 0, 0],
        [0, 0, 0, v[0]],
        [0, 0, v[0], v[1]],
        [0, *v[:3]],
        v[:4],
        v[1:5],
    )
    check("local_peak", 0, 0, 0, 1, 0, 0)
    check("top_voice", 0, 1, 1, 1, 1, 1)
    check("bass_voice", 1, 0, 0, 0, 0, 0)
    check("polyphony", *[0.2] * 6)
    check("written_dynamic", *[0] * 6)
    written = np.array([33.0, 33, 33, 96, 96, np.nan])
    x = score_vectors(phrase(), written=written)
    check("written_dynamic", *(np.array([33, 33, 33, 96, 96, 0]) / 127))
    x = score_vectors(phrase(), np.array([60.0, 70, 80, 90, 64, 62]), written=written, contract=DYNAMICS.at("1"))
    np.testing.assert_allclose(x[:, 25], [1, 1, 0.5, 0.75, 0.25, 0.25])  # version 1: metrical strength
    a, b = 4 / 12, 3 / 12
    check(
        "contour",
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, a, b, -b],
        [0, 0, a, b, -b, -a],
        [0, a, b, -b, -a, 0],
        [a, b, -b, -a, 0, 0],
        [b, -b, -a, 0, 0, 0],
    )


def test_six_targets_by_hand() -> None:
    velocity = np.array([60.0, np.nan, 80, 90, 64, 62])
    known = np.array([60.0, 80, 90, 64, 62])
    played = PerformedNotes(
        velocity=velocity,
        timing=np.array([0, np.nan, 0.025, -0.025, 0.5, -0.5]),
        articulation=np.array([0.5, np.nan, 1, 2, 0, 0.25]),
        pedal=np.full(6, np.nan),
    )
    y, mask = targets(phrase(), played)
    assert y.shape == mask.shape == (6, 16) and np.isfinite(y).all()
    np.testing.assert_allclose(y[:, 0], np.nan_to_num(velocity) / 127, atol=1e-6)
    np.testing.assert_allclose(
        y[0, OUT["velocity_curve"]], [0, 80 / 127, 90 / 127, 64 / 127, 62 / 127, 0, 0], atol=1e-6
    )
    assert mask[0, OUT["velocity_curve"]].tolist() == [False, True, True, True, True, False, False]
    # All notes lie within four of each other but the first and the last.
    assert y[2, OUT["attack"]][0] == pytest.approx(0.5 + (80 - known.mean()) / 64)
    assert y[0, OUT["attack"]][0] == pytest.approx(0.5 + (60 - known[:4].mean()) / 64)
    np.testing.assert_allclose(y[:, OUT["release"]][:, 0], [0.5, 0, 1, 1, 0, 0.25])
    spread = np.ptp(np.percentile(known, (5, 95))) / 127
    np.testing.assert_allclose(y[:, OUT["dynamic_range"]][:, 0], spread, atol=1e-6)
    assert (y[:, OUT["compression"]] == 0).all() and mask[:, OUT["compression"]].all()
    np.testing.assert_allclose(y[:, OUT["timing"]][:, 0], [0.5, 0, 0.75, 0.25, 1, 0])
    assert not mask[:, OUT["pedal"]].any() and not mask[:, OUT["reserved"]].any() and not mask[1, 0]


@pytest.mark.parametrize(
    ("numerator", "denominator", "onsets", "strengths"),
    [
        (4, 4, [0, 1, 2, 3, 0.5, 0.25, 1 / 3], [1, 0.5, 0.75, 0.5, 0.25, 0.125, 0]),
        (3, 4, [0, 1, 2, 1.5], [1, 0.5, 0.5, 0.25]),
        (6, 8, [0, 1.5, 0.5, 1, 0.25], [1, 0.5, 0.25, 0.25, 0.125]),
        (12, 8, [0, 3, 1.5], [1, 0.75, 0.5]),
        (2, 2, [0, 2, 1], [1, 0.5, 0.25]),
        (3, 8, [0, 0.5, 0.25], [1, 0.5, 0.25]),
    ],
)
def test_metrical_strength(numerator: int, denominator: int, onsets: list[float], strengths: list[float]) -> None:
    score, order = make_score(onsets, [0.1] * len(onsets), [60] * len(onsets), [(0, numerator, denominator)])
    np.testing.assert_allclose(metrical_strength(score), np.array(strengths)[order])


def test_a_pickup_lies_before_the_first_bar() -> None:
    score, _ = make_score([0, 1, 5], [1, 1, 1], [60, 62, 64], [(0, 1, 4), (1, 4, 4)])
    np.testing.assert_allclose(score.bar, [-1, 0, 1])
    later, _ = make_score([0, 4, 8, 11], [1] * 4, [60] * 4, [(0, 4, 4), (8, 3, 4)])
    np.testing.assert_allclose(later.bar, [0, 1, 2, 3])


NOTES = st.lists(
    st.tuples(
        st.floats(0, 5000, allow_nan=False),
        st.floats(0, 500, allow_nan=False),
        st.integers(0, 127),
        st.integers(1, 127),
    ),
    max_size=40,
)
METRES = st.lists(
    st.tuples(st.floats(0, 100), st.integers(1, 32), st.sampled_from([1, 2, 4, 8, 16, 32])), max_size=3
).map(lambda m: sorted(m))


@settings(max_examples=200, deadline=None)
@given(NOTES, METRES, st.floats(1, 1000))
def test_any_notes_give_finite_vectors_within_their_ranges(
    notes: list[tuple[float, float, int, int]], metres: list[tuple[float, int, int]], tempo: float
) -> None:
    onset, duration, pitch, velocity = (np.array([n[k] for n in notes], float) for k in range(4))
    score, order = make_score(onset, duration, pitch.astype(int), metres, tempo)
    x = score_vectors(score, velocity[order], written=velocity[order])
    assert x.shape == (len(notes), 32) and np.isfinite(x).all()
    for names, low, high in (
        (("emotion", "duration", "inter_onset", "beat_phase", "phrase_phase"), -1, 1),
        (("interval", "contour"), -2, 2),
        (("tempo",), -2, 4),
        (("metre", "polyphony"), 0, 2),
        (("pitch", "position", "previous_velocities", "written_dynamic"), 0, 1),
        (("local_peak", "top_voice", "bass_voice"), 0, 1),
    ):
        for name in names:
            part = x[:, IN[name]]
            assert ((part >= low - 1e-6) & (part <= high + 1e-6)).all(), name
    y, mask = targets(score, PerformedNotes(velocity[order], onset * 0, duration, np.full(len(notes), np.nan)))
    assert np.isfinite(y).all() and ((y >= 0) & (y <= 1)).all() and not mask[:, 14:].any()


@settings(max_examples=60, deadline=None)
@given(NOTES.filter(bool), st.integers(-12, 12))
def test_transposing_changes_the_pitch_alone(notes: list[tuple[float, float, int, int]], up: int) -> None:
    onset, duration = np.array([n[0] for n in notes]), np.array([n[1] for n in notes])
    pitch = np.array([12 + n[2] * 100 // 127 for n in notes])
    x, moved = (score_vectors(make_score(onset, duration, p)[0]) for p in (pitch, pitch + up))
    same = np.ones(32, bool)
    same[IN["pitch"]] = False
    np.testing.assert_array_equal(x[:, same], moved[:, same])
    np.testing.assert_allclose(moved[:, IN["pitch"]] - x[:, IN["pitch"]], up / 127, atol=1e-6)


def test_free_running_feeds_the_velocities_back() -> None:
    def call(x: np.ndarray) -> np.ndarray:
        y = np.zeros((len(x), 16), np.float32)
        y[:, 0] = x[:, 4] + x[:, IN["previous_velocities"]].sum(1) / 8
        return y

    rng = np.random.default_rng(0)
    pieces = [rng.random((n, 32), np.float32) for n in (5, 9, 1, 0)]
    for piece, out in zip(pieces, free_run(call, pieces), strict=True):
        v = [0.0] * 4
        for row in piece:
            v.append(row[4] + sum(v[-4:]) / 8)
        np.testing.assert_allclose(out[:, 0], v[4:], rtol=1e-5)


def test_decoding() -> None:
    y = np.zeros((3, 16), np.float32)
    y[:, 0], y[:, 9], y[:, 12], y[:, 13] = [0, 0.5, 1], [0, 0.5, 1], [0, 0.5, 1], [0.1, 0.6, 0.5]
    played = decode(y)
    assert played.velocity.tolist() == [1, 64, 127] and played.pedal.tolist() == [False, True, False]
    np.testing.assert_allclose(played.shift, [-0.05, 0, 0.05])
    np.testing.assert_allclose(played.length, [0, 0.5, 1])
