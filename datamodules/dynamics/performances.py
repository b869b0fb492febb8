"""What every reader of performances returns, and a MIDI file as a score."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kmidi_lab.midi.score import Score
from kmidi_lab.models.dynamics.targets import Performed


@dataclass(frozen=True)
class Performance:
    """One performance of one piece. `piece` names the piece over all its performances; `id` is unique; `unknown` names
    the contract's slices that the source says nothing of.
    """

    id: str
    piece: str
    source: str
    score: Score
    played: Performed
    unknown: tuple[str, ...] = ()

    @property
    def known(self) -> int:
        """Notes whose velocity is known."""
        return int(np.isfinite(self.played.velocity).sum())


def at_tempo(score: Score, tempo: float) -> Score:
    """The same notes at one tempo, as a host plays them."""
    return replace(score, tempo=np.full(len(score), tempo))
