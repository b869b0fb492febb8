"""What the three audio models share: standardised frames, and a causal convolutional trunk over them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from kmidi_lab.errors import ConfigError
from kmidi_lab.features.mel_scale import BANDS
from kmidi_lab.models.base import LabModule
from kmidi_lab.models.blocks import Standardize
from kmidi_lab.models.streaming import CausalConv1d, Residual


def trunk(channels: int, kernel: int, dilations: Sequence[int], dropout: float) -> list[nn.Module]:
    """Layers from frames `[B, T, 128]` to `[B, T, channels]`: the statistics of the input, one convolution, residual blocks.

    Each block adds a dilated convolution and a dense layer to its input (He et al., *Deep Residual Learning for Image
    Recognition*, 2016). The receptive field is `1 + (kernel - 1) * (1 + sum(dilations))` frames of 16 ms.

    Raises:
        ConfigError: a value out of range.
    """
    if channels < 1 or kernel < 1 or not dilations or min(dilations) < 1:
        raise ConfigError("model.module: channels, kernel and every one of dilations must be 1 or more")
    if not 0 <= dropout <= 0.95:
        raise ConfigError(f"model.module.dropout={dropout} must be 0 to 0.95, such as model.module.dropout=0.2")
    layers: list[nn.Module] = [
        Standardize(torch.zeros(BANDS), torch.ones(BANDS)),
        CausalConv1d(BANDS, channels, kernel),
        nn.BatchNorm1d(channels),
        nn.ReLU(),
    ]
    for dilation in dilations:
        body = (
            CausalConv1d(channels, channels, kernel, dilation),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(channels, channels),
        )
        layers += [Residual(*body), nn.BatchNorm1d(channels), nn.ReLU()]
    return layers


class AudioModule(LabModule):
    """A model of mel frames whose `network` begins with `trunk`: takes the training frames' statistics before it trains.

    The data module gives them: `statistics()` returns mean and standard deviation `[128]` of its training frames.
    """

    def setup(self, stage: str) -> None:
        if stage != "fit":
            return
        mean, std = self.trainer.datamodule.statistics()  # type: ignore[attr-defined]
        first = next(m for m in self.network.modules() if isinstance(m, Standardize))
        first.mean.copy_(mean)
        first.std.copy_(std)
