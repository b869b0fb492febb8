"""How a song begins, goes on and ends as its text asks for it: a fade; a course of the tempo; a ritardando, a held chord, a fade."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from kmidi_lab.composition.said_ending import SaidEnding
from kmidi_lab.song import Arrangement
from kmidi_lab.song.elements import FASTEST, SLOWEST, Level, Tempo

_BARS = 2
"""Over which the tempo falls; a song of fewer falls over its last bar."""
_LAST = 0.6
"""Share of the tempo that is left at the end: about what listeners and pianists end a piece at."""
_POWER = 3.0
"""The tempo falls as that of a runner who comes to a stand (A. Friberg, J. Sundberg, J. Acoust. Soc. Am. 105, 1999)."""
_COURSE = 1.2
"""Factor between the tempo in the middle of a song that gets faster or slower and that at either end. Our choice."""
_HELD = 0.5
"""Share of the tempo that the last bar has under a fermata: its chord sounds twice as long."""
_FADE_BARS, _FADE_SHARE = 8, 3
"""Bars of a fade; of a short song it is one of so many parts."""
_STEP, _FULL, _FAINTEST = 0.5, 127, 4
"""Quarters between two levels of a fade, and its highest and lowest level."""


def closed(song: Arrangement, ending: SaidEnding) -> Arrangement:
    """The song with each ending that is asked for."""
    song = slowed(song) if ending.slower else song
    song = held(song) if ending.held else song
    return faded(song) if ending.faded else song


def moving(song: Arrangement, course: str) -> Arrangement:
    """The same song with a tempo that rises or falls from bar to bar, by the same factor each; its middle has the song's tempo.

    Args:
        song: with whatever tempos.
        course: `faster` or `slower`; empty leaves the song as it is.
    """
    if not course or len(song.metres) == 1:
        return song
    tempos = []
    for n, start in enumerate(song.bar_starts[:-1]):
        power = 2 * n / (len(song.metres) - 1) - 1
        factor = _COURSE ** (power if course == "faster" else -power)
        tempos.append(Tempo(start, min(max(SLOWEST, round(factor * song.tempo_at(start), 2)), FASTEST)))
    return replace(song, tempos=tuple(tempos))


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


def held(song: Arrangement) -> Arrangement:
    """The same song with a last bar that lasts twice as long."""
    start = song.bar_starts[-2]
    before = tuple(tempo for tempo in song.tempos if tempo.start < start)
    return replace(song, tempos=(*before, Tempo(start, max(SLOWEST, round(_HELD * song.tempo_at(start), 2)))))


def faded(song: Arrangement) -> Arrangement:
    """The same song with all parts fading out over the last bars; how hard notes are struck stays."""
    stop, length = song.length, _fading(song)
    return _with_levels(song, lambda at: (stop - at) / length, stop - length, stop)


def faded_in(song: Arrangement) -> Arrangement:
    """The same song with all parts fading in over the first bars."""
    length = _fading(song)
    song = _with_levels(song, lambda at: at / length, 0.0, length)
    return _with_levels(song, lambda at: 1.0, length, length + _STEP)


def _fading(song: Arrangement) -> float:
    """Quarters of a fade."""
    return song.bar_starts[min(_FADE_BARS, max(1, len(song.metres) // _FADE_SHARE))]


def _with_levels(song: Arrangement, share: Callable[[float], float], start: float, stop: float) -> Arrangement:
    """The song with levels of all parts from a place to another, each a share 0..1 of the full one."""
    places = [start + _STEP * n for n in range(math.ceil((stop - start) / _STEP))]
    levels = tuple(Level(at, max(_FAINTEST, round(_FULL * share(at)))) for at in places)
    return replace(song, parts=tuple(replace(part, levels=part.levels + levels) for part in song.parts))
