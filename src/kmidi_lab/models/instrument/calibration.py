"""How sure the instrument model may be of what plays, from clips that a network has not heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.contracts import INSTRUMENT, Contract
from kmidi_lab.models.instrument.baselines import labelled
from kmidi_lab.models.instrument.features import Labels
from kmidi_lab.models.instrument.hearing import heard_sounds, mean_outputs
from kmidi_lab.run_record import Note
from kmidi_lab.scoring.calibration import sharpness

Call = Callable[[np.ndarray], np.ndarray]
SLICES = ("instrument", "family")
"""Those that say what plays. The others are read as places in an order, or have too few labels."""


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

    def logits(self, name: str) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
        """Of a slice, `[N, K]`, and the places `[N]` of the clips that have a label for it."""
        rows, true = labelled(name, self.labels)
        return self.outputs[rows][:, INSTRUMENT.output(name).index], true


def scales(unheard: Sequence[Unheard]) -> dict[str, float]:
    """What the logits of each of `SLICES` are best multiplied by; 1 where no clip has a label for it."""
    out = {}
    for name in SLICES:
        logits, true = (np.concatenate(part) for part in zip(*(each.logits(name) for each in unheard), strict=True))
        out[name] = sharpness(logits, true) if len(true) else 1.0
    return out


def note_of(by: dict[str, float], clips: int, of_another: bool) -> Note:
    """What a card says of it.

    Args:
        by: what the logits of each slice were multiplied by.
        clips: of validation.
        of_another: they were judged by a network of the same recipe, since this one has heard them.
    """
    whose = (
        "as a network of the same recipe says them, which has not learnt from them"
        if of_another
        else "which it has not learnt from"
    )
    multiplied = " and ".join(f"those of {name} by {scale:.2f}" for name, scale in by.items())
    return Note(
        "How sure the answers are",
        f"The logits are multiplied, {multiplied} (one over the temperature), in the last layer of all files. With these "
        f"numbers the labels of the {clips:,} validation clips are likeliest, {whose}.",
    )
