"""Values of music through sounds that training did not hear: each by its own output, the density and the onsets.

An output that learnt how hard a stroke is from the timbre of two SoundFonts says too little of a third one: it hardly
moves. How many onsets there are is heard through any. So the last layer blends both, by least squares on music through a
SoundFont that training did not hear, and gives each value the spread that it has there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.decoding import WARM_UP
from kmidi_lab.models.feel.features import CURVES, WHOLE, Excerpt
from kmidi_lab.models.feel.scores import moments, moments_of

Array = NDArray[np.float64]
BLENDED = ("energy", "register", "valence", "arousal")
"""A blend makes no other value better through sounds that it was not fitted on either (docs/notes/feel.md)."""
_BESIDE = (FEEL.output("density").start, *range(FEEL.output("onsets").start, FEEL.output("onsets").stop))
_STRENGTH = 10.0
"""Of the penalty on squared weights, inputs in their standard deviations."""
_FEWEST, _LEAST = 20, 1e-6


class Blend(NamedTuple):
    """Output `place` becomes `offset` plus the outputs at `sources`, each times its weight `[N]`."""

    place: int
    sources: tuple[int, ...]
    weights: Array
    offset: float


def blends(outputs: Sequence[NDArray[np.floating]], songs: Sequence[Excerpt]) -> Iterator[Blend]:
    """A blend of each value that at least 20 labels tell and that varies.

    Args:
        outputs: `[T, 64]` of each excerpt.
        songs: the excerpts, which training did not hear.
    """
    for name in BLENDED:
        place = FEEL.output(name).start
        sources = (place, *_BESIDE)
        said, true = _pairs(name, outputs, songs, sources)
        if len(true) >= _FEWEST and true.std() > _LEAST:
            yield Blend(place, sources, *_fitted(said, true))


@torch.no_grad()
def put_into(layer: nn.Linear, found: Sequence[Blend]) -> None:
    """Makes the last layer of a network say the blends of what it said."""
    weight, bias = layer.weight.clone(), layer.bias.clone()
    for blend in found:
        weights = torch.as_tensor(blend.weights, dtype=weight.dtype)
        layer.weight[blend.place] = weights @ weight[list(blend.sources)]
        layer.bias[blend.place] = weights @ bias[list(blend.sources)] + blend.offset


def _pairs(
    name: str, outputs: Sequence[NDArray[np.floating]], songs: Sequence[Excerpt], sources: Sequence[int]
) -> tuple[Array, Array]:
    """What is said `[M, N]` and true `[M]` of a value, as it is scored: at three moments, or of the whole."""
    if name in CURVES:
        said = [o[rows][:, sources].mean(0) for o in outputs for rows in moments(len(o))]
        true = [row for song in songs for row in moments_of(song)[:, CURVES.index(name)]]
    else:
        assert name in WHOLE
        known = [(o, song.values[name]) for o, song in zip(outputs, songs, strict=True) if name in song.values]
        said = [o[min(WARM_UP, len(o) - 1) :][:, sources].mean(0) for o, _ in known]
        true = [value for _, value in known]
    return np.array(said, np.float64).reshape(-1, len(sources)), np.array(true, np.float64)


def _fitted(said: Array, true: Array) -> tuple[Array, float]:
    """Weights and offset of ridge regression, stretched to the spread of the truth: alone it would say too little."""
    mean, spread = said.mean(0), np.maximum(said.std(0), _LEAST)
    inputs = (said - mean) / spread
    normal = inputs.T @ inputs + _STRENGTH * np.eye(inputs.shape[1])
    weights = np.linalg.solve(normal, inputs.T @ (true - true.mean())) / spread
    weights *= true.std() / max((said @ weights).std(), _LEAST)
    return np.asarray(weights), float(true.mean() - mean @ weights)
