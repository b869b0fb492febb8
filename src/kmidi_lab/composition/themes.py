"""The theme of a song where nobody sings: an intro states its beginning, an outro echoes it, on another instrument."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_KINDS = ("chorus", "verse")
"""Whose tune is a theme, the first that fits the chords."""
_FITS = 0.7
"""Share of a theme's notes that are of the chords of another section from which it can be played there."""
_A_BAR, _ECHOED = 3, 2
"""Notes of a bar that an intro keeps of a tune, and an outro."""
_VELOCITY = 88
_LOWEST = 65
"""F4: chords and pad lie below it."""
_LONGEST = 2.0
"""Quarters that a note of it is held at most."""
_HELD, _EARLY = 1.0, 0.5
"""Quarters of a note that is heard with its chord, and by which one that is off the beat may come before it."""


class Sung(Protocol):
    """What a section is made of."""

    @property
    def chords(self) -> tuple[str, ...]: ...
    @property
    def tune(self) -> tuple[Note, ...]: ...


def player(programs: Mapping[str, int], usual: str, without: Sequence[str]) -> str:
    """Who plays a theme: the part that does in a style, else the other of chords and pad; empty where nobody can, or sings."""
    parts = sorted(("chords", "pad"), key=lambda part: part != usual)
    can = [p for p in parts if p not in without and (p == "pad" or programs[p] not in vocabulary()["one_voice"])]
    return can[0] if can and "lead" not in without else ""


def themes(form: Sequence[Stretch], made: Sequence[Sung], metre: SongMetre) -> list[list[Note]]:
    """The notes of a theme in each section, from its start on; none in all but an intro and an outro.

    Args:
        form: sections.
        made: of each its chords, one a bar, and its tune.
        metre: of the song.
    """
    sections = list(zip(form, made, strict=True))
    out: list[list[Note]] = []
    for stretch, material in sections:
        near = sections[::-1] if stretch.kind == "outro" else sections
        sources = [next((m for s, m in near if s.kind == kind and m.tune), None) for kind in _KINDS]
        known = [source for source in sources if source]
        places = {"intro": _stated, "outro": _echoed}.get(stretch.kind, lambda bars: [])(stretch.bars)
        sung_to_its_end = stretch.kind == "intro" and material.tune
        out.append([] if sung_to_its_end or not known else _played(known, material.chords, places, metre))
    return out


def _stated(bars: int) -> list[tuple[int, int, int]]:
    """(first bar, its bars, notes a bar) of each time that an intro has the theme; its last bar breathes."""
    phrases = range(0, bars, PHRASE)
    return [
        (first, min(PHRASE - 1 if first == phrases[-1] else PHRASE // 2, bars - first - 1), _A_BAR) for first in phrases
    ]


def _echoed(bars: int) -> list[tuple[int, int, int]]:
    """The same of an outro, in whose first bar the lead comes to rest, and in whose last one the song does."""
    return [(first + 1, min(PHRASE // 2, bars - first - 2), _ECHOED) for first in range(0, bars, PHRASE)]


def _played(
    sources: Sequence[Sung], chords: Sequence[str], places: Sequence[tuple[int, int, int]], metre: SongMetre
) -> list[Note]:
    """The beginning of the first tune that fits the chords, else of the last, at each place."""
    chord_at = Sounding(chords, metre.bar).at
    for source in sources:
        notes, moved = [], []
        for first, bars, most in places:
            for bar in range(bars):
                for note in _thinned([n for n in source.tune if n.start // metre.bar == bar], most, metre.bar):
                    start = note.start + first * metre.bar
                    held = note.duration >= _HELD
                    tones = chord_at(start + (_EARLY if held and note.start % 1 else 0.0)).tones
                    pitch = nearest(note.pitch, tones) if held or note.start % 1 == 0 else note.pitch
                    notes.append(note._replace(start=start, pitch=pitch))
                    moved.append(pitch != note.pitch)
        if source is sources[-1] or sum(moved) <= (1 - _FITS) * len(moved):
            return above(notes)
    return []


def _thinned(notes: Sequence[Note], most: int, bar: float) -> list[Note]:
    """Of a bar's notes the weightiest: long ones, and those on a beat."""
    return sorted(sorted(notes, key=lambda n: (-n.duration - (n.start % 1 == 0) - (n.start % bar == 0), n))[:most])


def nearest(pitch: int, tones: Collection[int]) -> int:
    """The pitch of a chord's tone that is the nearest, the lower of two."""
    return min((p for p in range(pitch - 6, pitch + 7) if p % 12 in tones), key=lambda p: (abs(p - pitch), p))


def above(notes: Sequence[Note]) -> list[Note]:
    """The notes in the lowest octave that lies above the chords, each held to the next one."""
    if not notes:
        return []
    up = 12 * -(-max(0, _LOWEST - min(n.pitch for n in notes)) // 12)
    ends = [*(n.start for n in notes[1:]), notes[-1].start + _LONGEST]
    return [
        Note(n.start, min(end - n.start, _LONGEST), n.pitch + up, _VELOCITY) for n, end in zip(notes, ends, strict=True)
    ]
