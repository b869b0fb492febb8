"""The n-grams against the same sums done by hand, and what the baselines as a whole promise."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from support.melody_tunes import melody, random_tunes

from kmidi_lab.chords.chord import Key, plain_chord
from kmidi_lab.models.melody.baselines import fit_baselines, stepwise
from kmidi_lab.models.melody.features import NO_NOTE
from kmidi_lab.models.melody.ngrams import PITCHES, columns_of
from kmidi_lab.scoring.matches import longest_matches
from kmidi_lab.scoring.ngram import SMOOTHINGS, NGram, mixture_weights


def toy(seed: int, events: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, 3, (events, 2))
    return columns, (columns[:, 0] * 2 + columns[:, 1] + (rng.random(events) < 0.3)) % 7


def witten_bell(columns: np.ndarray, tokens: np.ndarray, context: tuple[int, ...]) -> np.ndarray:
    """The recursion as the paper has it, one context at a time."""
    p = np.full(7, 1 / 7)
    for n in range(len(context) + 1):
        followers = [t for c, t in zip(columns.tolist(), tokens.tolist(), strict=True) if tuple(c[:n]) == context[:n]]
        if not followers:
            break
        counts = np.bincount(followers, minlength=7)
        types = (counts > 0).sum()
        p = (counts + types * p) / (counts.sum() + types)
    return p


def kneser_ney(columns: np.ndarray, tokens: np.ndarray, context: tuple[int, ...]) -> np.ndarray:
    rows = [(*c, t) for c, t in zip(columns.tolist(), tokens.tolist(), strict=True)]
    orders: list[Counter] = []
    for n in (0, 1, 2):
        if n == 2:
            orders.append(Counter(rows))
        else:
            longer = {(*r[: n + 1], r[-1]) for r in rows}
            orders.append(Counter((*r[:n], r[-1]) for r in longer))
    p = np.full(7, 1 / 7)
    for n, counts in enumerate(orders):
        have = Counter(counts.values())
        y = have[1] / (have[1] + 2 * have[2])
        d = [
            0.0,
            *(
                float(np.clip(c - (c + 1) * y * have[c + 1] / have[c] if have[c] else c, 0.05, c - 0.05))
                for c in (1, 2, 3)
            ),
        ]
        own = defaultdict(int, {k[-1]: v for k, v in counts.items() if k[:-1] == context[:n]})
        total = sum(own.values())
        if not total:
            break
        left = sum(d[min(v, 3)] for v in own.values()) / total
        p = np.array([(own[t] - d[min(own[t], 3)]) / total if own[t] else 0.0 for t in range(7)]) + left * p
    return p


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_it_is_the_recursion_done_by_hand(smoothing: str) -> None:
    columns, tokens = toy(1, 90)
    by_hand = {"witten-bell": witten_bell, "kneser-ney": kneser_ney}[smoothing]
    wanted = np.array([[a, b] for a in range(4) for b in range(4)])
    found = NGram(columns, tokens, 7, smoothing).predict(wanted)
    for row, context in zip(found, wanted.tolist(), strict=True):
        np.testing.assert_allclose(row, by_hand(columns, tokens, tuple(context)), atol=1e-5)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_probabilities_sum_to_one_in_known_and_unknown_contexts(smoothing: str) -> None:
    columns, tokens = toy(2)
    p = NGram(columns, tokens, 7, smoothing).predict(np.array([[0, 0], [2, 1], [9, 9], [1, 9]]))
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert (p > 0).all()


def test_mixture_weights_find_the_better_model() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(3000) < 0.7
    own = np.where(first[:, None], [0.9, 0.1], [0.1, 0.9])
    weights = mixture_weights(own)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx((0.7 - 0.1) / 0.8, abs=0.03)


def test_longest_matches_by_hand() -> None:
    p, lengths = longest_matches([1, 2, 3, 1, 2, 4, 2], 8, 5)
    assert lengths.tolist() == [0, 0, 0, 0, 1, 2, 0]
    assert p[4].tolist() == [0, 0, 1, 0, 0]
    assert p[5].tolist() == [0, 0, 0, 1, 0]
    assert not p[:4].any()


def test_the_frame_of_the_key_makes_transposed_tunes_equal() -> None:
    tunes = [melody([p + k for p in (60, 64, 67, 65)], key=Key(k % 12, 1)) for k in (0, 2, 6, -5)]
    columns = columns_of(tunes, "key")
    assert np.array_equal(columns.pitch, np.tile([60, 64, 67, 65], 4))
    assert columns.shift.reshape(4, 4)[:, 0].tolist() == [0, 2, 6, -5]


def test_every_baseline_gives_distributions_and_more_knowledge_helps() -> None:
    train, val, test = random_tunes(60, 40, 1), random_tunes(15, 40, 2, "v"), random_tunes(15, 40, 3, "w")
    fitted = fit_baselines(train, val)
    predicted = fitted.predict(test)
    targets = np.concatenate([t.pitch for t in test]).astype(int)
    nll = {}
    for name, p in predicted.items():
        assert p.shape == (len(targets), PITCHES)
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-4)
        nll[name] = -np.log(p[np.arange(len(p)), targets]).mean()
    order = fitted.chosen["order"]
    assert nll[f"{order}-gram"] < nll["unigram"]
    assert nll[f"{order}-gram+cache"] < nll[f"{order}-gram"]
    assert nll[f"{order}-gram+rhythm+cache"] < nll[f"{order}-gram+rhythm"]


def test_the_heuristic_keeps_to_key_and_chord() -> None:
    p = stepwise(67, Key(0, 1), plain_chord(0, "major"), strong=True)
    assert p.sum() == pytest.approx(1)
    assert p[[64, 67, 72]].min() > p[[66, 68, 61]].max()
    assert stepwise(NO_NOTE, Key(0, 1), None, strong=False).argmax() // 12 == 5
