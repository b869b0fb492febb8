"""Weights of release 0.1.0 fit the networks of today: no key of the state dict has moved."""

from __future__ import annotations

from pathlib import Path

import torch
from omegaconf import OmegaConf

from kmidi_lab.nn.module import LabModule
from kmidi_lab.targets import build

RUN = Path(__file__).parents[1] / "fixtures" / "run_of_0_1_0"


def test_a_checkpoint_of_0_1_0_loads_key_by_key() -> None:
    cfg = OmegaConf.load(RUN / "config.yaml")
    module = build(cfg.model.module, LabModule, ())  # type: ignore[type-abstract]
    stored = torch.load(RUN / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    before = {name: weights.clone() for name, weights in module.state_dict().items()}
    module.load_state_dict(stored, strict=True)
    assert any(not torch.equal(weights, before[name]) for name, weights in module.state_dict().items())
