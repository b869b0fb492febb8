"""Parts as the players of their instruments can play them, and beside each other."""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import groupby

from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.song import Note, Part

_MAY_LIE_OUTSIDE = 0.2
"""Share of a part's notes that may lie outside of its instrument's range: a few are played all the same."""
_LOW = 41
"""Who plays down to this pitch plays low."""
_ENOUGH = 16
"""Semitones that a tune needs."""


def sung_span(program: int, usual: tuple[int, int]) -> tuple[int, int]:
    """What a tune for an instrument may lie in: of the usual span what it can play, so that no note leaps out of its line.

    All of the usual span where an instrument lies elsewhere; then `within` moves the part.
    """
    low, high = vocabulary()["ranges"].get(program, usual)
    low, high = max(low, usual[0]), min(high, usual[1])
    return (low, high) if high - low >= _ENOUGH else usual


def alone_span(program: int, usual: tuple[int, int]) -> tuple[int, int]:
    """The usual span, an octave lower for an instrument that plays low where nothing else does: a cello need not climb."""
    low, _ = vocabulary()["ranges"].get(program, usual)
    return (usual[0] - 12, usual[1] - 12) if low <= _LOW else usual


def folded(pitch: int, low: int, high: int) -> int:
    """A pitch in the octave nearest to it that lies in a range of an octave or more."""
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def within(notes: Sequence[Note], program: int) -> list[Note]:
    """A part in the octave in which most of its notes lie in the range of an instrument, where too many don't as it is."""
    low, high = vocabulary()["ranges"].get(program, (0, 127))

    def outside(octaves: int) -> tuple[int, int]:
        return sum(not low <= n.pitch + 12 * octaves <= high for n in notes), abs(octaves)

    if outside(0)[0] <= _MAY_LIE_OUTSIDE * len(notes):
        return list(notes)
    shift = 12 * min(range(-3, 4), key=outside)
    return [n._replace(pitch=n.pitch + shift) for n in notes]


def playable(notes: Sequence[Note], program: int, role: str) -> list[Note]:
    """A part as one player of an instrument can play it.

    Of what plays one tone at once, a pad keeps its highest voice, and chords are broken, from low to high and again.
    Notes that lie outside of the range after `within` go to the nearest octave in it.
    """
    low, high = vocabulary()["ranges"].get(program, (0, 127))
    alone = _one_voice(notes, role) if program in vocabulary()["one_voice"] else notes
    held: dict[tuple[float, int], Note] = {}
    for n in within(alone, program):
        pitch = folded(n.pitch, low, high)
        held.setdefault((n.start, pitch), n._replace(pitch=pitch))
    return list(held.values())


def _one_voice(notes: Sequence[Note], role: str) -> list[Note]:
    """One tone at once: of those that begin together the highest, or of chords one after another; none sounds into the next."""
    out: list[Note] = []
    for number, (_, together) in enumerate(groupby(sorted(notes, key=lambda n: (n.start, n.pitch)), lambda n: n.start)):
        chord = list(together)
        n = chord[number % len(chord)] if role == "comp" else chord[-1]
        if out and out[-1].start + out[-1].duration > n.start:
            out[-1] = out[-1]._replace(duration=n.start - out[-1].start)
        out.append(n)
    return out


def on_the_bass(parts: Sequence[Part], changes: Container[float]) -> list[Part]:
    """The parts with no tone of the pad below a bass that begins a chord under it, as where the bass plays an octave higher.

    Chords begin at `changes`, in quarters.
    """
    firsts = [n for part in parts if part.role == "bass" for n in part.notes if n.start in changes]

    def raised(note: Note) -> Note:
        floor = max((b.pitch for b in firsts if b.start < note.stop and note.start < b.stop), default=0)
        return note._replace(pitch=folded(note.pitch, floor, 127))

    return [
        part.with_notes(list({(n.start, n.pitch): n for n in map(raised, part.notes)}.values()))
        if part.role == "pad"
        else part
        for part in parts
    ]
