"""How four voices move from one chord to the next."""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations

from kmidi_lab.chords.chord import Chord


@lru_cache(maxsize=1 << 16)  # songs share most of their steps from chord to chord
def voice_leading(previous: Chord, following: Chord) -> tuple[int, int, int, int]:
    """Motion of soprano, alto, tenor and bass in semitones between close-position voicings.

    The bass goes to the next bass by the shorter way. The three upper voices hold third, fifth and
    seventh (root where there is none) of the plain chord and move by the smallest total distance,
    after D. Tymoczko, *A Geometry of Music* (2011), ch. 2.
    """
    bass = _shortest(previous.bass, following.bass)
    source, target = _upper(previous), _upper(following)
    motions = ([_shortest(a, b) for a, b in zip(source, p, strict=True)] for p in permutations(target))
    tenor, alto, soprano = min(motions, key=lambda m: (sum(map(abs, m)), m))
    return soprano, alto, tenor, bass


def _upper(chord: Chord) -> list[int]:
    plain = sorted((t - chord.root) % 12 for t in chord.reduced().tones)
    members = [i for i in plain if i] if len(plain) == 4 else plain
    return [(chord.root + i) % 12 for i in members]


def _shortest(a: int, b: int) -> int:
    return (b - a + 5) % 12 - 5
