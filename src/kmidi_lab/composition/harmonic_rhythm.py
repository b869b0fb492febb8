"""How often chords change, as `harmonic_rhythm.yaml` writes it: in some songs every bar, in others every two or twice a bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from kmidi_lab.own_yaml import table
from kmidi_lab.song.edges import PHRASE

_BY_LENGTH = 1.5
"""Power of the length of a bar by which quick changes become more likely, and slow ones less."""
_OTHER = 0.3
"""How often a kind of section has a pace of its own, as a bridge that changes twice a bar."""
_QUICKEST = 0.6
"""Seconds that a chord lasts at least of two in a bar: in a fast waltz the second one would be a beat that nobody hears."""
_CADENCE = 0.25
"""How often a round of several phrases ends with two chords in its last bar, where its phrases end with one."""


class HarmonicRhythm:
    """The paces of a song; `divides` says whether its bars are long enough for two chords.

    Args:
        style: name of a style.
        bar_s: seconds of a bar.
        rng: draws them.
        beats: of a bar; of three the second of two chords has one.
    """

    def __init__(self, style: str, bar_s: float, rng: np.random.Generator, beats: int = 4) -> None:
        self.divides = bar_s / (3 if beats == 3 else 2) >= _QUICKEST
        written = table(__name__, "harmonic_rhythm.yaml")
        longer = (bar_s / written["usual_s"]) ** _BY_LENGTH
        usual = written["styles"][style]
        self._paces: Mapping[str, list[tuple[list[int], float]]] = written["paces"]
        self._weights = {"slow": usual["slow"] / longer, "even": usual["even"], "quick": usual["quick"] * longer}
        self._rng = rng
        self._song = self._pace()

    def of_round(self, bars: int, slow: bool = False) -> list[int]:
        """Chords that begin in each bar of a round of about `bars` bars; of slow ones it has twice as many.

        Args:
            bars: a multiple of four.
            slow: whether chords last two bars rather, as in half time.
        """
        pace = self._pace() if self._rng.random() < _OTHER else self._song
        pace = "slow" if slow else pace
        phrases = max(bars // PHRASE, 2 if pace == "slow" else 1)
        patterns, weights = zip(*self._paces[pace], strict=True)
        phrase = patterns[self._choice(weights)]
        counts = [*phrase] * phrases
        if phrases > 1 and phrase[-1] == 1 and self._rng.random() < _CADENCE:
            counts[-1] = 2
        return counts if self.divides else [min(count, 1) for count in counts]

    def _pace(self) -> str:
        return list(self._weights)[self._choice(self._weights.values())]

    def _choice(self, weights: Iterable[float]) -> int:
        p = np.array(list(weights))
        return int(self._rng.choice(len(p), p=p / p.sum()))
