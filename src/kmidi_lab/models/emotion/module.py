"""EmotionRecognizer: a causal network from mel frames to the emotion embedding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Interval
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from kmidi_lab.bounds import Count, Sizes
from kmidi_lab.contract_features import SPEAKER_FEATURES
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.emotion.calibration import HEARINGS, note_of, scale_of
from kmidi_lab.models.emotion.clip_loss import beginnings, codistilled, cross_entropy
from kmidi_lab.models.emotion.contract import EMOTION
from kmidi_lab.models.emotion.discriminants import (
    OTHERS,
    hold_others,
    keep_discriminants,
    kept_numbers,
    spare_directions,
)
from kmidi_lab.models.emotion.features import INTENSITIES, SCALARS, EmotionBatch, label_set
from kmidi_lab.models.emotion.head_layout import layout
from kmidi_lab.models.emotion.hearing import Call, EmotionData, mean_embeddings
from kmidi_lab.models.emotion.network import embedding_network, free, linear_part, read
from kmidi_lab.models.emotion.pretraining import pretrain
from kmidi_lab.nn.audio import AudioModule, Cepstra, clip_mean, strided_forward
from kmidi_lab.nn.module import Dropout, LossWeight, Smoothing, Trained
from kmidi_lab.nn.streaming import Chain
from kmidi_lab.run_analysis import Note
from kmidi_lab.scoring.calibration import Judged
from kmidi_lab.scoring.outliers import fit_outliers

_COURSES = 2
"""Kinds of lessons before the labels."""
_PASSES = 20
"""Over the training clips, other copies and states in each, that discriminants are fitted on."""


class EmotionRecognizer(AudioModule):
    """Trains the embedding through linear heads on it (labels, intensity) and through the contract's readings of it.

    A clip is judged by the mean of its embeddings, which is what a listener can do as well: the head is linear, so that
    averaging embeddings is averaging logits. The sum of a block is what readers read; what else a block holds carries
    the labels, and `free_weight` keeps it small, since other models take the embedding as an input.

    Args:
        labels: 8 or 7, as the data's.
        channels: of the trunk, as are the next five (`nn.audio.trunk`).
        first_kernel: taps of the first convolution.
        kernel: taps of the convolutions in its blocks.
        dilations: of its blocks. The loss looks at every fourth frame where all are multiples of four, else at every
            second, or at each (`nn.audio.strided_forward`).
        dropout: share of units dropped in training.
        cepstra: coefficients that the convolutions see; 0 is the bands themselves.
        label_smoothing: of the cross-entropies.
        early_weight: of the labels' loss of a random beginning of each clip, beside that of the whole clip, so that there
            is an early answer.
        intensity_weight: of the loss of the intensity head.
        reading_weight: of the mean squared error of the four readings.
        free_weight: of the mean square of what is in the first three blocks beside the contract's pattern.
        companions: codistillation peers, networks of the same kind that learn the labels beside it, from other weights;
            half of what it is taught is then their mean answer (R. Anil et al., *Large Scale Distributed Neural Network
            Training through Online Distillation*, 2018). They are not exported.
        recurrent: units of GRU layers that stand in the place of the blocks, so that `kernel` and `dilations` have no say;
            none keeps the blocks.
        pretrain_epochs: over each of the data's lessons (`pretraining.pretrain`), which teach the layers up to the last
            GRU without labels: first other people's speech, then that of the training speakers; none, one number or
            two. The labels then leave these layers as they are, and so they do a layer of discriminants behind them
            (`discriminants.keep_discriminants`), which is fitted to labels, intensity and complexity. Where the data hold
            no lessons, all layers are learnt from the labels.
    """

    network: Chain
    seen: torch.Tensor
    contract = EMOTION
    loss_name = "cross_entropy"

    def __init__(
        self,
        labels: int = 8,
        channels: Count = 96,
        first_kernel: Count = 8,
        kernel: Count = 3,
        dilations: Sizes = (4, 8, 16, 32),
        dropout: Dropout = 0.1,
        cepstra: Cepstra = 48,
        label_smoothing: Smoothing = 0.1,
        early_weight: LossWeight = 0.3,
        intensity_weight: LossWeight = 0.2,
        reading_weight: LossWeight = 0.5,
        free_weight: LossWeight = 0.1,
        companions: Annotated[int, Interval(ge=0, le=16)] = 0,
        recurrent: Sequence[Count] = (),
        pretrain_epochs: Sequence[Count] = (),
        learning_rate: float = 4e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        if pretrain_epochs and not recurrent:
            raise ConfigError(
                f"model.module.pretrain_epochs={list(pretrain_epochs)} teaches GRU layers and there are none; add "
                "model.module.recurrent=[320], or give model.module.pretrain_epochs=[]"
            )
        if len(pretrain_epochs) > _COURSES:
            raise ConfigError(
                f"model.module.pretrain_epochs={list(pretrain_epochs)}: there are {_COURSES} kinds of lessons; give the "
                "epochs over other people's speech and those over the training speakers', such as [24,6]"
            )
        super().__init__(learning_rate, weight_decay)

        self.kept = kept_numbers(labels) if pretrain_epochs else 0

        def network() -> Chain:
            return embedding_network(channels, kernel, dilations, dropout, first_kernel, cepstra, recurrent, self.kept)

        self.vocabulary = label_set(labels)
        self.network = network()
        self.label = nn.Linear(EMOTION.output_size, labels)
        self.companions = nn.ModuleList(network() for _ in range(companions))
        self.companion_labels = nn.ModuleList(nn.Linear(EMOTION.output_size, labels) for _ in range(companions))
        self.intensity = nn.Linear(EMOTION.output_size, len(INTENSITIES))
        self.smoothing, self.early_weight, self.intensity_weight = label_smoothing, early_weight, intensity_weight
        self.reading_weight, self.free_weight = reading_weight, free_weight
        self.stride = 1 if recurrent else gcd(4, *dilations)
        self.sizes = (channels, first_kernel, kernel, tuple(dilations))
        self.recurrent, self.pretrain_epochs, self.is_taught = tuple(recurrent), tuple(pretrain_epochs), False
        self._has_others = False
        # What labels and intensity see of an embedding.
        seen = torch.eye(EMOTION.output_size)
        if pretrain_epochs:
            spare = torch.from_numpy(spare_directions(OTHERS))
            seen = seen - spare @ spare.T
        self.register_buffer("seen", seen, persistent=False)
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        channels, first, kernel, dilations = self.sizes
        if self.recurrent:
            sizes = [
                ", ".join(map(str, self.recurrent)),
                *([str(self.kept)] if self.kept else []),
            ]
            return f"causal convolution, {channels} channels, kernel {first}, then GRU of {'→'.join(sizes)}→64"
        blocks = ", ".join(map(str, dilations))
        return f"causal CNN, {channels} channels, kernels {first} and {kernel}, residual blocks of dilation {blocks}→64"

    def head_layout(self) -> dict[str, object]:
        return layout(self.vocabulary, self.contract.features)

    def head(self) -> dict[str, np.ndarray]:
        heads = {"weight": self.label.weight @ self.seen, "bias": self.label.bias}
        heads |= {"intensity_weight": self.intensity.weight @ self.seen, "intensity_bias": self.intensity.bias}
        return {name: values.detach().cpu().numpy() for name, values in heads.items()}

    def calibrate(self, call: Call, data: EmotionData, folds: Iterable[Trained] = ()) -> list[Note]:
        """Fits `outliers` on the training clips, and its threshold on those of validation; then scales the labels' head.

        The head is scaled to the validation clips, or to the test clips of the folds where there are any. Clips are
        heard twice: as the first clip of a voice, and after 15 s of it.
        """
        if self.contract.features != SPEAKER_FEATURES or not data.songs("train") or not data.songs("val"):
            return []
        train, val = mean_embeddings(call, data, "train"), mean_embeddings(call, data, "val")
        self.outliers = fit_outliers(train, np.tile(data.label_indices("train"), HEARINGS), val)
        tested = []
        for module, own, part in folds:
            assert isinstance(module, EmotionRecognizer)
            tested.append(module.judged(mean_embeddings(own, part, "test"), part, "test"))
        scale = scale_of(tested or [self.judged(val, data, "val")])
        with torch.no_grad():
            self.label.weight.mul_(scale)
            self.label.bias.mul_(scale)
        return [note_of(tested)] if tested else []

    @torch.no_grad()
    def judged(self, embeddings: NDArray[np.float32], data: EmotionData, split: str) -> Judged:
        """Logits and labels of clips of a split that was heard twice (`mean_embeddings`)."""
        logits = self.label.cpu()(torch.from_numpy(embeddings) @ self.seen.cpu()).numpy()
        return logits, np.tile(data.label_indices(split), HEARINGS)

    def setup(self, stage: str) -> None:
        super().setup(stage)
        if stage != "fit" or not self.pretrain_epochs:
            return
        if self.has_start:
            self._has_others = True
            self.is_taught = self.leaves(linear_part(self.network)[0])
            return
        lessons = self.trainer.datamodule.lessons()  # type: ignore[attr-defined]
        if not lessons:
            return
        courses = list(zip(lessons, self.pretrain_epochs, strict=False))
        if self.trainer.is_global_zero:
            pretrain(self.network, courses)
        self.trainer.strategy.barrier()
        if not self.trainer.is_global_zero:
            pretrain(self.network, courses)
        taught = [name for name, part in self.network.named_children() if _learns(part)]
        # All but the last layer, which the labels teach.
        self.frozen, self.is_taught = (*self.frozen, *(f"network.{name}" for name in taught[:-1])), True
        passes = self.trainer.datamodule.passes(_PASSES)  # type: ignore[attr-defined]
        keep_discriminants(self.network, passes, len(self.vocabulary))
        self._has_others = True

    def configure_optimizers(self) -> Any:
        configured = super().configure_optimizers()
        if self._has_others:
            assert isinstance(self.network, Chain)
            hold_others(self.network, configured["optimizer"])
        return configured

    def training_step(self, batch: EmotionBatch, batch_idx: int) -> torch.Tensor:
        weight = batch.weight[:, :: self.stride]
        early_weight = weight * beginnings(weight, self.stride)

        answers = [
            torch.stack([label(clip) for clip in self._clip_means(network, batch.x, weight, early_weight)])
            for network, label in zip(self.companions, self.companion_labels, strict=True)
        ]
        clip, early = self._clip_means(self.network, batch.x, weight, early_weight)
        if batch.heard is not None:  # these are heard as a whole alone
            more = linear_part(self.network)[1](batch.heard[:, None])[:, 0]
            clip, early = torch.cat([clip, more]), torch.cat([early, more])
        own = self.label(torch.stack([clip, early]) @ self.seen)
        by_label = cross_entropy(own, batch.label, self.smoothing).mean(1)
        loss = codistilled(own, by_label, answers, batch.label, self.smoothing) if answers else by_label
        intensity = cross_entropy(self.intensity(clip @ self.seen), batch.intensity, self.smoothing).mean()
        readings = F.mse_loss(read(clip), batch.scalars)
        self.keep_loss(by_label[0])
        return (
            loss[0]
            + self.early_weight * loss[1]
            + self.intensity_weight * intensity
            + self.reading_weight * readings
            + self.free_weight * free(clip).square().mean()
        )

    def _clip_means(self, network: nn.Module, x: torch.Tensor, *weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The mean embedding `[B, 64]` of each clip of `[B, T, 128]` by each of the weights `[B, ceil(T / stride)]`."""
        if not self.recurrent:
            embedding = strided_forward(network, x, self.stride)
            return tuple(clip_mean(embedding, weight) for weight in weights)
        assert isinstance(network, Chain)
        first, rest = linear_part(network)
        with torch.set_grad_enabled(not (self.is_taught and network is self.network)):
            hidden = first(x)
        # What follows is linear, so it is taught by the means that it is judged by: dropout that changes from frame to
        # frame would cancel out in them.
        return rest(torch.stack([clip_mean(hidden, weight) for weight in weights], 1)).unbind(1)

    def validation_step(self, batch: EmotionBatch, batch_idx: int) -> None:
        clip = clip_mean(self.network(batch.x), batch.weight)
        logits, true, size = self.label(clip @ self.seen), batch.label.argmax(1), len(batch.x)
        self.log("val/loss", F.cross_entropy(logits, true), prog_bar=True, batch_size=size, sync_dist=True)
        accuracy = (logits.argmax(1) == true).float().mean()
        self.log("val/accuracy", accuracy, prog_bar=True, batch_size=size, sync_dist=True)
        error = (read(clip) - batch.scalars).abs().mean(0)
        for name, value in zip(SCALARS, error, strict=True):
            self.log(f"val/{name}_mae", value, batch_size=size, sync_dist=True)


def _learns(part: nn.Module) -> bool:
    return any(p.requires_grad for p in part.parameters())
