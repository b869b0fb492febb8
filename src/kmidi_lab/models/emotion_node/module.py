"""EmotionNodeClassifier: trains the network from mel frames to base, sub-emotion, intensity, key and node."""

from __future__ import annotations

from math import gcd

import torch
from torch.nn import functional as F

from kmidi_lab.bounds import Count, Sizes
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import CLASSES, HEADS, NodeBatch
from kmidi_lab.models.emotion_node.network import node_network
from kmidi_lab.nn.audio import AudioModule, Cepstra, strided_forward
from kmidi_lab.nn.module import Dropout, LossWeight, Smoothing
from kmidi_lab.nn.streaming import Chain

_PARTS = {name: EMOTION_NODE.output(name).index for name in HEADS}
_START_FRAMES = 32
"""Half a second after a reset that the loss of single frames leaves out: nothing tells a key or a rhythm by then."""


class EmotionNodeClassifier(AudioModule):
    """Trains five heads together.

    The node head is made of the base and sub heads and one for the place among the leaves, so that the heads agree with
    each other and what is learnt of a leaf's place serves all 36 sub-emotions. A clip is judged by its mean output.

    Args:
        channels: of the trunk, as are the next five (`nn.audio.trunk`).
        kernel: taps of the convolutions in its blocks.
        dilations: of its blocks. Training and validation look at every n-th frame only, n their greatest common divisor
            (`nn.audio.strided_forward`).
        dropout: share of units dropped in training.
        cepstra: coefficients that the convolutions see; 0 is the bands themselves.
        first_kernel: taps of the first convolution.
        label_smoothing: of the cross-entropies.
        frame_weight: of the loss frame by frame, beside that of the clip.
    """

    network: Chain
    contract = EMOTION_NODE
    vocabulary = CLASSES
    loss_name = "cross_entropy"

    def __init__(
        self,
        channels: Count = 112,
        kernel: Count = 3,
        dilations: Sizes = (8, 16, 32, 64),
        dropout: Dropout = 0.1,
        cepstra: Cepstra = 0,
        first_kernel: Count = 16,
        label_smoothing: Smoothing = 0.05,
        frame_weight: LossWeight = 0.3,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.network = node_network(channels, kernel, dilations, dropout, first_kernel, cepstra)
        self.smoothing, self.frame_weight = label_smoothing, frame_weight
        self.stride = gcd(*dilations)
        self.sizes = (channels, kernel, tuple(dilations), first_kernel)
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        channels, kernel, dilations, first = self.sizes
        blocks = ", ".join(map(str, dilations))
        return (
            f"causal CNN, {channels} channels, first kernel {first}, then {kernel}, residual blocks of dilation {blocks}, "
            f"base, sub, leaf, intensity and key in one dense layer, nodes as sums of the first three"
        )

    def training_step(self, batch: NodeBatch, batch_idx: int) -> torch.Tensor:
        outputs = strided_forward(self.network, batch.x, self.stride)
        clip = outputs.mean(1)
        by_clip = torch.stack([*self._losses(clip, batch.target, self.smoothing).values()]).sum()
        late = outputs[:, _START_FRAMES // self.stride :]
        many = batch.target[:, None].expand(-1, late.shape[1], -1).flatten(0, 1)
        by_frame = torch.stack([*self._losses(late.flatten(0, 1), many, self.smoothing).values()]).sum()
        self.keep_loss(by_clip)
        return by_clip + self.frame_weight * by_frame

    def validation_step(self, batch: NodeBatch, batch_idx: int) -> None:
        clip, size = strided_forward(self.network, batch.x, self.stride).mean(1), len(batch.x)
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
