"""InstrumentRecognizer: trains the network from mel frames to two heads, one technical and one emotional."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

import torch
from torch.nn import functional as F

from kmidi_lab.bounds import Count, Share, Sizes
from kmidi_lab.models.instrument.calibration import CalibrationData, Call, Unheard, note_of, scale_of
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import INSTRUMENTS, LOSS_WEIGHTS, ORDINAL, InstrumentBatch
from kmidi_lab.models.instrument.network import HEAD_SIZE, last_layers, scale_logits, two_headed_network
from kmidi_lab.nn.audio import AudioModule, Cepstra, clip_mean, strided_forward
from kmidi_lab.nn.module import Dropout, LossWeight, Smoothing, Trained
from kmidi_lab.nn.streaming import Chain
from kmidi_lab.run_analysis import Note

_START, _STEP = 6, 4
"""The loss of single frames leaves out those after a reset, when there is nothing yet to go by, and takes every fourth
at most: neighbours tell the same."""
_BALANCED, _MOST = ("technique", "articulation"), 8.0
_PARTS = {name: INSTRUMENT.output(name).index for name in LOSS_WEIGHTS}


class InstrumentRecognizer(AudioModule):
    """Trains every slice on the clips that have a label for it.

    A clip is judged by the mean of its outputs. The last layers begin at zero and are moved by labels alone, so that a
    slice no label was given for stays at zero: constant.

    Args:
        channels: of the trunk, as are the next three, `dropout` and `cepstra` (`nn.audio.trunk`).
        first_kernel: taps of the first convolution.
        kernel: taps of the others.
        dilations: calls between taps, one a block. Training looks at every fourth frame where all are multiples of
            four, else at every second, or at each (`nn.audio.strided_forward`).
        hidden: units of each head.
        dropout: share of units dropped in training.
        cepstra: coefficients that the convolutions see; 0 is the bands themselves.
        label_smoothing: of places without order.
        neighbour: share of a label that goes to the places beside it where they are in order.
        frame_weight: of the loss frame by frame, beside that of the clip.
        balance: power of a place's rarity that its clips of technique and articulation count by; 0 is not at all.
    """

    network: Chain
    contract = INSTRUMENT
    vocabulary = INSTRUMENTS
    loss_name = "weighted_cross_entropy"

    def __init__(
        self,
        channels: Count = 128,
        first_kernel: Count = 8,
        kernel: Count = 3,
        dilations: Sizes = (4, 8, 16),
        hidden: Count = 128,
        dropout: Dropout = 0.0,
        cepstra: Cepstra = 0,
        label_smoothing: Smoothing = 0.05,
        neighbour: Smoothing = 0.2,
        frame_weight: LossWeight = 0.5,
        balance: Share = 0.5,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.network = two_headed_network(channels, first_kernel, kernel, dilations, hidden, dropout, cepstra)
        self.frame_weight, self.balance = frame_weight, balance
        self._rarity = torch.ones(INSTRUMENT.output_size)
        self._soft = {name: _soft_targets(part, name, label_smoothing, neighbour) for name, part in _PARTS.items()}
        self.stride = gcd(4, *dilations)
        self.sizes = (channels, first_kernel, kernel, tuple(dilations), hidden)
        self.save_hyperparameters()

    def setup(self, stage: str) -> None:
        super().setup(stage)
        if stage == "fit":
            counts = self.trainer.datamodule.place_counts()  # type: ignore[attr-defined]
            for name in _BALANCED:
                part = _PARTS[name]
                self._rarity[part] = rarity(counts[part], self.balance)

    @property
    def architecture(self) -> str:
        channels, first, kernel, dilations, hidden = self.sizes
        blocks = ", ".join(map(str, dilations))
        return (
            f"causal CNN, {channels} channels, kernels {first} and {kernel}, residual blocks of dilation {blocks}, "
            f"two heads {channels}→{hidden}→{HEAD_SIZE}"
        )

    def calibrate(self, call: Call, data: CalibrationData, folds: Iterable[Trained] = ()) -> list[Note]:
        """Scales the logits of the instruments in the network itself, so that whoever reads an exported file needs no more.

        The scale is that of the validation clips of `folds` where there are any, each by its own network, else of `data`.
        """
        unheard = [Unheard(own, part) for _, own, part in folds]
        of_another = bool(unheard)
        if not of_another:
            if not data.songs("val"):
                return []
            unheard = [Unheard(call, data)]
        scale = scale_of(unheard)
        scale_logits(self.network, INSTRUMENT.output("instrument").index, scale)
        return [note_of(scale, sum(len(each.judged[1]) for each in unheard), of_another)]

    def training_step(self, batch: InstrumentBatch, batch_idx: int) -> torch.Tensor:
        outputs, weight = self._outputs(batch)
        counted, own = batch.mask * self._rarity.to(batch.mask), slice(len(outputs))
        means = clip_mean(outputs, weight)
        if batch.heard is not None:  # these are heard as a whole alone
            means = torch.cat([means, last_layers(self.network)[1](batch.heard)])
        clip = losses(means, batch.target, counted, self._soft)
        later = slice(-(-_START // self.stride), None, _STEP // self.stride)
        frames = losses(outputs[:, later], batch.target[own], counted[own], self._soft, weight[:, later])
        by_clip, by_frame = (sum(LOSS_WEIGHTS[name] * each[name] for name in each) for each in (clip, frames))
        self.keep_loss(by_clip)  # type: ignore[arg-type]
        return by_clip + self.frame_weight * by_frame  # type: ignore[return-value]

    def _outputs(self, batch: InstrumentBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs `[B, T', 160]` of every `stride`-th frame and what each counts `[B, T']`."""
        first, last = last_layers(self.network)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.leaves(first)):
            hidden = strided_forward(first, batch.x, self.stride)
        return last(hidden), batch.weight[:, :: self.stride]

    def validation_step(self, batch: InstrumentBatch, batch_idx: int) -> None:
        clip, size = clip_mean(*self._outputs(batch)), len(batch.x)
        by_slice = losses(clip, batch.target, batch.mask)
        loss = sum(LOSS_WEIGHTS[name] * value for name, value in by_slice.items())
        self.log("val/loss", loss, prog_bar=True, batch_size=size, sync_dist=True)
        for name in by_slice:
            part = _PARTS[name]
            mask = batch.mask[:, part.start] > 0
            if mask.any():
                right = clip[mask, part].argmax(1) == batch.target[mask, part].argmax(1)
                self.log(f"val/{name}", right.float().mean(), batch_size=int(mask.sum()), sync_dist=True)


def losses(
    outputs: torch.Tensor,
    target: torch.Tensor,
    mask: torch.Tensor,
    soft: dict[str, torch.Tensor] | None = None,
    weight: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """Mean cross-entropy of each slice over the clips that have it, in nats.

    Args:
        outputs: `[B, 160]` logits, or `[B, T, 160]` with `weight`.
        target: `[B, 160]` shares of each slice's places.
        mask: `[B, 160]`, how much a place's clips count; 0 for an unknown slice.
        soft: for each slice what a sure label is as a target, `[K, K]`.
        weight: `[B, T]`, 1 where there is a frame, else 0.
    """
    out = {}
    for name, part in _PARTS.items():
        has, goal = (mask[:, part] * target[:, part]).sum(1), target[:, part]
        if soft is not None:
            goal = goal @ soft[name].to(goal)
        logs = F.log_softmax(outputs[..., part], -1)
        if weight is None:
            each, counted = -(goal * logs).sum(-1), has
        else:
            each, counted = -(goal[:, None] * logs).sum(-1), has[:, None] * weight
        out[name] = (each * counted).sum() / counted.sum().clamp_min(1)
    return out


def rarity(counts: torch.Tensor, power: float) -> torch.Tensor:
    """`[K]` counts to what a clip of each place counts: its rarity to `power`.

    At most 8 times what the commonest counts, and 1 on average over the clips.
    """
    weights = (counts.sum() / counts.clamp_min(1)) ** power
    weights = (
        torch.minimum(weights, _MOST * weights[counts > 0].min()) if (counts > 0).any() else torch.ones_like(weights)
    )
    return weights * counts.sum().clamp_min(1) / (weights * counts).sum().clamp_min(1e-6)


def _soft_targets(part: slice, name: str, smoothing: float, neighbour: float) -> torch.Tensor:
    """`[K, K]`: row k is the target that place k is trained towards."""
    size = part.stop - part.start
    if name not in ORDINAL:
        return (1 - smoothing) * torch.eye(size) + smoothing / size
    beside = torch.eye(size) + neighbour * (torch.diag(torch.ones(size - 1), 1) + torch.diag(torch.ones(size - 1), -1))
    return beside / beside.sum(1, keepdim=True)
