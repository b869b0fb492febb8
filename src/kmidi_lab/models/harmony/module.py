"""HarmonyPredictor: an MLP from chord history, key and emotion to the coming chord."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.bounds import Sizes
from kmidi_lab.chords.chord import QUALITIES
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.encoding import HarmonyBatch
from kmidi_lab.models.harmony.features import CLASSES
from kmidi_lab.models.harmony.memory import MEMORY_ORDER
from kmidi_lab.models.harmony.network import KeyRelativeMLP
from kmidi_lab.nn.module import Dropout, LabModule, LossWeight, Smoothing

_OUT = {s.name: s.index for s in HARMONY.outputs}
_VOICE_SCALE = 6.0
_PARTS = MEMORY_ORDER + 2
"""What is mixed: the network, the song's own chords, and what followed matches of 1 to 8 chords."""
_LEAST = 1e-9


class HarmonyPredictor(LabModule):
    """Trains the joint of (degree, quality) through the chord embedding, and each slice beside it.

    Three linear heads read the embedding of 28 and go into `harmonypredictor.head.json`. `joint` is what the network
    alone expects. `mixed` is what it expects beside what the song itself suggests, and `gate`, with `memory` by the
    length of the longest match, says how much each counts (`decoding`); these learn from the mixture's likelihood, so
    that the network need not learn what the song says already. Root, quality and bass slices are trained on their own
    labels, so that a simple reader gets the marginals.

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
        embedding = HARMONY.output("chord_embedding").size
        self.joint, self.mixed = nn.Linear(embedding, CLASSES), nn.Linear(embedding, CLASSES)
        self.gate = nn.Linear(embedding, _PARTS, bias=False)
        nn.init.zeros_(self.gate.weight)
        # One row for each length of match, in one row because matrices decay in training.
        self.memory = nn.Parameter(torch.tensor([1.0] + [0.0] * (_PARTS - 1)).repeat(MEMORY_ORDER + 1))
        self.smoothing, self.side_weight = label_smoothing, side_weight
        self.save_hyperparameters()

    def upgraded(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Earlier releases have no gate, one reading, and fixed shares of the song's memory, or none."""
        if "gate.weight" in weights or "joint.weight" not in weights:
            return dict(weights)
        alone = torch.eye(_PARTS)[:1].expand(MEMORY_ORDER + 1, -1)
        return {
            **weights,
            **{f"mixed.{name}": weights[f"joint.{name}"] for name in ("weight", "bias")},
            "gate.weight": torch.zeros_like(self.gate.weight),
            "memory": weights.get("memory", alone).clamp(min=_LEAST).log().flatten(),
        }

    def _load_from_state_dict(self, state_dict: dict[str, torch.Tensor], prefix: str, *rest: Any) -> None:
        if not prefix:
            state_dict.update(self.upgraded(state_dict))
        super()._load_from_state_dict(state_dict, prefix, *rest)

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
            "memory": "p = sum over k of share[k] * part[k]; share = softmax over the parts that there are of memory_logit[n] + "
            "gate_weight @ embedding, n = chords of the longest match so far, 0..8; part 0 is softmax(mixed_weight @ embedding + "
            "mixed_bias), 1 the shares of the song's own chords, 1 + k the shares of what followed its last k chords before",
            "degrees": list(range(12)),
            "qualities": list(QUALITIES),
        }

    def head(self) -> dict[str, np.ndarray]:
        arrays = {
            "weight": self.joint.weight,
            "bias": self.joint.bias,
            "mixed_weight": self.mixed.weight,
            "mixed_bias": self.mixed.bias,
            "gate_weight": self.gate.weight,
            "memory_logit": self.memory.view(MEMORY_ORDER + 1, _PARTS),
        }
        return {name: array.detach().cpu().numpy() for name, array in arrays.items()}

    def losses(self, batch: HarmonyBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """(the joint's cross-entropy, what training makes less: its mean with the mixture's, and the slices beside it)."""
        out = self.network(batch.x)
        embedding = out[:, _OUT["chord_embedding"]]
        joint = F.cross_entropy(self.joint(embedding), batch.joint, label_smoothing=self.smoothing)
        side = (
            F.cross_entropy(out[:, _OUT["root"]], batch.root)
            + F.cross_entropy(out[:, _OUT["quality"]], batch.quality)
            + F.cross_entropy(out[:, _OUT["bass"]], batch.bass)
            + F.smooth_l1_loss(out[:, _OUT["voice_leading"]] / _VOICE_SCALE, batch.voices / _VOICE_SCALE)
        )
        return joint, (joint + self.mixture_loss(embedding, batch)) / 2 + self.side_weight * side

    def mixture_loss(self, embedding: torch.Tensor, batch: HarmonyBatch) -> torch.Tensor:
        """Minus the mean log of what `decoding.song_probabilities` gives to the chords; `embedding` `[B, 28]`."""
        rows = self.memory.view(MEMORY_ORDER + 1, _PARTS)[batch.longest.clamp(min=0)]
        there = torch.arange(_PARTS, device=embedding.device) <= batch.longest[:, None] + 1
        shares = (rows + self.gate(embedding)).masked_fill(~there, -torch.inf).softmax(1)
        own = self.mixed(embedding).softmax(1).gather(1, batch.joint[:, None])
        return -(shares * torch.cat([own, batch.parts], 1)).sum(1).clamp(min=_LEAST).log().mean()

    def training_step(self, batch: HarmonyBatch, batch_idx: int) -> torch.Tensor:
        joint, loss = self.losses(batch)
        self.keep_loss(joint)
        return loss

    def validation_step(self, batch: HarmonyBatch, batch_idx: int) -> None:
        embedding = self.network(batch.x)[:, _OUT["chord_embedding"]]
        logits, size = self.joint(embedding), len(batch.joint)
        loss = F.cross_entropy(logits, batch.joint)
        self.log("val/loss", loss, prog_bar=True, batch_size=size, sync_dist=True)
        self.log("val/perplexity", loss.exp(), batch_size=size, sync_dist=True)
        self.log("val/song_perplexity", self.mixture_loss(embedding, batch).exp(), batch_size=size, sync_dist=True)
        top1 = (logits.argmax(1) == batch.joint).float().mean()
        self.log("val/top1", top1, prog_bar=True, batch_size=size, sync_dist=True)
