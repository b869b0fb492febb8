"""EmotionNodeClassifier: a causal convolutional network from mel frames to base, sub-emotion, intensity, key and node."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.features.batches import NodeBatch
from kmidi_lab.features.emotion_node import BASES, CLASSES, HEADS, PER_SUB
from kmidi_lab.models.audio import AudioModule, check_shares, thinned, trunk
from kmidi_lab.models.streaming import Chain

_PARTS = {name: EMOTION_NODE.output(name).index for name in HEADS}
_START_FRAMES = 32
"""Half a second after a reset that the loss of single frames leaves out: nothing tells a key or a rhythm by then."""


class EmotionNodeClassifier(AudioModule):
    """Trains five heads together, and the coarse ones to agree with what the nodes' probabilities add up to.

    A clip is judged by the mean of its outputs.

    Args:
        channels, kernel, dilations, dropout, cepstra, first_kernel: of the trunk (models.audio.trunk). The loss looks at every
            fourth frame where all dilations are multiples of four (models.audio.thinned).
        label_smoothing: of the cross-entropies. frame_weight: of the loss frame by frame, beside that of the clip.
        consistency: weight of the divergence between base and sub heads and the node head's marginals.
    """

    network: Chain
    contract = EMOTION_NODE
    vocabulary = CLASSES
    loss_name = "cross_entropy"

    def __init__(
        self,
        channels: int = 80,
        kernel: int = 3,
        dilations: Sequence[int] = (4, 8, 16, 32, 64),
        dropout: float = 0.1,
        cepstra: int = 0,
        first_kernel: int = 8,
        label_smoothing: float = 0.05,
        frame_weight: float = 0.3,
        consistency: float = 0.1,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        check_shares(0.5, label_smoothing=label_smoothing)
        check_shares(10, frame_weight=frame_weight, consistency=consistency)
        layers = trunk(channels, kernel, dilations, dropout, first_kernel, cepstra)
        self.network = Chain(*layers, nn.Dropout(dropout), nn.Linear(channels, EMOTION_NODE.output_size))
        self.smoothing, self.frame_weight, self.consistency = label_smoothing, frame_weight, consistency
        self.stride = gcd(4, *dilations)
        self.sizes = (channels, kernel, tuple(dilations), first_kernel)
        self.save_hyperparameters()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)

    @property
    def architecture(self) -> str:
        channels, kernel, dilations, first = self.sizes
        blocks = ", ".join(map(str, dilations))
        return (
            f"causal CNN, {channels} channels, first kernel {first}, then {kernel}, residual blocks of dilation {blocks}, "
            f"five heads in one dense layer {channels}→{EMOTION_NODE.output_size}"
        )

    def training_step(self, batch: NodeBatch, batch_idx: int) -> torch.Tensor:
        outputs = thinned(self.network, batch.x, self.stride)
        clip = outputs.mean(1)
        by_clip = sum(self._losses(clip, batch.target, self.smoothing).values())
        late = outputs[:, _START_FRAMES // self.stride :]
        many = batch.target[:, None].expand(-1, late.shape[1], -1).flatten(0, 1)
        by_frame = sum(self._losses(late.flatten(0, 1), many, self.smoothing).values())
        self.keep_loss(by_clip)  # type: ignore[arg-type]
        return by_clip + self.frame_weight * by_frame + self.consistency * disagreement(clip)

    def validation_step(self, batch: NodeBatch, batch_idx: int) -> None:
        clip, size = self.network(batch.x).mean(1), len(batch.x)
        loss = sum(self._losses(clip, batch.target, 0.0).values())
        self.log("val/loss", loss, prog_bar=True, batch_size=size, sync_dist=True)
        for place, name in enumerate(HEADS):
            right = clip[:, _PARTS[name]].argmax(1) == batch.target[:, place]
            self.log(f"val/{name}", right.float().mean(), batch_size=size, sync_dist=True)

    @staticmethod
    def _losses(outputs: torch.Tensor, target: torch.Tensor, smoothing: float) -> dict[str, torch.Tensor]:
        """Cross-entropy of each head: outputs `[N, 258]`, target `[N, 5]`."""
        return {
            name: F.cross_entropy(outputs[:, _PARTS[name]], target[:, place], label_smoothing=smoothing)
            for place, name in enumerate(HEADS)
        }


def disagreement(outputs: torch.Tensor) -> torch.Tensor:
    """Mean Kullback-Leibler divergence, nats, of the base and sub heads from the marginals of the node head, `[N, 258]`."""
    nodes = outputs[:, _PARTS["node"]].softmax(-1).unflatten(-1, (len(BASES), PER_SUB, PER_SUB))
    pairs = (("base", nodes.sum((2, 3))), ("sub", nodes.sum((1, 3))))
    each = [
        F.kl_div(outputs[:, _PARTS[name]].log_softmax(-1), marginal, reduction="batchmean") for name, marginal in pairs
    ]
    return torch.stack(each).sum()
