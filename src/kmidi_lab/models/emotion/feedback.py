"""How EmotionRecognizer learns from labelled recordings: its discriminants and what stands behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.contract_features import SPEAKER_FEATURES
from kmidi_lab.emotion_embedding import read_scalars
from kmidi_lab.models.emotion.evaluation import all_heard
from kmidi_lab.models.emotion.features import EMOTIONS, EmotionBatch, label_set, scalars_of
from kmidi_lab.models.emotion.hearing import mean_embeddings, spoken_means
from kmidi_lab.models.emotion.module import EmotionRecognizer
from kmidi_lab.models.emotion.network import linear_part
from kmidi_lab.models.emotion.scores import decode
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain, Streaming
from kmidi_lab.retraining.lessons import Array
from kmidi_lab.retraining.sounds import NamedSounds, Rows
from kmidi_lab.retraining.training import Head
from kmidi_lab.scoring.metrics import log_likelihoods, softmax

_RANK = 4
_KINDS = (1, 2, 4)
"""Numbers of a target: the label's place, chances of the intensities, and the readings."""


class VoiceFeedback(NamedSounds):
    """Targets `[E, 7]`: the label's place, then what the release says of intensity `[2]` and readings `[4]`.

    A label says nothing of intensity and complexity, so the release's own answers stand in: what is learnt of the label
    leaves them where they are. Valence, arousal and dominance are those of the label. The layers up to the last GRU (of
    a network without one, all but the last) stay as they are: they were taught without labels.
    """

    RATE = 3e-4
    # Frames and bands that are blotted out say something else through layers that can't learn to hear past it.
    DATA: ClassVar[Mapping[str, Mapping[str, Any]]] = {"augment": {"bands": 0, "frames": 0}}

    def layers(self, module: LabModule) -> tuple[Streaming, nn.Module]:
        return linear_part(cast("Chain", module.network))

    def labels(self, head: Head) -> Sequence[str]:
        return label_set(len(head["bias"]))

    def logits(self, outputs: Array, head: Head) -> Array:
        return outputs @ head["weight"].T + head["bias"]

    def trained_logits(self, module: LabModule, outputs: torch.Tensor) -> torch.Tensor:
        own = cast("EmotionRecognizer", module)
        logits: torch.Tensor = own.label(outputs @ own.seen)
        return logits

    def adapted(self, module: LabModule) -> Mapping[str, int]:
        learning = next(part for part in self.layers(module)[1].modules() if isinstance(part, nn.Linear))
        [name] = [name for name, part in module.named_modules() if part is learning]
        return {name: _RANK, "label": 0}

    def targets(self, answers: Array, liked: NDArray[np.bool_], outputs: Array, head: Head) -> Array:
        names = self.labels(head)
        strong = softmax(outputs @ head["intensity_weight"].T + head["intensity_bias"])
        places = [EMOTIONS.index(names[int(place)]) for place in answers[:, 0]]
        both = np.array([[scalars_of(place, which) for which in (False, True)] for place in places])
        meant = (strong[..., None] * both).sum(1)
        return np.concatenate([answers, strong, meant, read_scalars(outputs)[:, 3:]], axis=1)

    def below(self, batch: Any, rows: Rows) -> EmotionBatch:
        place, strong, scalars = rows.targets.to(batch.label).split(_KINDS, 1)
        named = nn.functional.one_hot(place[:, 0].long(), batch.label.shape[1])
        return cast("EmotionBatch", batch)._replace(
            label=torch.cat([batch.label, named.to(batch.label)]),
            intensity=torch.cat([batch.intensity, strong]),
            scalars=torch.cat([batch.scalars, scalars]),
            heard=rows.means.to(batch.x),
        )

    def test_losses(self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any) -> tuple[Array, Array]:
        """Minus the log of the label's chance in each clip, heard first and after 15 s; each label weighs alike, as in UAR."""
        clips, true, features = data.songs("test"), data.label_indices("test"), data.contract.features
        if features == SPEAKER_FEATURES:
            embeddings = mean_embeddings(call, data, "test")
        else:
            embeddings = spoken_means(call, *all_heard([clip.sound.frames for clip in clips], features))
        hearings = decode(embeddings, dict(head)).reshape(-1, len(true), len(head["bias"]))
        return -np.mean([log_likelihoods(p, true) for p in hearings], axis=0), 1 / np.bincount(true)[true]

    def module_settings(self, architecture: str) -> dict[str, Any]:
        if "GRU" not in architecture:
            channels, first, kernel, *dilations, _ = (int(n) for n in re.findall(r"\d+", architecture))
            return {
                "channels": channels,
                "first_kernel": first,
                "kernel": kernel,
                "dilations": dilations,
                "companions": 0,
            }
        channels, first = (int(n) for n in re.findall(r"\d+", architecture.partition("then")[0]))
        units, *kept = architecture.partition("GRU of ")[2].removesuffix("→64").split("→")
        return {
            "channels": channels,
            "first_kernel": first,
            "recurrent": [int(n) for n in units.split(", ")],
            "pretrain_epochs": [1] * len(kept),
            "companions": 0,
        }
