"""IntentClassifier: a table of hashed words and parts of words, and an MLP from a text's vector to the emotion embedding."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.bounds import Sizes
from kmidi_lab.models.intent.contract import INTENT
from kmidi_lab.models.intent.features import BASES, COLUMNS, LABELS, SUB_EMOTIONS, IntentBatch
from kmidi_lab.models.intent.head import head_layout
from kmidi_lab.models.intent.network import embedding_network, free, read
from kmidi_lab.models.intent.scores import best_cuts, macro_f1, pearson
from kmidi_lab.nn.module import Dropout, LabModule, LossWeight
from kmidi_lab.text.pieces import ROWS
from kmidi_lab.text.table import WORD_BITS, Table

_FIRST_ROWS = 0.03
_TEACHER = 384


class IntentClassifier(LabModule):
    """Trains table, network and linear heads together: labels, ratings, and the vectors of a sentence encoder.

    Args:
        hidden: units of the network's layers.
        dropout: share of units dropped in training.
        fine_weight: of GoEmotions' 28 labels beside the seven.
        sub_weight: of the 36 sub-emotions.
        side_weight: of the labels of ISEAR and XED.
        affect_weight: of the squared error of valence, arousal and dominance.
        complexity_weight: of the squared error of complexity, which is how evenly the bases share what is felt.
        teacher_weight: of the distance (1 - cosine) between the sentence encoder's vector and what the text's vector
            says of it, where the data have it.
        free_weight: of the mean square of what is in the first three blocks beside the contract's pattern.
    """

    contract = INTENT
    vocabulary = (*LABELS, *SUB_EMOTIONS)
    loss_name = "binary_cross_entropy"
    words: torch.Tensor
    cuts: torch.Tensor

    def __init__(
        self,
        hidden: Sizes = (256, 256),
        dropout: Dropout = 0.2,
        fine_weight: LossWeight = 0.3,
        sub_weight: LossWeight = 0.5,
        side_weight: LossWeight = 0.3,
        affect_weight: LossWeight = 5.0,
        complexity_weight: LossWeight = 0.3,
        teacher_weight: LossWeight = 2.0,
        free_weight: LossWeight = 0.01,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.rows = nn.EmbeddingBag(ROWS, INTENT.input_size, mode="sum")
        nn.init.normal_(self.rows.weight, 0, _FIRST_ROWS)
        self.network = embedding_network(hidden, dropout)
        self.heads = nn.ModuleList(nn.Linear(INTENT.output_size, size) for size in COLUMNS)
        self.to_teacher = nn.Linear(INTENT.input_size, _TEACHER)
        self.weights = (1.0, fine_weight, sub_weight, side_weight)
        self.affect_weight, self.complexity_weight = affect_weight, complexity_weight
        self.teacher_weight, self.free_weight = teacher_weight, free_weight
        self.register_buffer("words", torch.zeros(WORD_BITS // 8, dtype=torch.uint8))
        self.register_buffer("cuts", torch.full((len(LABELS),), 0.5))
        self.hidden = tuple(hidden)
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        layers = " ReLU→".join(map(str, self.hidden))
        return f"table of {ROWS:,} rows of {INTENT.input_size}, then {INTENT.input_size}→{layers} ReLU→{INTENT.output_size}"

    def table(self) -> Table:
        return Table.of(self.rows.weight.detach().cpu().numpy(), self.words.cpu().numpy())

    def take_table(self, table: Table) -> None:
        with torch.no_grad():
            self.rows.weight.copy_(torch.from_numpy(table.steps * table.scales[:, None]))
        self.words.copy_(torch.from_numpy(table.words.copy()))

    def head_layout(self) -> dict[str, object]:
        return head_layout()

    def head(self) -> dict[str, np.ndarray]:
        named = {"": self.heads[0], "sub_": self.heads[2]}
        arrays = {
            f"{name}{part}": head.get_parameter(part) for name, head in named.items() for part in ("weight", "bias")
        }
        arrays["cut_bias"] = torch.logit(self.cuts.double()).float()  # type: ignore[assignment]
        return {name: values.detach().cpu().numpy() for name, values in arrays.items()}

    def vectors(self, batch: IntentBatch) -> torch.Tensor:
        """`[B, 128]` of length 1."""
        own = F.normalize(self.rows(batch.at, batch.starts, per_sample_weights=batch.weight), dim=-1)
        return own if batch.given is None else own + batch.given

    def on_fit_start(self) -> None:
        words = torch.from_numpy(self.trainer.datamodule.known_words()).to(self.words.device)  # type: ignore[attr-defined]
        # What an earlier training has met is known, too.
        self.words.copy_(self.words | words if self.has_start else words)

    def training_step(self, batch: IntentBatch, batch_idx: int) -> torch.Tensor:
        vectors = self.vectors(batch)
        embedding = self.network(vectors)
        by_label, loss = self.losses(embedding, batch)
        if self.teacher_weight and batch.teacher.shape[1]:
            alike = F.cosine_similarity(self.to_teacher(vectors), batch.teacher)
            loss = loss + self.teacher_weight * (1 - alike).mean()
        self.keep_loss(by_label)
        return loss

    def losses(self, embedding: torch.Tensor, batch: IntentBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """The cross-entropy of the seven labels, and what is trained on beside the teacher."""
        logits = [head(embedding) for head in self.heads]
        parts = zip(logits, batch.target.split(COLUMNS, 1), batch.known.split(COLUMNS, 1), self.weights, strict=True)
        each = [
            (w, F.binary_cross_entropy_with_logits(own, target, mask, reduction="sum") / len(own))
            for own, target, mask, w in parts
        ]
        readings = read(embedding)
        off = (readings[:, :3] - batch.affect).square().mean(1)
        affect = (off * batch.rated).sum() / batch.rated.sum().clamp_min(1)
        felt = logits[0].detach().sigmoid()
        complexity = F.mse_loss(readings[:, 3], spread_of(felt))
        loss = torch.stack([w * value for w, value in each]).sum() + self.affect_weight * affect
        loss = loss + self.complexity_weight * complexity + self.free_weight * free(embedding).square().mean()
        return each[0][1], loss

    def validation_step(self, batch: IntentBatch, batch_idx: int) -> None:
        """What is looked at is what counts: (1 - macro F1 of the labels) + (1 - correlation of valence).

        Cross-entropy is best after two epochs, when labels and ratings are not; it minds how sure the network is.
        """
        embedding = self.network(self.vectors(batch))
        p, target = self.heads[0](embedding).sigmoid().cpu().numpy(), batch.target[:, : len(LABELS)].cpu().numpy() > 0
        labelled, rated = batch.known[:, 0].cpu().numpy() > 0, batch.rated.cpu().numpy() > 0
        loss = 0.0
        if labelled.any():
            cuts = best_cuts(p[labelled], target[labelled])
            self.cuts.copy_(torch.from_numpy(cuts).to(self.cuts.device))
            loss += 1 - macro_f1(p[labelled], target[labelled], cuts)
        if rated.any():
            valence = read(embedding)[:, 0].cpu().numpy()[rated]
            loss += 1 - pearson(valence, batch.affect[:, 0].cpu().numpy()[rated])
        self.log("val/loss", loss, prog_bar=True, batch_size=len(p), sync_dist=True)


def spread_of(p: torch.Tensor) -> torch.Tensor:
    """How evenly the bases share what is felt, `[B]` in 0..1: 0 for one feeling or none, 1 for all six alike.

    Args:
        p: `[B, 7]` probabilities of LABELS.
    """
    bases = p[:, : len(BASES)]
    share = bases / bases.sum(1, keepdim=True).clamp_min(1e-9)
    entropy = -(share * share.clamp_min(1e-9).log()).sum(1) / np.log(len(BASES))
    return entropy * bases.max(1).values
