"""How loud a song is from its start to its end where a person asks for it: the players' velocities follow the arc, too."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence

import numpy as np

from kmidi_lab.midi.reading import open_file
from kmidi_lab.midi.writing import Edit, rewrite, stroke
from kmidi_lab.song.arcs import ARC_CURVES, wanted_energy

_HEARD = 0.55
"""Share of a velocity that an arc takes away where it wants no energy and has full energy elsewhere. Our choice: a song that
dies away ends at .59 of its loudest, since the models alone keep nine tenths, which is hardly heard."""
_EARLY = 0.125
"""Quarters by which a stroke of a bar may be played before it."""


def swelled(midi: bytes, arc: str, quarters: float) -> bytes:
    """The MIDI file with every stroke as loud as the arc wants it there; where that has its most energy all stay as they are.

    Args:
        midi: of a song that is played.
        arc: KmiDi's name of it.
        quarters: of the song.
    """
    curve = ARC_CURVES[arc]
    return _louder(midi, lambda at: max(curve) - wanted_energy(curve, float(np.clip(at / quarters, 0.0, 1.0))))


def levelled(midi: bytes, levels: Sequence[float], starts: Sequence[float]) -> bytes:
    """The same with every stroke as loud as its bar is to be; where that is the most all stay as they are.

    Args:
        midi: of a song that is played.
        levels: of each bar, 0..1.
        starts: where each bar begins, in quarters.
    """
    return _louder(midi, lambda at: max(levels) - levels[min(_bar_at(at, starts), len(levels) - 1)])


def as_loud_as(midi: bytes, other: bytes, bars: Collection[int], starts: Sequence[float]) -> bytes:
    """The MIDI file with the velocities of another one of the same notes in some bars, which begin at `starts` in quarters."""
    file, louder = open_file(midi), open_file(other)
    edits: dict[int, Edit] = {}
    for track, like, places in zip(file.piece.tracks, louder.piece.tracks, file.places, strict=True):
        for note, same, (chunk, struck, *_) in zip(track.notes, like.notes, places.tolist(), strict=True):
            if _bar_at(float(note["start"]) / file.piece.ticks_per_quarter, starts) in bars:
                edits.setdefault(chunk, Edit()).changed[struck] = stroke(
                    track.channel, int(note["pitch"]), int(same["velocity"])
                )
    return rewrite(file.file, edits)


def _bar_at(place: float, starts: Sequence[float]) -> int:
    """The bar that a stroke is of, which may be played a little before it."""
    return max(bisect_right(starts, place + _EARLY) - 1, 0)


def _louder(midi: bytes, missing: Callable[[float], float]) -> bytes:
    """The MIDI file with strokes softer by the energy that is missing at their place, 0..1, in quarters."""
    file = open_file(midi)
    edits: dict[int, Edit] = {}
    for track, places in zip(file.piece.tracks, file.places, strict=True):
        for note, (chunk, struck, *_) in zip(track.notes, places.tolist(), strict=True):
            share = 1 - _HEARD * missing(float(note["start"] / file.piece.ticks_per_quarter))
            velocity = max(1, round(share * int(note["velocity"])))
            edits.setdefault(chunk, Edit()).changed[struck] = stroke(track.channel, int(note["pitch"]), velocity)
    return rewrite(file.file, edits)
