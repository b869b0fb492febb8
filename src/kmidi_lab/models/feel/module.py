"""AudioFeelAnalyzer: trains the network from mel frames to tempo, beats, onsets and the texture of the music."""

from __future__ import annotations

from math import gcd

import torch
from torch.nn import functional as F

from kmidi_lab.bounds import Count, Sizes
from kmidi_lab.contracts import FEEL
from kmidi_lab.models.feel.features import BINS, CURVES, SPREADS, VALUES, WHOLE, FeelBatch, bin_of
from kmidi_lab.models.feel.network import feel_network
from kmidi_lab.nn.audio import AudioModule, strided_forward
from kmidi_lab.nn.module import Dropout, LossWeight
from kmidi_lab.nn.streaming import Chain

_TEMPO, _CONFIDENCE = FEEL.output("tempo").index, FEEL.output("confidence").start
_EVENTS = slice(FEEL.output("beat").start, FEEL.output("onsets").stop)
_CURVES, _WHOLE = ([FEEL.output(name).start for name in names] for names in (CURVES, WHOLE))
_START = 128
"""Frames after a reset that the loss of tempo and whole values leaves out."""
_WHOLE_FROM = 0.5
"""Share of the training that is done when the values have their whole weight; it rises with the third power before."""
_SPREAD = 0.7
"""Bins: standard deviation of the bell that a tempo is as a target."""
_RIGHT = bin_of(50 * 1.04)
"""Bins that a right tempo may be off."""


class AudioFeelAnalyzer(AudioModule):
    """Trains all slices together; what an excerpt has no label for is left out of its loss.

    The values' weight rises over the first half of the training: with the whole of it from the start the network learns
    them first, and no tempo.

    Confidence is trained on whether the tempo that the network itself says is right within 4 %.

    Args:
        channels: of the trunk, as are the next three and `dropout` (`nn.audio.trunk`).
        first_kernel: taps of the first convolution.
        kernel: taps of the others.
        dilations: calls between taps, one a block. Training looks at every n-th frame only, n their greatest common
            divisor (`nn.audio.strided_forward`).
        hidden: units of the dense layer behind the trunk.
        dropout: share of units dropped in training.
        event_weight: of the loss of beats and onsets, relative to the tempo's.
        value_weight: of the loss of the values, whose errors count in their own standard deviations
            (`features.SPREADS`).
        rare: how much more a frame with an event counts than one without.
    """

    network: Chain
    contract = FEEL
    vocabulary = VALUES
    loss_name = "weighted_sum"

    def __init__(
        self,
        channels: Count = 48,
        first_kernel: Count = 8,
        kernel: Count = 3,
        dilations: Sizes = (4, 8, 16, 32, 64, 128),
        hidden: Count = 96,
        dropout: Dropout = 0.1,
        event_weight: LossWeight = 4.0,
        value_weight: LossWeight = 1.0,
        rare: LossWeight = 4.0,
        learning_rate: float = 5e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.network = feel_network(channels, first_kernel, kernel, dilations, hidden, dropout)
        self.weights, self.rare = (event_weight, value_weight), rare
        self.stride = gcd(*dilations)
        self.sizes = (channels, first_kernel, kernel, tuple(dilations), hidden)
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        channels, first, kernel, dilations, hidden = self.sizes
        return (
            f"causal CNN, {channels} channels, kernels {first} and {kernel}, residual blocks of dilation "
            f"{', '.join(map(str, dilations))}, {channels}→{hidden}→{FEEL.output_size}"
        )

    def training_step(self, batch: FeelBatch, batch_idx: int) -> torch.Tensor:
        loss = self._total(losses(*self._every(batch), self.rare, _START // self.stride), self._share())
        self.keep_loss(loss)
        return loss

    def validation_step(self, batch: FeelBatch, batch_idx: int) -> None:
        (outputs, batch), size = self._every(batch), len(batch.x)
        each = losses(outputs, batch, self.rare, _START // self.stride)
        self.log("val/loss", self._total(each), prog_bar=True, batch_size=size, sync_dist=True)
        for name, value in each.items():
            self.log(f"val/{name}", value, batch_size=size, sync_dist=True)
        there = ~batch.tempo.isnan()
        if there.any():
            place = _place(outputs[there, _START // self.stride :, _TEMPO].mean(1))
            right = ((place - batch.tempo[there]).abs() < _RIGHT).float().mean()
            self.log("val/accuracy1", right, prog_bar=True, batch_size=int(there.sum()), sync_dist=True)

    def _every(self, batch: FeelBatch) -> tuple[torch.Tensor, FeelBatch]:
        """Outputs `[B, T', 64]` of every `stride`-th frame, and the batch with the events and curves of these."""
        some = batch._replace(events=batch.events[:, :: self.stride], curves=batch.curves[:, :: self.stride])
        return strided_forward(self.network, batch.x, self.stride), some

    def _share(self) -> float:
        """Of the values' weight; the whole for weights that know the tempo from an earlier training."""
        done = self.trainer.global_step / self.trainer.estimated_stepping_batches
        return 1.0 if self.has_start else min(1.0, done / _WHOLE_FROM) ** 3

    def _total(self, each: dict[str, torch.Tensor], share: float = 1.0) -> torch.Tensor:
        """The values count by a share of their weight."""
        events, values = self.weights
        return each["tempo"] + events * each["events"] + share * values * each["values"] + 0.2 * each["confidence"]


def losses(outputs: torch.Tensor, batch: FeelBatch, rare: float, start: int) -> dict[str, torch.Tensor]:
    """Mean loss of tempo, events, values and confidence, each over what has a label.

    Errors of values count in standard deviations of the training's, so that one that varies little is learnt, too.

    Args:
        outputs: `[B, T, 64]`.
        batch: events and curves of the same frames.
        rare: how much more a frame with an event counts.
        start: frames that the loss of tempo and whole values leaves out.
    """
    late = outputs[:, start:]
    there = ~batch.tempo.isnan()
    tempo, confidence = outputs.new_zeros(()), outputs.new_zeros(())
    if there.any():
        goal, logits = batch.tempo[there], late[there][..., _TEMPO]
        bins = torch.arange(BINS, device=outputs.device)
        bell = F.softmax(-((bins - goal[:, None]) ** 2) / (2 * _SPREAD**2), -1)
        tempo = -(bell[:, None] * F.log_softmax(logits, -1)).sum(-1).mean()
        right = ((_place(logits.detach()) - goal[:, None]).abs() < _RIGHT).float()
        confidence = F.binary_cross_entropy_with_logits(late[there][..., _CONFIDENCE], right)
    counts = (1 + (rare - 1) * (batch.events > 0)) * batch.marked[:, None]
    events = F.binary_cross_entropy_with_logits(outputs[..., _EVENTS], batch.events, counts)
    curve_spread, whole_spread = (outputs.new_tensor([SPREADS[n] for n in names]) for names in (CURVES, WHOLE))
    curves = ((outputs[..., _CURVES] - batch.curves) / curve_spread).square().mean()
    labelled = ~batch.whole.isnan()
    off = ((late[..., _WHOLE] - batch.whole.nan_to_num()[:, None]) / whole_spread).square().mean(1)
    whole = (off * labelled).sum() / labelled.sum().clamp_min(1)
    return {"tempo": tempo, "events": events, "values": curves + whole, "confidence": confidence}


def _place(logits: torch.Tensor) -> torch.Tensor:
    """The real place of the tempo: the mean of the likeliest bin and those beside it; logits `[..., 32]`."""
    p = logits.softmax(-1)
    top = p.argmax(-1, keepdim=True)
    near = (top + torch.arange(-1, 2, device=logits.device)).clamp(0, BINS - 1)
    weight = p.gather(-1, near)
    return (weight * near).sum(-1) / weight.sum(-1)
