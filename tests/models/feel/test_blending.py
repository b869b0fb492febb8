"""Values through sounds that training did not hear: told by their own output, the density and the onsets together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.feel_songs import Data, excerpt, small
from torch import nn

from kmidi_lab.contracts import FEEL
from kmidi_lab.models.feel.blending import BLENDED, Blend, blends, put_into
from kmidi_lab.models.feel.features import Excerpt
from kmidi_lab.models.feel.scores import concordance, moments, moments_of

ENERGY, DENSITY, AROUSAL = (FEEL.output(name).start for name in ("energy", "density", "arousal"))


def song(number: int, arousal: float) -> Excerpt:
    made = excerpt(60 + 10 * number, number)
    struck = made.strokes * [1, 1, 0.3 + 0.05 * (number % 14)]
    return replace(made, strokes=struck, values={"arousal": arousal} if number % 2 else {})


SONGS = [song(n, np.sin(n)) for n in range(14)] + [song(n, np.cos(n)) for n in range(14)]


def shy() -> list[np.ndarray]:
    """Outputs of which energy's own says a third of what it should, beside an error that the density has, too."""
    out = []
    for n, one in enumerate(SONGS):
        rows = np.random.default_rng(n).normal(0, 0.01, (900, FEEL.output_size)).astype(np.float32)
        for end, energy in zip(moments(900), moments_of(one)[:, 0], strict=True):
            rows[end, ENERGY] += 0.4 + 0.3 * energy + (n % 3) / 10
            rows[end, DENSITY] += (n % 3) / 10
        rows[:, AROUSAL] -= 0.02 * one.values.get("arousal", 0.0)
        out.append(rows)
    return out


def energies(outputs: list[np.ndarray]) -> np.ndarray:
    return np.array([o[rows, ENERGY].mean() for o in outputs for rows in moments(900)])


def test_what_an_output_says_too_little_of_is_told_with_the_density() -> None:
    outputs, true = shy(), np.concatenate([moments_of(one)[:, 0] for one in SONGS])
    assert concordance(energies(outputs), true) < 0.3
    layer = nn.Linear(FEEL.output_size, FEEL.output_size)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(FEEL.output_size))
        layer.bias.zero_()
    put_into(layer, list(blends(outputs, SONGS)))
    with torch.no_grad():
        after = [layer(torch.from_numpy(o)).numpy() for o in outputs]
    assert concordance(energies(after), true) > 0.9
    assert energies(after).std() == pytest.approx(true.std(), rel=1e-3), "it says neither too little nor too much"
    changed = [p for p in range(FEEL.output_size) if not np.array_equal(after[0][:, p], outputs[0][:, p])]
    assert changed == [ENERGY], "14 labels of arousal are too few, and nothing is known of the others"


def test_a_last_layer_says_the_blend_of_what_it_said() -> None:
    module, x = small().eval(), torch.randn(1, 40, 128)
    *_, last = module.network
    with torch.no_grad():
        before = module.network(x)
        put_into(last, [Blend(AROUSAL, (AROUSAL, DENSITY), np.array([2.0, -0.5]), 0.25)])
        after = module.network(x)
    expected = before.clone()
    expected[..., AROUSAL] = 0.25 + 2 * before[..., AROUSAL] - 0.5 * before[..., DENSITY]
    assert torch.allclose(after, expected, atol=1e-6)


def test_a_module_is_calibrated_by_the_music_that_training_did_not_hear() -> None:
    module, outputs = small().eval(), shy()
    turns = iter(outputs)
    *_, last = module.network
    before = last.weight.clone()
    module.calibrate(
        lambda x: next(turns)[None], Data(val=[replace(s, split="val") for s in SONGS[:1]], calibration=SONGS[1:])
    )
    rows = {int(row) for row in (last.weight != before).any(1).nonzero()}
    assert rows == {ENERGY} and "energy" in BLENDED
