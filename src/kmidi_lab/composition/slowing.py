"""A song that slows down at its end, where its text asks for it: a ritardando over the last bars."""

from __future__ import annotations

import math
from dataclasses import replace

from kmidi_lab.song import Arrangement
from kmidi_lab.song.elements import SLOWEST, Tempo

_BARS = 2
"""Over which the tempo falls; a song of fewer falls over its last bar."""
_LAST = 0.6
"""Share of the tempo that is left at the end: about what listeners and pianists end a piece at."""
_POWER = 3.0
"""The tempo falls as that of a runner who comes to a stand (A. Friberg, J. Sundberg, J. Acoust. Soc. Am. 105, 1999)."""


def slowed(song: Arrangement) -> Arrangement:
    """The same song with a lower tempo on each of its last beats; what was played before stays as it is."""
    bars = min(_BARS, max(1, len(song.metres) - 1))
    start, stop = song.bar_starts[-1 - bars], song.length
    before = tuple(tempo for tempo in song.tempos if tempo.start < start)
    falling = []
    for beat in range(math.ceil(stop - start)):
        done = beat / (stop - start)
        share = (1 - done * (1 - _LAST**_POWER)) ** (1 / _POWER)
        falling.append(Tempo(start + beat, max(SLOWEST, round(share * song.tempo_at(start + beat), 2))))
    return replace(song, tempos=(*before, *falling))
