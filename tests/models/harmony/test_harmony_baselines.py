"""Baselines and metrics against hand counts and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_calibration_error

from kmidi_lab.models.harmony.baselines import (
    BlendedCaches,
    CachedNGram,
    ChordNGram,
    TokenSong,
    circle_of_fifths,
    fit_baselines,
)
from kmidi_lab.scoring.evaluation import Evaluation, verdict
from kmidi_lab.scoring.matches import every_match, longest_matches
from kmidi_lab.scoring.metrics import (
    classification,
    confusion,
    expected_calibration_error,
    log_likelihoods,
    paired_bootstrap,
    top_k,
)

songs = st.lists(
    st.builds(
        TokenSong,
        st.lists(st.integers(0, 95), min_size=2, max_size=20).map(tuple),
        st.sampled_from([1, -1]),
        st.just("t"),
    ),
    min_size=2,
    max_size=6,
)


def song(*tokens: int) -> TokenSong:
    return TokenSong(tokens, 1, "t")


def test_witten_bell_by_hand() -> None:
    # After 1: seen 2 twice and 3 once (N=3, T=2). Unigram: 1 x3, 2 x2, 3 x1 (N=6, T=3) over uniform 1/96.
    model = ChordNGram(2, [song(1, 2), song(1, 2), song(1, 3)], "witten-bell")
    unigram_2 = (2 + 3 / 96) / 9
    assert model.predict(song(1, 2))[1, 2] == pytest.approx((2 + 2 * unigram_2) / 5)
    assert model.predict(song(50, 2))[1, 2] == pytest.approx(unigram_2)


@settings(max_examples=20, deadline=None)
@given(songs)
def test_every_baseline_gives_probabilities_that_sum_to_one(train: list[TokenSong]) -> None:
    for model in fit_baselines(train, train).values():
        for s in train:
            p = model.predict(s)
            assert p.shape == (len(s.tokens), 96)
            assert np.allclose(p.sum(1), 1.0)
            assert (p > 0).all()


def test_cache_looks_back_only() -> None:
    p, order = longest_matches(song(1, 2, 3, 1, 2, 4).tokens, 4, 96)
    assert order.tolist() == [0, 0, 0, 0, 1, 2]
    assert p[4, 2] == 1.0
    assert p[5, 3] == 1.0
    assert not p[:4].any()


def test_every_match_by_hand() -> None:
    p, longest = every_match((1, 2, 3, 1, 2, 4, 1, 2), 2, 5)
    assert longest.tolist() == [0, 0, 0, 0, 1, 2, 0, 1]
    assert p[0, 3].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0])
    assert p[1, 5].tolist() == [0, 0, 0, 1, 0]
    assert p[2, 5].tolist() == [0, 0, 0, 1, 0]
    assert p[1, 7].tolist() == [0, 0, 1, 0, 0]
    assert not p[1:, :4].any()


@settings(max_examples=20, deadline=None)
@given(songs)
def test_the_longest_of_every_match_is_the_longest_match(train: list[TokenSong]) -> None:
    for s in train:
        every, longest = every_match(s.tokens, 8, 96)
        cache, lengths = longest_matches(s.tokens, 8, 96)
        assert longest.tolist() == lengths.tolist()
        at = np.flatnonzero(lengths)
        assert np.allclose(every[longest[at], at], cache[at])


def test_the_blend_is_no_worse_than_the_cache_on_what_it_is_tuned_on() -> None:
    rng = np.random.default_rng(0)
    data = [song(*(np.tile(rng.integers(0, 6, 7), 4).tolist())) for _ in range(12)]
    four = ChordNGram(4, data[:4])
    scores = []
    for model in (CachedNGram(four).tune(data[4:]), BlendedCaches(four, data[4:])):
        given_to = [model.predict(s)[np.arange(len(s.tokens)), list(s.tokens)] for s in data[4:]]
        scores.append(float(np.log(np.concatenate(given_to)).mean()))
    assert scores[1] > scores[0]


def test_cache_weight_is_learnt_where_repetition_pays() -> None:
    loop = [song(*([i, i + 1, i + 2] * 6)) for i in range(0, 60, 3)]
    cached = CachedNGram(ChordNGram(4, [song(90, 91, 92)])).tune(loop)
    assert cached.weights[3] > 0.9
    noise = [TokenSong(tuple(int(t) for t in np.random.default_rng(i).integers(0, 96, 40)), 1, "t") for i in range(20)]
    assert CachedNGram(ChordNGram(1, noise)).tune(noise).weights[1] < 0.3


def test_fifths_fall() -> None:
    after_dominant = circle_of_fifths(7 * 8 + 4, 1)
    assert after_dominant.argmax() == 0 * 8 + 5
    after_v_in_minor = circle_of_fifths(7 * 8 + 0, -1)
    assert after_v_in_minor.argmax() == 0 * 8 + 1


def random_case(n: int = 400, k: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.dirichlet(np.ones(k) * 0.4, n), rng.integers(0, k, n)


def test_metrics_agree_with_torchmetrics() -> None:
    p, y = random_case()
    tp, ty = torch.from_numpy(p), torch.from_numpy(y)
    assert top_k(p, y, 1) == pytest.approx(multiclass_accuracy(tp, ty, 9, average="micro").item())
    assert top_k(p, y, 3) == pytest.approx(multiclass_accuracy(tp, ty, 9, top_k=3, average="micro").item())
    assert expected_calibration_error(p, y) == pytest.approx(
        multiclass_calibration_error(tp, ty, 9, n_bins=15, norm="l1").item(), abs=1e-6
    )
    assert classification(p, y)["nll"] == pytest.approx(torch.nn.functional.nll_loss(tp.log(), ty).item())


def test_ties_never_help() -> None:
    assert top_k(np.full((4, 5), 0.2), np.array([0, 1, 2, 3]), 1) == 0.0


def test_confusion_rows_are_true_classes() -> None:
    assert confusion(np.array([1, 1, 0]), np.array([0, 1, 0]), 2) == [[1, 1], [0, 1]]


def test_bootstrap_interval_holds_a_clear_gain_and_not_a_null_one() -> None:
    groups = np.repeat(np.arange(40), 5)
    low, high = paired_bootstrap(np.random.default_rng(0).normal(0.5, 0.2, 200), groups)
    assert 0.4 < low < high < 0.6
    low, high = paired_bootstrap(np.random.default_rng(1).normal(0.0, 0.2, 200), groups)
    assert low < 0 < high


def test_verdict_takes_the_strongest_rival() -> None:
    e = Evaluation({"test": {"perplexity": 7.0}}, {"test": {"a": {"perplexity": 8.0}, "b": {"perplexity": 6.5}}})
    assert verdict(e, "test", "perplexity", "min")["best_baseline"] == "b"
    assert not verdict(e, "test", "perplexity", "min")["beats_baselines"]


def test_certain_and_wrong_is_finite() -> None:
    assert np.isfinite(log_likelihoods(np.array([[0.0, 1.0]]), np.array([0]))).all()
