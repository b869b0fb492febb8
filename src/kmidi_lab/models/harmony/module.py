"""HarmonyPredictor: an MLP from chord history, key and emotion to the coming chord."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.bounds import Sizes
from kmidi_lab.chords.chord import QUALITIES
from kmidi_lab.contracts import HARMONY
from kmidi_lab.models.harmony.features import CLASSES, HarmonyBatch
from kmidi_lab.models.harmony.network import KeyRelativeMLP
from kmidi_lab.nn.module import Dropout, LabModule, LossWeight, Smoothing

_OUT = {s.name: s.index for s in HARMONY.outputs}
_VOICE_SCALE = 6.0


class HarmonyPredictor(LabModule):
    """Trains the joint of (degree, quality) through the chord embedding, and each slice beside it.

    The joint head is linear, 28 -> 96, and goes into `harmonypredictor.head.json`. Root, quality and bass
    slices are trained on their own labels, so that a simple reader gets the marginals.

    Args:
        hidden: sizes of the hidden layers.
        dropout: share of hidden units dropped in training.
        label_smoothing: of the joint's cross-entropy.
        side_weight: of root, quality, bass and voice leading
            together, relative to the joint.
    """

    network: KeyRelativeMLP
    contract = HARMONY
    vocabulary = QUALITIES
    loss_name = "cross_entropy"

    def __init__(
        self,
        hidden: Sizes = (160, 128),
        dropout: Dropout = 0.05,
        label_smoothing: Smoothing = 0.0,
        side_weight: LossWeight = 0.3,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.network = KeyRelativeMLP(hidden, dropout)
        self.joint = nn.Linear(HARMONY.output("chord_embedding").size, CLASSES)
        self.smoothing, self.side_weight = label_smoothing, side_weight
        self.save_hyperparameters()

    def export_network(self) -> nn.Module:
        return self.network.dense()

    @property
    def architecture(self) -> str:
        hidden = "→".join(str(layer.out_features) for layer in self.network.hidden)
        return f"128→rotate to key→{hidden}→rotate back→64"

    def head_layout(self) -> dict[str, object]:
        chord = HARMONY.output("chord_embedding")
        return {
            "input": {"slice": chord.name, "start": chord.start, "stop": chord.stop},
            "decode": "logits = weight @ embedding + bias; index = degree * 8 + quality; root = (tonic + degree) % 12",
            "degrees": list(range(12)),
            "qualities": list(QUALITIES),
        }

    def head(self) -> dict[str, np.ndarray]:
        return {"weight": self.joint.weight.detach().cpu().numpy(), "bias": self.joint.bias.detach().cpu().numpy()}

    def training_step(self, batch: HarmonyBatch, batch_idx: int) -> torch.Tensor:
        out = self.network(batch.x)
        joint = F.cross_entropy(
            self.joint(out[:, _OUT["chord_embedding"]]), batch.joint, label_smoothing=self.smoothing
        )
        side = (
            F.cross_entropy(out[:, _OUT["root"]], batch.root)
            + F.cross_entropy(out[:, _OUT["quality"]], batch.quality)
            + F.cross_entropy(out[:, _OUT["bass"]], batch.bass)
            + F.smooth_l1_loss(out[:, _OUT["voice_leading"]] / _VOICE_SCALE, batch.voices / _VOICE_SCALE)
        )
        loss: torch.Tensor = joint + self.side_weight * side
        self.keep_loss(joint)
        return loss

    def validation_step(self, batch: HarmonyBatch, batch_idx: int) -> None:
        out = self.network(batch.x)
        logits = self.joint(out[:, _OUT["chord_embedding"]])
        loss = F.cross_entropy(logits, batch.joint)
        self.log("val/loss", loss, prog_bar=True, batch_size=len(batch.joint), sync_dist=True)
        self.log("val/perplexity", loss.exp(), batch_size=len(batch.joint), sync_dist=True)
        top1 = (logits.argmax(1) == batch.joint).float().mean()
        self.log("val/top1", top1, prog_bar=True, batch_size=len(batch.joint), sync_dist=True)
