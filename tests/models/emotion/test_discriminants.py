"""What tells classes apart, against a direction worked out in another way."""

from __future__ import annotations

import numpy as np

from kmidi_lab.emotion_embedding import read_scalars
from kmidi_lab.models.emotion.discriminants import fit_discriminants, spare_directions


def drawn(classes: np.ndarray) -> np.ndarray:
    """Examples `[N, 3]` whose first two numbers vary together and whose second alone differs by class."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, 3, len(classes))
    return np.stack([common, common + 0.5 * classes, rng.normal(0, 1, len(classes))], 1) + rng.normal(
        0, 0.1, (len(classes), 3)
    )


def test_a_direction_of_two_classes_is_that_of_fisher() -> None:
    classes = np.arange(4000) % 2
    x = drawn(classes)
    weight, bias = fit_discriminants(x, [(classes, 2)])
    means = np.stack([x[classes == k].mean(0) for k in (0, 1)])
    own = x - means[classes]
    scale = own.std(0)
    correlations = np.corrcoef(own.T)
    shrunken = 0.95 * correlations + 0.05 * np.eye(3)
    fisher = np.linalg.solve(shrunken, (means[1] - means[0]) / scale) / scale
    fisher /= np.sqrt(fisher @ (shrunken * np.outer(scale, scale)) @ fisher)
    assert weight.shape == (1, 3)
    assert np.allclose(weight[0] * np.sign(weight[0] @ fisher), fisher, atol=1e-6)
    assert np.allclose((x @ weight.T + bias).mean(0), 0, atol=1e-9)


def test_classings_stand_behind_each_other_and_what_has_no_examples_is_zero() -> None:
    classes = np.arange(600) % 3
    weight, bias = fit_discriminants(drawn(classes), [(classes, 5), (np.zeros(600, int), 2), (classes // 2, 2)])
    assert weight.shape == (6, 3) and bias.shape == (6,)
    assert [bool(row.any()) for row in weight] == [True, True, False, False, False, True]
    told = drawn(classes) @ weight[0] + bias[0]
    centres = [told[classes == k].mean() for k in range(3)]
    assert centres == sorted(centres) or centres == sorted(centres, reverse=True)


def test_spare_directions_change_no_reading() -> None:
    directions = spare_directions(28)
    assert directions.shape == (64, 28) and np.allclose(directions.T @ directions, np.eye(28), atol=1e-6)
    embedding = np.random.default_rng(0).normal(0, 0.3, (5, 64))
    moved = embedding + np.random.default_rng(1).normal(0, 2, (5, 28)) @ directions.T
    assert np.allclose(read_scalars(moved), read_scalars(embedding), atol=1e-6)
    assert not np.allclose(moved, embedding, atol=0.1)
