"""How sure the instrument model may be of what plays, from clips that a network has not heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from kmidi_lab.audio.clips import Clip
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.instrument.baselines import labelled
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import Labels
from kmidi_lab.models.instrument.hearing import heard_sounds, mean_outputs
from kmidi_lab.run_analysis import Note
from kmidi_lab.scoring.calibration import Judged, sharpness

Call = Callable[[np.ndarray], np.ndarray]
_PART = INSTRUMENT.output("instrument").index


class CalibrationData(Protocol):
    """What is asked of a data module."""

    contract: Contract

    def songs(self, split: str) -> Sequence[Clip]: ...


class Unheard:
    """Validation clips and what a network that has not learnt from them says of each.

    Args:
        call: `[1, T, 128]` to `[1, T, 160]`, from a reset on.
        data: with a validation split.
    """

    def __init__(self, call: Call, data: CalibrationData) -> None:
        clips = data.songs("val")
        heard = heard_sounds([clip.sound.frames for clip in clips], data.contract.features)
        self.labels: list[Labels] = [clip.labels for clip in clips]
        self.outputs = mean_outputs([call(sound.inputs[None])[0] for sound in heard], heard)

    @property
    def judged(self) -> Judged:
        """Logits `[N, 32]` and instruments `[N]` of the clips whose instrument is known."""
        rows, true = labelled("instrument", self.labels)
        return self.outputs[rows][:, _PART], true


def scale_of(unheard: Sequence[Unheard]) -> float:
    """What the logits of the instruments are best multiplied by; 1 where no clip has one."""
    logits, true = (np.concatenate(part) for part in zip(*(each.judged for each in unheard), strict=True))
    return sharpness(logits, true) if len(true) else 1.0


def note_of(scale: float, clips: int, of_another: bool) -> Note:
    """What a card says of it.

    Args:
        scale: what the logits were multiplied by.
        clips: of validation, whose instrument is known.
        of_another: they were judged by a network of the same settings, since this one has heard them.
    """
    whose = "a network of the same settings, which has not learnt from them," if of_another else "it"
    learnt = "" if of_another else ", which it has not learnt from"
    return Note(
        "How sure the answers are",
        f"The logits of `instrument` are multiplied by {scale:.2f} (one over the temperature) in the last layer of all files. "
        f"With this number {whose} finds the instruments of the {clips:,} validation clips likeliest{learnt}.",
    )
