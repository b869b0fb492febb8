"""A melody over chords as it is answered, and the MIDI file of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.models.melody.continuation import Primer, written
from kmidi_lab.models.melody.metres import METRES, Metre
from kmidi_lab.models.melody.rhythm import Rhythm
from kmidi_lab.models.melody.writing import TimedChord, midi_bytes, sounding, under


@dataclass(frozen=True)
class Tune:
    """A melody over chords: `rhythm` and MIDI `pitch` of its T notes, `[T]`; times in quarters, tempo in beats a minute.

    `primer` is the tune that it continues, from whose end its times are counted. `spelling` is the key.
    """

    rhythm: Rhythm
    pitch: np.ndarray
    chords: list[TimedChord]
    tempo: int
    spelling: Spelling
    rhythm_from: str
    metre: Metre = METRES["4/4"]
    primer: Primer | None = None

    @cached_property
    def midi(self) -> bytes:
        """Written when it is asked for: a song draws many tunes and plays few."""
        if self.primer:
            tune = sounding(self.rhythm, self.pitch, self.primer.velocity)
            return written(self.primer, tune, under(self.chords))
        return midi_bytes(self.rhythm, self.pitch, self.chords, self.tempo, self.spelling, self.metre)

    @property
    def notes(self) -> list[tuple[float, float, int]]:
        """(onset, duration, MIDI pitch) of each note, times in quarters."""
        columns = (self.rhythm.onset.tolist(), self.rhythm.duration.tolist(), self.pitch.tolist())
        return list(zip(*columns, strict=True))
