"""Notes that lean, as suspensions and appoggiaturas: on a strong beat the step above a tone of the chord, then that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.composition.scales import scale_over
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_SHARE = 0.35
"""How many of a phrase's strong beats may have one: so many that tunes have people's share of chord tones there."""
_ROOM, _LONG = 1.0, 2.0
"""Quarters of a tone that another may lean on, and from which it leans for a quarter; else it does for an eighth."""
_NEAR = 4
"""Semitones from which a leaning note is reached: prepared, by step, or by a third; one a semitone above only prepared."""
_HARSH = 1
"""Semitones above a chord's root at which nothing leans."""


def leaning_places(metre: SongMetre, rng: np.random.Generator) -> frozenset[float]:
    """Places of a phrase, in quarters, on which a tune may lean: some of its strong beats, by chance."""
    places = np.arange(0.0, PHRASE * metre.bar, metre.strong)
    return frozenset(places[rng.random(len(places)) < _SHARE].tolist())


def leaning(
    tune: Sequence[Note], chord_at: Callable[[float], Chord], key: Key, places: Collection[float], metre: SongMetre
) -> list[Note]:
    """The tune with leaning notes where it has room for them: none at its beginning, and none as high as its highest.

    Args:
        tune: of a section, from its start on.
        chord_at: the chord at a place, in quarters from the section's start on.
        key: whose scale they are of.
        places: of each phrase, in quarters.
        metre: of the song.
    """
    top = max((n.pitch for n in tune), default=0)
    out: list[Note] = []
    for n in tune:
        chord, held = chord_at(n.start), 1.0 if n.duration >= _LONG else 0.5
        scale = scale_over(chord, key)
        above = next((p for p in (n.pitch + 1, n.pitch + 2) if p % 12 in scale), top)
        leans = (
            bool(out)
            and n.start % (PHRASE * metre.bar) in places
            and n.duration >= _ROOM
            and n.pitch % 12 in chord.tones
            and above % 12 not in chord.tones
            and (above - chord.root) % 12 != _HARSH
            and above < top
            and abs(out[-1].pitch - above) <= (_NEAR if above - n.pitch > 1 else 0)
            and n.start - out[-1].start < metre.bar
            and chord_at(n.start + held) == chord
        )
        if leans:
            out.append(n._replace(pitch=above, duration=held))
            n = n._replace(start=n.start + held, duration=n.duration - held)
        out.append(n)
    return out
