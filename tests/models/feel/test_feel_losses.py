"""What the outputs of AudioFeelAnalyzer cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.feel_songs import COUNT, batch_of, excerpt

from kmidi_lab.contracts import FEEL
from kmidi_lab.models.feel.features import CURVES, SPREADS, WHOLE, FeelBatch
from kmidi_lab.models.feel.losses import losses
from kmidi_lab.models.feel.scores import concordance


def test_unknown_labels_move_nothing() -> None:
    song = replace(excerpt(120), beats=np.zeros(0), downbeats=np.zeros(0), values={})
    batch, outputs = batch_of([song]), torch.zeros(1, COUNT, FEEL.output_size, requires_grad=True)
    sum(losses(outputs, batch, 4.0, 128).values()).backward()  # type: ignore[union-attr]
    assert outputs.grad is not None
    still = [FEEL.output(n) for n in ("tempo", "beat", "downbeat", "confidence", *WHOLE)]
    assert not any(outputs.grad[..., s.index].any() for s in still)
    assert all(outputs.grad[..., FEEL.output(n).index].any() for n in ("onsets", *CURVES))


def test_an_error_costs_by_what_its_value_varies_by() -> None:
    """A register that is off by its own spread costs as much as an energy or a key clarity that is."""
    batch = batch_of([replace(excerpt(120), values=dict.fromkeys(WHOLE, 0.5))])
    right = torch.zeros(1, COUNT, FEEL.output_size)
    for name, column in zip((*CURVES, *WHOLE), (*batch.curves[0].T, *batch.whole[0]), strict=True):
        right[..., FEEL.output(name).start] = column
    costs = {}
    for name, spread in SPREADS.items():
        wrong = right.clone()
        wrong[..., FEEL.output(name).start] += spread
        costs[name] = float(losses(wrong, batch, 4.0, 128)["values"])
    assert set(costs) == {*CURVES, *WHOLE} and float(losses(right, batch, 4.0, 128)["values"]) == 0
    assert [costs[n] for n in CURVES] == pytest.approx([1 / len(CURVES)] * len(CURVES), rel=1e-4)
    assert [costs[n] for n in WHOLE] == pytest.approx([1 / len(WHOLE)] * len(WHOLE), rel=1e-4)


def test_agreement_is_what_concordance_lacks() -> None:
    """Beside the evaluator's own concordance, and by hand: an answer of the mean lacks all of it."""
    songs = [replace(excerpt(bpm), values={"swing": n / 5}) for n, bpm in enumerate((70, 90, 120, 150, 180))]
    batch = batch_of(songs)
    batch = batch._replace(curves=torch.full_like(batch.curves, torch.nan))
    said = torch.zeros(len(songs), COUNT, FEEL.output_size)
    told = torch.tensor([0.1, 0.2, 0.3, 0.5, 0.7])
    said[..., FEEL.output("swing").start] = told[:, None]
    lack = 1 - concordance(told.numpy().astype(float), np.arange(5) / 5)
    assert float(losses(said, batch, 4.0, 128)["agreement"]) == pytest.approx(lack / len(WHOLE), rel=1e-4)
    said[..., FEEL.output("swing").start] = 0.4
    assert float(losses(said, batch, 4.0, 128)["agreement"]) == pytest.approx(1 / len(WHOLE))
    few = FeelBatch(*(column[:3] for column in batch if column is not None))
    assert float(losses(said[:3], few, 4.0, 128)["agreement"]) == 0, "three say nothing"
