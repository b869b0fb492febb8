"""Baselines of structure prediction: what each can know, and that they are probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from datamodules.structure import form_rules
from kmidi_lab.models.structure.baselines import before, fit_baselines, tokens_of
from kmidi_lab.models.structure.features import UNKNOWN, encode_forms
from kmidi_lab.scoring.metrics import classification


@pytest.fixture(scope="module")
def fitted():
    songs = form_rules.read().items
    train, val, test = songs[:300], songs[300:350], songs[350:]
    return fit_baselines(train, val, encode_forms(train)), test, encode_forms(test)


@pytest.mark.slow
def test_all_of_them_are_there(fitted):
    names = list(fitted[0])
    assert names == [
        "majority", "position_majority", "bigram", "3-gram", "4-gram", "5-gram", "6-gram", "6-gram+cache", "blend", "boosted_trees",
    ]  # fmt: skip


@pytest.mark.slow
def test_they_give_probabilities(fitted):
    baselines, songs, e = fitted
    for name, baseline in baselines.items():
        for p, classes in zip(baseline(songs, e), (13, 8), strict=True):
            assert p.shape == (len(e.token), classes) and (p >= 0).all(), name
            np.testing.assert_allclose(p.sum(1), 1, atol=1e-9, err_msg=name)


def test_those_that_know_more_are_better(fitted):
    baselines, songs, e = fitted
    scores = {name: classification(b(songs, e)[0], e.token)["perplexity"] for name, b in baselines.items()}
    assert scores["majority"] > scores["bigram"] > scores["3-gram"] > scores["5-gram"]
    assert scores["blend"] < 1.02 * min(scores["6-gram"], scores["6-gram+cache"])
    assert scores["majority"] > scores["position_majority"]


def test_lengths_of_a_type_return(fitted):
    baselines, songs, e = fitted
    counted = e.length != UNKNOWN
    best = classification(baselines["5-gram"](songs, e)[1][counted], e.length[counted])
    by_type = classification(baselines["bigram"](songs, e)[1][counted], e.length[counted])
    assert best["perplexity"] < by_type["perplexity"]


def test_the_sections_before_stand_nearest_first():
    songs = form_rules.read().items[:3]
    columns, tokens = before(songs, 2), tokens_of(songs)
    first = len(songs[0].tokens)
    assert columns[0].tolist() == [13, 13] and columns[first].tolist() == [13, 13]
    assert columns[2].tolist() == [tokens[1], tokens[0]]
    assert before(songs, 0).shape == (len(tokens), 0) and before([], 3).shape == (0, 3)
