"""How AudioFeelAnalyzer learns from recordings whose tempo was typed or tapped: by the tempo's own output alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.published import Published
from kmidi_lab.models.feel.decoding import (
    BEAT,
    PLACES,
    WARM_UP,
    beat_activation,
    inside,
    repeats_of,
    tempo_chances,
    tempo_shares,
)
from kmidi_lab.models.feel.features import BINS, FASTEST, SLOWEST, FeelBatch, bin_of
from kmidi_lab.models.feel.hearing import music
from kmidi_lab.models.feel.losses import tempo_losses
from kmidi_lab.models.feel.network import pulse_part
from kmidi_lab.models.feel.scores import NEAR
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain, TorchModel
from kmidi_lab.retraining.lessons import Array, Judgement, LeftOutError, Lessons
from kmidi_lab.retraining.sounds import Rows, SoundTraining
from kmidi_lab.retraining.training import Head
from kmidi_lab.scoring.metrics import softmax
from kmidi_lab.wording import many

_NEAR = bin_of(SLOWEST * (1 + NEAR))
"""Bins that a right tempo may be off."""
_OCTAVE = bin_of(2 * SLOWEST)
_RANK = 4
_IMPOSSIBLE = 1e-12


class TempoFeedback(SoundTraining):
    """Targets `[E, 1]`: the place of the tempo among the bins.

    Nobody said where the beats are, so nothing but the tempo's logits learns, in the last layer of the first part: what is
    told of beats, onsets and values stays, number for number. Its inputs are the mean `[96]` of what stands before that
    layer, from the third second on, and how much the beats that the release hears repeat at each tempo `[256]`. From both
    task=predict tells the tempo (`decoding.tempo_chances`), and so do the losses here. What is learnt is the cross-entropy
    of the logits, as in the training.
    """

    RATE = 1e-4
    LABELLED: ClassVar[str] = (
        f"without a tempo of {SLOWEST:g} to {FASTEST:g} quarter notes a minute, which the model tells"
    )

    def layers(self, module: LabModule) -> tuple[Chain, nn.Linear]:
        return pulse_part(cast("Chain", module.network))

    def frozen(self, module: LabModule) -> list[str]:
        _, last = self.layers(module)
        own = {name: part for name, part in module.named_modules() if [*part.parameters(recurse=False)]}
        return [n for n, part in own.items() if part is not last and any(p.requires_grad for p in part.parameters())]

    def heard(self, request: Listening, published: Published, module: LabModule) -> Array:
        frames = music(request, published.contract.features)
        hidden = cast("TorchModel", published.model).fresh(frames[None])[0]
        with torch.inference_mode():
            beats = self.layers(module)[1](torch.from_numpy(hidden))[:, BEAT].numpy()
        return np.concatenate([hidden[WARM_UP:].mean(0), repeats_of(beat_activation(beats))])

    def judges(self, data: Any) -> set[str]:
        songs = [song for part in ("val", "test") for song in data.songs(part) if song.sound is not None]
        return {sha256(song.sound.tobytes()).hexdigest() for song in songs}

    def remarks(self, lessons: Lessons) -> list[str]:
        by_item: dict[int, dict[int, float]] = {}
        for item, rater, target in zip(lessons.item, lessons.rater, lessons.targets, strict=True):
            by_item.setdefault(item, {})[rater] = target[0]
        several = [[*places.values()] for places in by_item.values() if len(places) > 1]
        spans = np.array([max(places) - min(places) for places in several])
        if not (apart := int((spans > _NEAR).sum())):
            return []
        octaves = (np.abs(spans - _OCTAVE) <= _NEAR).sum()
        return [
            f"{many(len(several), 'recording')} with labels of several users: in {apart} the tempos are more than {NEAR:.0%} "
            f"apart, in {octaves} half or double; each user's trust decides"
        ]

    def adapted(self, module: LabModule) -> Mapping[str, int]:
        _, last = self.layers(module)
        return {name: _RANK for name, part in module.named_modules() if part is last}

    def answer(self, judged: Judgement, head: Head) -> Array:
        try:
            tempo = float(judged.label or "")
        except ValueError:
            raise LeftOutError(self.LABELLED) from None
        if not inside(tempo):
            raise LeftOutError(self.LABELLED)
        return np.array([bin_of(tempo)])

    def said(self, module: LabModule, x: torch.Tensor) -> torch.Tensor:
        last = self.layers(module)[1]
        logits: torch.Tensor = last(x[:, : last.in_features])[:, :BINS]
        return logits

    def losses(self, outputs: Array, head: Head, x: Array, targets: Array) -> Array:
        chances = tempo_chances(softmax(outputs), np.asarray(x[:, -len(PLACES) :], np.float64))
        return _lacking(chances, targets[:, 0])

    def allowed(self, targets: Array, head: Head) -> NDArray[np.bool_]:
        """Of the 256 tempos that the decoder looks at those within 4 %: who always gives the same one has a habit."""
        return _near(targets[:, 0])

    def loss(self, module: LabModule, batch: Any) -> torch.Tensor:
        return tempo_losses(self.said(module, batch.means), batch.targets[:, 0]).mean()

    def below(self, batch: Any, rows: Rows) -> FeelBatch:
        own = cast("FeelBatch", batch)
        means, told = rows.means[:, : -len(PLACES)], rows.targets[:, 0]
        return own._replace(heard=means.to(own.x), told=told.to(own.tempo))

    def test_losses(self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any) -> tuple[Array, Array]:
        """Minus the log of the chance of each excerpt's tempo, by the decoder of task=predict."""
        songs = [song for song in data.songs("test") if inside(song.tempo)]
        outputs = [call(x[None])[0] for x in adapted_sounds([song.frames for song in songs])]
        chances = [tempo_chances(tempo_shares(o), repeats_of(beat_activation(o[:, BEAT]))) for o in outputs]
        places = np.array([bin_of(song.tempo) for song in songs])
        return _lacking(np.reshape(chances, (-1, len(PLACES))), places), np.ones(len(songs))

    def module_settings(self, architecture: str) -> dict[str, Any]:
        channels, values, first, kernel, *dilations, hidden, _ = (int(n) for n in re.findall(r"\d+", architecture))
        return {
            "channels": channels,
            "value_channels": values,
            "first_kernel": first,
            "kernel": kernel,
            "dilations": dilations,
            "hidden": hidden,
            "tempo_alone": True,
            "weight_decay": 0.0,  # it would move what no gradient does
        }


def _lacking(chances: Array, places: Array) -> Array:
    """`[E]`, minus the log of how likely `[E, 256]` a tempo within 4 % of that at `places` `[E]` is."""
    return np.asarray(-np.log(np.maximum((chances * _near(places)).sum(1), _IMPOSSIBLE)))


def _near(places: Array) -> NDArray[np.bool_]:
    """`[E, 256]`, which of the decoder's tempos are within 4 % of that at `places` `[E]`."""
    return np.asarray(np.abs(PLACES - places[:, None]) <= _NEAR)
