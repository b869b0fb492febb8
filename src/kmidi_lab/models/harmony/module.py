"""HarmonyPredictor: an MLP from chord history, key and emotion to the coming chord."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.bounds import Sizes
from kmidi_lab.chords.chord import QUALITIES
from kmidi_lab.contracts import HARMONY
from kmidi_lab.models.harmony.features import CLASSES, HarmonyBatch
from kmidi_lab.models.harmony.network import KeyRelativeMLP
from kmidi_lab.models.harmony.song_memory import memory_weights, no_memory
from kmidi_lab.nn.module import Dropout, LabModule, LossWeight, Smoothing

if TYPE_CHECKING:
    from kmidi_lab.models.harmony.evaluation import HarmonyData

_OUT = {s.name: s.index for s in HARMONY.outputs}
_VOICE_SCALE = 6.0


class HarmonyPredictor(LabModule):
    """Trains the joint of (degree, quality) through the chord embedding, and each slice beside it.

    The joint head is linear, 28 -> 96, and goes into `harmonypredictor.head.json`, with the weights of the song's own
    memory (`song_memory`), which are set on the validation split after every epoch. Root, quality and bass slices are
    trained on their own labels, so that a simple reader gets the marginals.

    Args:
        hidden: sizes of the hidden layers.
        dropout: share of hidden units dropped in training.
        label_smoothing: of the joint's cross-entropy.
        side_weight: of root, quality, bass and voice leading
            together, relative to the joint.
    """

    network: KeyRelativeMLP
    memory: torch.Tensor
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
        self.register_buffer("memory", torch.from_numpy(no_memory()).float())
        self.smoothing, self.side_weight = label_smoothing, side_weight
        self.save_hyperparameters()

    def _load_from_state_dict(self, state_dict: dict[str, torch.Tensor], prefix: str, *rest: Any) -> None:
        """Checkpoints of earlier releases have no memory."""
        state_dict.setdefault(f"{prefix}memory", torch.from_numpy(no_memory()).float())
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
            "memory": "p = sum over k of memory_weight[n][k] * part[k], n = chords of the longest match so far, 0..8; part 0 is "
            "softmax(logits), 1 the shares of the song's own chords, 1 + k the shares of what followed its last k chords "
            "before; what is missing of 1 goes to part 0",
            "degrees": list(range(12)),
            "qualities": list(QUALITIES),
        }

    def head(self) -> dict[str, np.ndarray]:
        arrays = {"weight": self.joint.weight, "bias": self.joint.bias, "memory_weight": self.memory}
        return {name: array.detach().cpu().numpy() for name, array in arrays.items()}

    def losses(self, batch: HarmonyBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """(the joint's cross-entropy, what training makes less: the same with root, quality, bass and voices beside it)."""
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
        return joint, joint + self.side_weight * side

    def training_step(self, batch: HarmonyBatch, batch_idx: int) -> torch.Tensor:
        joint, loss = self.losses(batch)
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
        # The split is one batch, song after song.
        own = logits.double().softmax(1).gather(1, batch.joint[:, None])[:, 0]
        songs = cast("HarmonyData", self.trainer.datamodule).sequences("val")  # type: ignore[attr-defined]
        weights = memory_weights(own.cpu().numpy(), [song.tokens for song in songs])
        self.memory.copy_(torch.from_numpy(weights))
