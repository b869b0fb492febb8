"""Noise, hum and lines in batches of frames: each for its share alone."""

from __future__ import annotations

import pytest
import torch

from datamodules.shared.troubles import Troubles


@pytest.mark.parametrize("share", ["background", "hum", "line"])
def test_each_trouble_is_met_by_its_share(share: str) -> None:
    x = torch.randn(200, 4, 128, generator=torch.Generator().manual_seed(0))
    shares = {"background": 0.0, "hum": 0.0, "line": 0.0, share: 0.3}
    troubled = Troubles.on(torch.device("cpu"), **shares)(x, torch.Generator().manual_seed(1))
    assert 40 < int((troubled != x).any(2).any(1).sum()) < 80


def test_without_troubles_sounds_stay_as_they_are() -> None:
    x = torch.randn(3, 4, 128)
    assert torch.equal(Troubles.on(torch.device("cpu"), 0.0, 0.0, 0.0)(x, torch.Generator()), x)
