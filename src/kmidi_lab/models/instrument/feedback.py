"""How InstrumentRecognizer learns from labelled recordings: by the last layers of its heads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.models.instrument.features import FAMILIES, FAMILY_OF, INSTRUMENTS, InstrumentBatch, encode
from kmidi_lab.models.instrument.hearing import heard_sounds, mean_outputs
from kmidi_lab.models.instrument.network import last_layers
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain, Streaming
from kmidi_lab.retraining.lessons import Array
from kmidi_lab.retraining.sounds import Rows, SoundTraining
from kmidi_lab.retraining.training import Head
from kmidi_lab.scoring.metrics import log_likelihoods, softmax

_PART = INSTRUMENT.output("instrument").index
_RANK = 4


class PlayedFeedback(SoundTraining):
    """Targets `[E, 1]`: the place of the instrument, which names the family too, but for a synthesizer.

    Of how it is played a label says nothing. Those slices are learnt from the original data alone.
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
        clips = [clip for clip in data.songs("test") if "instrument" in clip.labels]
        heard = heard_sounds([clip.sound.frames for clip in clips], data.contract.features)
        outputs = mean_outputs([call(sound.inputs[None])[0] for sound in heard], heard)
        true = np.array([clip.labels["instrument"] for clip in clips])
        losses = -log_likelihoods(softmax(self.logits(outputs, head)), true)
        _, take = np.unique([clip.group for clip in clips], return_inverse=True)
        count = np.bincount(take)
        return np.bincount(take, losses) / count, count.astype(float)

    def module_settings(self, architecture: str) -> dict[str, Any]:
        channels, first, kernel, *dilations, _, hidden, _ = (int(n) for n in re.findall(r"\d+", architecture))
        return {
            "channels": channels,
            "first_kernel": first,
            "kernel": kernel,
            "dilations": dilations,
            "hidden": hidden,
        }


def _known(instrument: str) -> dict[str, int]:
    family = FAMILY_OF.get(instrument)
    of = {} if family is None else {"family": FAMILIES.index(family)}
    return {"instrument": INSTRUMENTS.index(instrument), **of}
