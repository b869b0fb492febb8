"""How a song's last sections come home: a cadence, and a tune that comes to rest on the tonic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from kmidi_lab.composition.bar_chords import bar_of, names_in, placed
from kmidi_lab.composition.blues import last_chord
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.ending import dominant, leads_home, resting, unrest
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.own_chords import row_of
from kmidi_lab.song import Note

_ENDS, _NEAR = 4, 5
"""Other ends of a tune that are drawn at most, and semitones from which none is."""
_DOMINANT, _BEFORE_IT = 7, (1, 2)
"""Degrees of V, and of what leads to it: ii, or bII in minor."""


class Homecoming:
    """Ends the last sections of a song.

    Args:
        brief: of the song.
        divides: whether two chords in a bar are usual in it.
        other_end: a kind of section and its material to the same with another end of its tune.
    """

    def __init__(self, brief: Brief, divides: bool, other_end: Callable[[str, Material], Material]) -> None:
        self._brief, self._divides, self._other_end = brief, divides, other_end
        self._bar = brief.metre.bar

    def closed(self, kind: str, material: Material, top: int) -> Material:
        """The last section ends at rest: a chord that leads there, then the tonic, the tune on its root.

        Where that would be the song's highest note, or far from the one before, other ends of the tune are drawn.
        `top` is the highest pitch of the sections before. A person's own chords are played as they are typed, the last one, too.
        """
        key = self._brief.key
        chords, ends = material.chords, placed(material.chords, self._bar)[-1]
        at, root_of = ends.start, ends.chord.root
        if not row_of(self._brief.own, kind):
            tonic, root_of = self._brief.spelling.tonic + ("m" if key.mode < 0 else ""), key.tonic
            tonic = last_chord(self._brief.spelling) if self._brief.blues else tonic
            material = self._leading(kind, material)
            chords, at = (*material.chords[:-1], tonic), (len(material.chords) - 1) * self._bar
        if not material.tune:
            return Material(chords, ())
        held = len(chords) * self._bar - at
        ended, far = _at_rest(material.tune, at, held, root_of, top)
        for _ in range(_ENDS):
            if far <= _NEAR:
                break
            other = _at_rest(self._other_end(kind, material).tune, at, held, root_of, top)
            ended, far = min((ended, far), other, key=lambda end: end[1])
        return Material(chords, ended)

    def landed(self, last: Note, chords: tuple[str, ...], top: int) -> Material:
        """A section that nobody sings behind the last that is sung: the tune comes to rest in its first bar, on the tonic.

        Under a chord without the tonic, which only a person's own is, it does so on the chord's root. It is held as long as the
        bar's chords have it.
        """
        under, tonic = placed(chords[:1], self._bar), self._brief.key.tonic
        first = under[0].chord
        pitch = resting(tonic if tonic in first.tones else first.root, last.pitch, top)
        held = [own.length for own in takewhile(lambda own: pitch % 12 in own.chord.tones, under)]
        return Material(chords, (Note(0.0, sum(held), pitch, last.velocity),))

    def _leading(self, kind: str, material: Material) -> Material:
        """With the dominant before the last chord where nothing leads to the tonic, and another end of the tune over it."""
        *before, last = material.chords
        if not before or leads_home([c.chord for c in placed(before, self._bar)], self._brief.key):
            return material
        *early, late = before
        chords = (*early, self._with_dominant(late), last)
        return self._other_end(kind, Material(chords, material.tune))

    def _with_dominant(self, bar: str) -> str:
        """A bar that leads home: the dominant, behind the first of two chords, or one that leads to it, as ii does."""
        leads = dominant(self._brief.spelling, self._brief.band.sevenths)
        first, beats = placed([bar], self._bar)[0], self._brief.metre.beats
        degree = first.chord.degree(self._brief.key.tonic)
        alone = first.length == self._bar
        if degree == _DOMINANT or (alone and not (self._divides and degree in _BEFORE_IT)):
            return leads
        return bar_of([(0.0, names_in(bar)[0]), (0.5, leads)], beats)[0]


def _at_rest(
    tune: Sequence[Note], at: float, held: float, pitch_class: int, top: int
) -> tuple[tuple[Note, ...], float]:
    """A tune up to a place, and there a note of `held` quarters on a pitch class; and how far from rest that is."""
    kept = [n for n in tune if n.start < at]
    near = (kept or tune)[-1]
    if kept:
        kept[-1] = near._replace(duration=min(near.duration, at - near.start))
    top = max([top, *(n.pitch for n in kept)])
    pitch = resting(pitch_class, near.pitch, top)
    return (*kept, Note(at, held, pitch, near.velocity)), unrest(pitch, near.pitch, top)
