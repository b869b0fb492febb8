"""The chords of each kind of section, drawn once or given, so that what returns is known again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from kmidi_lab.composition import summaries
from kmidi_lab.composition.blues import played
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.harmonic_rhythm import HarmonicRhythm
from kmidi_lab.composition.jigs import jig_round
from kmidi_lab.composition.own_chords import lender, row_of
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.progressions import Taste, progression


class KindChords:
    """Asks harmony for the rounds of a song's sections."""

    def __init__(self, brief: Brief, players: Players, home: Collection[str] = ()) -> None:
        """`home` are kinds of sections to which a dominant leads, as `lender` names them: their chords begin on the tonic."""
        self._brief, self._players, self._home = brief, players, home
        self._rng = np.random.default_rng([brief.seed, 4, brief.turn])
        bar_s = brief.metre.bar * 60 / brief.tempo
        self.rhythm = HarmonicRhythm(brief.band.name, bar_s, self._rng, brief.metre.beats)
        self.halved: Collection[str] = ()
        """Kinds, as `lender` names them, that feel half as fast."""
        self._loops: dict[str, list[str]] = {}
        self._drawn: list[tuple[str, str]] = []

    def of(self, kind: str, bars: int) -> list[str]:
        """The chords of a kind of section, by bars."""
        loop = self._loop(kind)
        return played(loop, kind, bars) if self._brief.blues else [loop[i % len(loop)] for i in range(bars)]

    def asked(self, so_far: str) -> dict[str, Any]:
        """What a model is asked about chords."""
        return {"chords": so_far, "key": str(self._brief.spelling), "emotion": str(self._brief.mood)}

    def drawn(self) -> list[tuple[str, dict[str, Any], str]]:
        """For each chord that a model drew: the model, what it was asked, and the chord as the song plays it."""
        return [("harmony", self.asked(so_far), chord) for so_far, chord in self._drawn]

    def _loop(self, kind: str) -> list[str]:
        """The chords that a kind of section repeats."""
        if given := self._brief.blues or row_of(self._brief.own, kind):
            return list(given)
        kind = lender(kind)
        if self._brief.jig:
            return list(jig_round(kind, self._brief.spelling, self._brief.seed))
        if kind not in self._loops:
            band, mood = self._brief.band, self._brief.mood
            colour, beats = 0.05 + 0.3 * mood.complexity, self._brief.metre.beats
            taste = Taste(self._brief.key, band.sevenths, colour, beats, kind in self._home)
            others = [*self._loops.values(), *self._brief.own.named.values()]
            rhythm = self.rhythm.of_round(band.loop, kind in self.halved)
            chosen = progression(self._next_chords, taste, rhythm, others, self._rng)
            self._drawn += chosen.drawn
            self._loops[kind] = chosen.chords
            self._players.note("harmony", {kind: summaries.of_round(chosen)})
        return self._loops[kind]

    def _next_chords(self, so_far: str) -> list[tuple[str, float]]:
        return list(self._players.ask("harmony", **self.asked(so_far), top=24))
