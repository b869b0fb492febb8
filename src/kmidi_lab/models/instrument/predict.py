"""task=predict for instrument: what plays, how and how loudly, over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from omegaconf import DictConfig

from kmidi_lab.audio.voice_activity import VoiceActivity
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.inference import listening
from kmidi_lab.inference.listening import READS, Frames, Read, Reading, likeliest
from kmidi_lab.inference.published import Published
from kmidi_lab.models.instrument.vocabulary import CLASSES

__all__ = ["READS", "main"]

_ASKED = ("family", "instrument", "technique", "articulation", "register", "energy")


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    listening.main(cfg, context, reader, counts=VoiceActivity(), from_onset=True)


def reader(published: Published) -> Read:
    """Reads the likeliest place of each slice; one that no data had a label for is flat and is left out."""

    def read(outputs: Frames) -> Reading:
        asked = {name: outputs[INSTRUMENT.output(name).index] for name in _ASKED}
        return Reading(
            {}, {n: likeliest(logits, list(CLASSES[n])) for n, logits in asked.items() if np.ptp(logits) > 0}
        )

    return read
