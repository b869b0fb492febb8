"""How InstrumentRecognizer learns from labelled recordings: by the last layers of its heads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.audio.clips import Clip
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import FAMILIES, FAMILY_OF, INSTRUMENTS, InstrumentBatch, encode
from kmidi_lab.models.instrument.hearing import heard_sounds, mean_outputs
from kmidi_lab.models.instrument.network import last_layers
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain, Streaming
from kmidi_lab.retraining.lessons import Array
from kmidi_lab.retraining.sounds import NamedSounds, Rows
from kmidi_lab.retraining.training import Head
from kmidi_lab.scoring.metrics import log_likelihoods, softmax

_PART = INSTRUMENT.output("instrument").index
_RANK = 4
_GATED = ("instrument", "family", "technique")
"""What the card is judged by, the primary metric first."""


class PlayedFeedback(NamedSounds):
    """Targets `[E, 1]`: the place of the instrument, which names the family too, but for a synthesizer.

    Of how it is played a label says nothing. Those slices are learnt from the original data alone, by layers whose rate
    is chosen for the label: so technique has a gate of its own, and family, which labels do move.
    """

    RATE = 1e-3

    def layers(self, module: LabModule) -> tuple[Streaming, nn.Module]:
        return last_layers(cast("Chain", module.network))

    def labels(self, head: Head) -> Sequence[str]:
        return INSTRUMENTS

    def logits(self, outputs: Array, head: Head) -> Array:
        return outputs[:, _PART]

    def trained_logits(self, module: LabModule, outputs: torch.Tensor) -> torch.Tensor:
        return outputs[:, _PART]

    def adapted(self, module: LabModule) -> Mapping[str, int]:
        _, last = self.layers(module)
        return {name: _RANK for name, part in module.named_modules() if part in set(last.modules()) and name}

    def below(self, batch: Any, rows: Rows) -> InstrumentBatch:
        known = [encode(_known(INSTRUMENTS[int(place)])) for place in rows.targets[:, 0]]
        target, mask = (torch.from_numpy(np.stack(part)).to(batch.target) for part in zip(*known, strict=True))
        return cast("InstrumentBatch", batch)._replace(
            target=torch.cat([batch.target, target]),
            mask=torch.cat([batch.mask, mask]),
            heard=rows.means.to(batch.x),
        )

    def test_losses(self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any) -> tuple[Array, Array]:
        """Minus the log of the chance of each clip's instrument, by take."""
        return self.frozen_tests(call, head, data)[""]

    def frozen_tests(
        self, call: Callable[[NDArray[Any]], NDArray[Any]], head: Head, data: Any
    ) -> Mapping[str, tuple[Array, Array]]:
        """Those of the instrument, the family and the technique, each of the clips that have a label for it, if any has."""
        clips = [clip for clip in data.songs("test") if not clip.labels.keys().isdisjoint(_GATED)]
        heard = heard_sounds([clip.sound.frames for clip in clips], data.contract.features)
        outputs = mean_outputs([call(sound.inputs[None])[0] for sound in heard], heard)
        there = [part for part in _GATED if any(part in clip.labels for clip in clips)]
        return {"" if part == _GATED[0] else part: _by_take(part, clips, outputs) for part in there}

    def module_settings(self, architecture: str) -> dict[str, Any]:
        channels, first, kernel, *dilations, _, hidden, _ = (int(n) for n in re.findall(r"\d+", architecture))
        return {
            "channels": channels,
            "first_kernel": first,
            "kernel": kernel,
            "dilations": dilations,
            "hidden": hidden,
        }


def _by_take(part: str, clips: Sequence[Clip], outputs: Array) -> tuple[Array, Array]:
    """Losses and numbers of clips `[G]` of the takes with a label for a slice, which outputs `[C, M]` are right about or not."""
    rows = [row for row, clip in enumerate(clips) if part in clip.labels]
    true = np.array([clips[row].labels[part] for row in rows], int)
    losses = -log_likelihoods(softmax(outputs[rows, INSTRUMENT.output(part).index]), true)
    _, take = np.unique([clips[row].group for row in rows], return_inverse=True)
    count = np.bincount(take)
    return np.bincount(take, losses) / count, count.astype(float)


def _known(instrument: str) -> dict[str, int]:
    family = FAMILY_OF.get(instrument)
    of = {} if family is None else {"family": FAMILIES.index(family)}
    return {"instrument": INSTRUMENTS.index(instrument), **of}
