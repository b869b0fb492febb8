"""EmotionNodeClassifier: trains the network from mel frames to base, sub-emotion, intensity, key and node."""

from __future__ import annotations

from math import gcd

import torch
from torch.nn import functional as F

from kmidi_lab.bounds import Count, Sizes
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import CLASSES, HEADS, PER_SUB, QUADRANTS, NodeBatch, node_quadrants
from kmidi_lab.models.emotion_node.network import node_network
from kmidi_lab.nn.audio import AudioModule, Cepstra, strided_forward
from kmidi_lab.nn.module import Dropout, LossWeight, Smoothing
from kmidi_lab.nn.streaming import Chain

_PARTS = {name: EMOTION_NODE.output(name).index for name in HEADS}
_NODE_QUADRANTS = node_quadrants()
_START_FRAMES = 32
"""Half a second after a reset that the loss of single frames leaves out: nothing tells a key or a rhythm by then."""


class EmotionNodeClassifier(AudioModule):
    """Trains five heads together, with what listeners said of played music as sums over nodes.

    The node head is made of the base and sub heads, one for the place among the leaves and one for the quadrant, so that
    what is learnt of a leaf's place serves all 36 sub-emotions. A clip is judged by its mean output.

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
        quadrant_weight: of the quadrant's cross-entropy, for music that listeners put in one.
        taught_weight: of the quadrant's cross-entropy with what a listener of notes says, for data that has it.
        key_weight: of how far the answers to two keys of one piece are apart.
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
        quadrant_weight: LossWeight = 1.0,
        taught_weight: LossWeight = 1.0,
        key_weight: LossWeight = 1.0,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self._layers = (channels, kernel, tuple(dilations), dropout, first_kernel, cepstra)
        self.network = node_network(*self._layers)
        self.smoothing, self.frame_weight = label_smoothing, frame_weight
        self.quadrant_weight, self.taught_weight, self.key_weight = quadrant_weight, taught_weight, key_weight
        self.stride = gcd(*dilations)
        self.save_hyperparameters()

    def use_contract(self, version: object) -> None:
        super().use_contract(version)
        self.network = node_network(*self._layers, self.contract)

    @property
    def architecture(self) -> str:
        channels, kernel, dilations, _, first, _ = self._layers
        blocks = ", ".join(map(str, dilations))
        return (
            f"causal CNN, {channels} channels, first kernel {first}, then {kernel}, residual blocks of dilation {blocks}, "
            f"base, sub, leaf, intensity, key and quadrant in one dense layer, nodes as sums"
        )

    def training_step(self, batch: NodeBatch, batch_idx: int) -> torch.Tensor:
        outputs = strided_forward(self.network, batch.x.flatten(0, 1), self.stride)
        clip, late = outputs.mean(1), outputs[:, _START_FRAMES // self.stride :]
        by_clip = self._loss(clip, batch, 1, self.smoothing)
        by_frame = self._loss(late.flatten(0, 1), batch, late.shape[1], self.smoothing)
        self.keep_loss(by_clip)
        return by_clip + self.frame_weight * by_frame + self.key_weight * disagreement(clip.unflatten(0, (-1, 2)))

    def validation_step(self, batch: NodeBatch, batch_idx: int) -> None:
        size = len(batch.x)
        clip = strided_forward(self.network, batch.x.flatten(0, 1), self.stride).mean(1)
        self.log("val/loss", self._loss(clip, batch, 1, 0.0), prog_bar=True, batch_size=size, sync_dist=True)

    def _loss(self, outputs: torch.Tensor, batch: NodeBatch, times: int, smoothing: float) -> torch.Tensor:
        """Cross-entropies of the heads, and of the quadrant, over what is known; outputs `[2 * B * times, 258]`."""
        target = batch.target.flatten(0, 1).repeat_interleave(times, 0)
        quadrant = batch.quadrant.repeat_interleave(2 * times)
        taught = batch.taught.repeat_interleave(2 * times, 0)
        total = outputs.new_zeros(())
        for place, name in enumerate(HEADS):
            if (known := target[:, place] >= 0).any():
                part = outputs[known, _PARTS[name]]
                total = total + F.cross_entropy(part, target[known, place], label_smoothing=smoothing)
        if (known := quadrant >= 0).any():
            logits = quadrant_logits(outputs[known])
            total = total + self.quadrant_weight * F.cross_entropy(logits, quadrant[known], label_smoothing=smoothing)
        if (known := taught.sum(1) > 0).any():
            total = total + self.taught_weight * F.cross_entropy(quadrant_logits(outputs[known]), taught[known])
        return total


def quadrant_logits(outputs: torch.Tensor) -> torch.Tensor:
    """`[N, 258]` to `[N, 4]`: the logarithm of the nodes' summed exponentials, by the quadrant that the thesaurus puts them in."""
    node, places = outputs[:, _PARTS["node"]], torch.tensor(_NODE_QUADRANTS, device=outputs.device)
    return torch.stack([node[:, places == place].logsumexp(1) for place in range(len(QUADRANTS))], 1)


def disagreement(pairs: torch.Tensor) -> torch.Tensor:
    """How far the answers to two keys of one piece are apart, but for the key: `[B, 2, 258]` to a number.

    The mean of both Kullback-Leibler divergences, of bases, places of the sub-emotion, of the leaf and intensities.
    """
    node = pairs[..., _PARTS["node"]].unflatten(-1, (-1, PER_SUB))
    parts = [pairs[..., _PARTS[name]] for name in ("base", "sub", "intensity")]
    total = pairs.new_zeros(())
    for logits in (*parts, node.logsumexp(-2)):
        one, other = logits.log_softmax(-1).unbind(1)
        # Jeffreys' divergence, halved: sum (p - q)(log p - log q) / 2.
        total = total + ((one.exp() - other.exp()) * (one - other)).sum(1).mean() / 2
    return total
