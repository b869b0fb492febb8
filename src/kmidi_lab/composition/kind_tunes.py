"""The tune of each kind of section: drawn from the melody model, sung early and swung, with another end where it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np

from kmidi_lab.composition.accompaniment import swung
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.blues import tune_key, with_blue_notes
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.leaning import leaning, leaning_places
from kmidi_lab.composition.liberties import with_liberties
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.phrasing import early, early_places, sung_bars
from kmidi_lab.composition.playable import alone_span, sung_span
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.tunes import SPAN, Singer, section_tune, with_end
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_SUNG = ("verse", "pre-chorus", "chorus", "bridge", "solo", "drop", "other")
_LIFT = {"verse": 0.25, "pre-chorus": 0.45, "chorus": 0.75, "bridge": 0.5, "solo": 0.8, "drop": 0.8}
"""How high a tune lies within the lead's range, 0..1."""
_USUAL_LIFT = 0.4
_VARIED = ("verse", "bridge", "other")
"""Kinds that have another end each time; others come as they were, but for a singer's liberties."""
_LIFTING, _HIGHER = ("chorus", "drop"), (0.25, 1)
"""Kinds whose last time has an end of its own, how much higher that lies, and its bars."""
_LONG_REST = 0.35
"""How often such a kind leaves its last two bars to the band; others leave one."""
_TEMPERATURE = 0.85
_NOTES_A_BAR, _MORE = 6.0, 2.5
"""Notes of a tune in a bar of four quarters at `_TEMPO` without a feeling, and what an arousal of 1 adds: two a second, about as people sing."""
_TEMPO, _PACES = 100.0, (0.7, 1.6)
"""Quarters a minute, and the least and the greatest factor on these notes by a song's tempo: a slow bar holds more."""

_DANCED, _RUNNING = 140.0, 5.2
"""Quarters a minute from which a jig is danced, and notes of its bars then: it runs in eighths."""

Asked = Callable[[str], dict[str, Any]]
"""Chords to what a model is asked about them."""


class KindTunes:
    """Asks melody for the tunes of a song's sections."""

    def __init__(self, brief: Brief, players: Players, asked: Asked, room: int = 0) -> None:
        """`room` are semitones that are left free above the tune, where it is heard higher later."""
        self._brief, self._players, self._asked = brief, players, asked
        self._bar = brief.metre.bar
        slower = min(max(_TEMPO / brief.tempo, _PACES[0]), _PACES[1])
        self._density = (_NOTES_A_BAR + _MORE * brief.mood.arousal) * slower * self._bar / COMMON.bar
        if brief.jig and brief.tempo >= _DANCED:
            self._density = _RUNNING
        rng = np.random.default_rng([brief.seed, 2, brief.turn])
        usual = alone_span(brief.band.programs["lead"], SPAN) if {"chords", "pad"} <= {*brief.without} else SPAN
        low, high = sung_span(brief.band.programs["lead"], usual)
        heard = partial(with_blue_notes, tonic=brief.key.tonic) if brief.blues else None
        self._sung_in = tune_key(brief.spelling) if brief.blues else brief.spelling
        self._singer = Singer(self._draw, self._sung_in.key, rng, brief.metre, (low, high - room), heard)

    def of(self, kind: str, chords: Sequence[str]) -> list[Note]:
        """The tune of a kind of section over its chords by bars; none where nobody sings."""
        if kind not in _SUNG and (kind == "silence" or not {"chords", "pad", "bass"} <= {*self._brief.without}):
            return []
        drawn = section_tune(self._singer, chords, _lift(kind), self._sung_bars(kind, len(chords)))
        return self._sung(kind, drawn, chords)

    def again(self, kind: str, tune: Sequence[Note], chords: Sequence[str], times: int, last: bool) -> list[Note]:
        """A tune that was sung so many times before: with another end, or with a singer's liberties.

        What comes for the last time has both where its kind lifts the song.
        """
        if kind in _VARIED or (last and kind in _LIFTING):
            tune = self.with_other_end(kind, tune, chords, *(_HIGHER if kind in _LIFTING else ()))
        if kind in _VARIED:
            return list(tune)
        rng = np.random.default_rng([self._brief.seed, 9, self._brief.turn, crc32(kind.encode()), times])
        chord_at, metre = Sounding(chords, self._bar).at, self._brief.metre
        return swung(with_liberties(tune, chord_at, self._brief.key, metre, rng), self._brief.late)

    def with_other_end(
        self, kind: str, tune: Sequence[Note], chords: Sequence[str], higher: float = 0.0, bars: int = 2
    ) -> list[Note]:
        """A tune with its last bars drawn anew; `higher` is added to how high it lies, 0..1."""
        sung = self._sung_bars(kind, len(chords))
        lift = min(_lift(kind) + higher, 1.0)
        return self._sung(kind, with_end(self._singer, tune, chords, lift, sung, bars) if tune else [], chords)

    def _sung_bars(self, kind: str, bars: int) -> list[int]:
        """Bars of each phrase that are sung: in a blues the band answers every line, and some kinds leave it two bars.

        A jig leaves it none.
        """
        drawn = np.random.default_rng([self._brief.seed, 7, self._brief.turn, crc32(kind.encode())]).random()
        if self._brief.jig:
            return [min(PHRASE, bars - at) for at in range(0, bars, PHRASE)]
        return sung_bars(bars, bool(self._brief.blues), 2 if kind in _VARIED and drawn < _LONG_REST else 1)

    def _sung(self, kind: str, tune: Sequence[Note], chords: Sequence[str]) -> list[Note]:
        """A tune as it is sung: leaning and early in places that are the same wherever its kind returns, and swung."""
        rng = np.random.default_rng([self._brief.seed, 3, self._brief.turn, crc32(kind.encode())])
        metre, chord_at = self._brief.metre, Sounding(chords, self._bar).at
        places = early_places(0.0 if self._brief.jig else self._brief.band.early, metre, rng)
        leant = list(tune)
        if not self._brief.blues:
            leant = leaning(tune, chord_at, self._brief.key, leaning_places(metre, rng), metre)
        return swung(early(leant, chord_at, places, metre), self._brief.late)

    def _draw(self, chords: str, bars: int, seed: int) -> list[tuple[float, float, int]]:
        question = self._asked(chords) | {
            "key": str(self._sung_in),
            "bars": bars,
            "metre": self._brief.metre.name,
            "density": self._density,
        }
        return list(self._players.ask("melody", seed, temperature=_TEMPERATURE, **question).notes)


def _lift(kind: str) -> float:
    return _LIFT.get(kind, _USUAL_LIFT)
