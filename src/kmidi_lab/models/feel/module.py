"""AudioFeelAnalyzer: trains the network from mel frames to tempo, beats, onsets and the texture of the music."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import gcd

import numpy as np
import torch
from torch import nn

from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.bounds import Count, Sizes
from kmidi_lab.models.feel.blending import blends, put_into
from kmidi_lab.models.feel.calibration import fit_confidence
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.evaluation import FeelData, sure_and_right
from kmidi_lab.models.feel.features import BINS, CALIBRATION, VALUES, Excerpt, FeelBatch
from kmidi_lab.models.feel.losses import CONFIDENCE, TEMPO, is_near, losses, place_of, tempo_losses
from kmidi_lab.models.feel.network import feel_network, pulse_part
from kmidi_lab.models.feel.scores import answer_of
from kmidi_lab.nn.audio import AudioModule, strided_forward
from kmidi_lab.nn.module import Dropout, LossWeight, Trained
from kmidi_lab.nn.streaming import Chain
from kmidi_lab.run_analysis import Note

_START = 128
"""Frames after a reset that the loss of tempo and whole values leaves out."""


class AudioFeelAnalyzer(AudioModule):
    """Trains all slices together; what an excerpt has no label for is left out of its loss.

    Confidence is trained on whether the tempo that the network itself says is right within 4 %.

    Args:
        channels: of the trunk of tempo and events (`network.feel_network`).
        value_channels: of that of the values; the next four and `dropout` are of both.
        first_kernel: taps of the first convolution.
        kernel: taps of the others.
        dilations: calls between taps, one a block. Training looks at every n-th frame only, n their greatest common
            divisor (`nn.audio.strided_forward`).
        hidden: units of the dense layer behind a trunk.
        dropout: share of units dropped in training.
        event_weight: of the loss of beats and onsets, relative to the tempo's.
        value_weight: of the loss of the values, half of it errors in their own standard deviations (`features.SPREADS`),
            half what is lacking in concordance.
        rare: how much more a frame with an event counts than one without.
        tempo_alone: train the tempo's logits in the last layer of the first part alone: for labels that tell nothing else.
            With no `weight_decay` everything else that the network says stays, number for number.
    """

    network: Chain
    contract = FEEL
    vocabulary = VALUES
    loss_name = "weighted_sum"
    calibrated = ("network.2.weight", "network.2.bias")

    def __init__(
        self,
        channels: Count = 48,
        value_channels: Count = 32,
        first_kernel: Count = 8,
        kernel: Count = 3,
        dilations: Sizes = (4, 8, 16, 32, 64, 128),
        hidden: Count = 96,
        dropout: Dropout = 0.05,
        event_weight: LossWeight = 4.0,
        value_weight: LossWeight = 1.0,
        rare: LossWeight = 4.0,
        tempo_alone: bool = False,
        learning_rate: float = 5e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.network = feel_network((channels, value_channels), first_kernel, kernel, dilations, hidden, dropout)
        self.weights, self.rare, self.tempo_alone = (event_weight, value_weight), rare, tempo_alone
        self.stride = gcd(*dilations)
        self.sizes = (channels, value_channels, first_kernel, kernel, tuple(dilations), hidden)
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        channels, values, first, kernel, dilations, hidden = self.sizes
        return (
            f"causal CNN in two parts of {channels} and {values} channels, kernels {first} and {kernel}, residual blocks "
            f"of dilation {', '.join(map(str, dilations))}, each→{hidden}→{FEEL.output_size} together"
        )

    def calibrate(
        self, call: Callable[[np.ndarray], np.ndarray], data: FeelData, folds: Iterable[Trained] = ()
    ) -> list[Note]:
        """Makes the confidence of validation excerpts the share of them whose tempo is right, in the last layer.

        Blends the values there, too (`blending`), where the data hold music through sounds that training did not hear,
        but for those of an earlier training that were left as they are: they are blended already.
        """
        *_, last = self.network
        assert isinstance(last, nn.Linear)

        def said_of(songs: Sequence[Excerpt]) -> list[np.ndarray]:
            return [call(x[None])[0] for x in adapted_sounds([song.frames for song in songs])]

        unheard = [] if self.tempo_alone else data.songs(CALIBRATION)
        put_into(last, list(blends(said_of(unheard), unheard)))
        songs = data.songs("val")
        outputs = said_of(songs)
        sure, right = sure_and_right(outputs, [answer_of(o) for o in outputs], songs)
        if (fitted := fit_confidence(np.log(sure / (1 - sure)), right)) is not None:
            slope, offset = fitted
            last.weight[CONFIDENCE] *= slope
            last.bias[CONFIDENCE] = slope * last.bias[CONFIDENCE] + offset
        return []

    def training_step(self, batch: FeelBatch, batch_idx: int) -> torch.Tensor:
        if self.tempo_alone:
            loss = self._of_tempo(batch)
        else:
            loss = self._total(losses(*self._every(batch), self.rare, _START // self.stride))
        self.keep_loss(loss)
        return loss

    def _of_tempo(self, batch: FeelBatch) -> torch.Tensor:
        """Mean loss of the tempo of the stretches that have one, and of recordings that were heard elsewhere."""
        trunk, last = pulse_part(self.network)
        there = ~batch.tempo.isnan()
        with torch.no_grad():
            hidden = strided_forward(trunk, batch.x[there], self.stride)[:, _START // self.stride :]
        each = tempo_losses(last(hidden)[..., :BINS], batch.tempo[there, None]).mean(1)
        if batch.heard is not None and batch.told is not None:
            each = torch.cat([each, tempo_losses(last(batch.heard)[..., :BINS], batch.told)])
        return each.sum() / max(1, len(each))

    def validation_step(self, batch: FeelBatch, batch_idx: int) -> None:
        (outputs, batch), size = self._every(batch), len(batch.x)
        each = losses(outputs, batch, self.rare, _START // self.stride)
        self.log("val/loss", self._total(each), prog_bar=True, batch_size=size, sync_dist=True)
        for name, value in each.items():
            self.log(f"val/{name}", value, batch_size=size, sync_dist=True)
        there = ~batch.tempo.isnan()
        if there.any():
            place = place_of(outputs[there, _START // self.stride :, TEMPO].mean(1))
            right = is_near(place, batch.tempo[there]).mean()
            self.log("val/accuracy1", right, prog_bar=True, batch_size=int(there.sum()), sync_dist=True)

    def _every(self, batch: FeelBatch) -> tuple[torch.Tensor, FeelBatch]:
        """Outputs `[B, T', 64]` of every `stride`-th frame, and the batch with the events and curves of these."""
        some = batch._replace(events=batch.events[:, :: self.stride], curves=batch.curves[:, :: self.stride])
        return strided_forward(self.network, batch.x, self.stride), some

    def _total(self, each: dict[str, torch.Tensor]) -> torch.Tensor:
        events, values = self.weights
        told = (each["values"] + each["agreement"]) / 2
        return each["tempo"] + events * each["events"] + values * told + 0.2 * each["confidence"]
