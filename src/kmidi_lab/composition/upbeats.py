"""Upbeats: the tune begins a section with a few notes before its first bar line, where the bar before is the band's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from zlib import crc32

import numpy as np

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.accompaniment import swung
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.form import EDGE_KINDS, Stretch
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.composition.scales import scale_over
from kmidi_lab.song import Note

_APART = ("solo", "silence")
"""Kinds into which, and out of which, nobody sings."""
_OFTEN = 0.35
"""How often a kind of section begins so."""
_NOTES = (2, 3)
"""Of an upbeat, in eighths."""
_EIGHTH = 0.5
_SOON = 1.0
"""Quarters from a section's start within which the tune that it leads to begins."""
_REST = 1.0
"""Quarters of silence before an upbeat."""
_SOFTER = 8


def with_upbeats(
    form: Sequence[Stretch], made: Sequence[Material], keys: Sequence[Key], metre: SongMetre, late: float, seed: int
) -> list[Material]:
    """What each section is made of, with the upbeat of the next one in its last bar.

    Args:
        form: sections.
        made: of each.
        keys: of each, as it sounds.
        metre: of the song.
        late: quarters that eighths off the beat are late.
        seed: of the song.
    """
    out = list(made)
    for n, (before, stretch) in enumerate(pairwise(form)):
        if not {before.kind, stretch.kind} & {*_APART} and stretch.kind not in EDGE_KINDS:
            rng = np.random.default_rng([seed, 8, crc32(stretch.kind.encode())])
            notes = upbeat(made[n + 1].tune, made[n], keys[n + 1], metre, rng)
            out[n] = replace(made[n], tune=(*made[n].tune, *swung(notes, late)))
    return out


def upbeat(tune: Sequence[Note], before: Material, key: Key, metre: SongMetre, rng: np.random.Generator) -> list[Note]:
    """The notes that lead to a tune, in quarters from the start of the section before.

    They go by step to its first note, from below or from above, and begin on a tone of the chord where they can; the last
    one is held where the tune begins a little later than its section.
    """
    likely, count = rng.random(), int(rng.choice(_NOTES))
    length = len(before.chords) * metre.bar
    start = length - count * _EIGHTH
    if likely >= _OFTEN or not tune or tune[0].start >= _SOON or count * _EIGHTH > metre.bar:
        return []
    if before.tune and before.tune[-1].stop > start - _REST:
        return []
    chord, first = Sounding(before.chords, metre.bar).at(start), tune[0].pitch
    scale = scale_over(chord, key)
    below, above = (
        [pitch for pitch in range(first + way, first + 12 * way, way) if pitch % 12 in scale][:count][::-1]
        for way in (-1, 1)
    )
    line = above if below[0] % 12 not in chord.tones and above[0] % 12 in chord.tones else below
    loud = max(1, tune[0].velocity - _SOFTER)
    notes = [Note(start + n * _EIGHTH, _EIGHTH, pitch, loud) for n, pitch in enumerate(line)]
    return [*notes[:-1], notes[-1]._replace(duration=_EIGHTH + tune[0].start)]
