"""The moods and keys that a song goes through, section by section, and the chords and tunes of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from kmidi_lab.chords.chord import Key, parse_pitch_class
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.bar_chords import names_in
from kmidi_lab.composition.brief import BRIGHT, Brief, Mood
from kmidi_lab.composition.composing import Composer
from kmidi_lab.composition.ending import dominant
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.own_chords import lender, row_of
from kmidi_lab.composition.players import Players
from kmidi_lab.song.to_midi import key_fifths

_SIGNS = 4
"""Most signs of a parallel key: where it has more, a song goes to the relative one."""
_EITHER = 6
"""Signs of a key that has as many under its other name."""
_RELATIVE = {1: 9, -1: 3}
"""Semitones from the tonic of a major and of a minor key to that of its relative."""
_SYMBOL = re.compile(r"(?P<root>[A-G][#b]*)(?P<rest>[^/]*)(?:/(?P<bass>[A-G][#b]*))?")
_APART = 7919
"""What the number of a stage adds to what is drawn, so that its tunes are others."""


class Stage(NamedTuple):
    """What holds in a section: its mood, the key in which it is made, and the semitones by which it is heard higher."""

    mood: Mood
    spelling: Spelling
    shift: int = 0

    @property
    def heard(self) -> Spelling:
        """The key that sounds."""
        if not self.shift:
            return self.spelling
        return gone_to(Key((self.spelling.key.tonic + self.shift) % 12, self.spelling.key.mode), self.spelling)


def gone_to(key: Key, before: Spelling) -> Spelling:
    """How a key is named that a song goes to from another: from E up to F#, from F up to Gb."""
    return Spelling.of(key, (before.note(key.tonic),) if abs(key_fifths(key)) == _EITHER else ())


def of_mode(spelling: Spelling, mode: int) -> Spelling:
    """The key itself where it has a mode, 1 or -1, else its parallel, or the relative one where the parallel has many signs."""
    tonic = spelling.key.tonic
    if spelling.key.mode == mode:
        return spelling
    parallel = Spelling.of(Key(tonic, mode), (spelling.tonic,))
    if abs(key_fifths(parallel.key)) <= _SIGNS:
        return parallel
    return Spelling.of(Key((tonic + _RELATIVE[spelling.key.mode or 1]) % 12, mode))


def mode_of(mood: Mood) -> int:
    """Major for a pleasant mood, else minor."""
    return 1 if mood.valence > BRIGHT else -1


class Staged:
    """Makes the material of a song's sections, each in its mood and key.

    Args:
        brief: of the song.
        players: who are asked.
    """

    def __init__(self, brief: Brief, players: Players) -> None:
        self._brief, self._players = brief, players
        self._composers: dict[tuple[Mood, Spelling], Composer] = {}

    def written(self, form: Sequence[Stretch], stages: Sequence[Stage]) -> list[Material]:
        """The material of each section; where another key follows, it ends on that key's dominant. The last one closes."""
        kept = [(stage.mood, stage.spelling) for stage in stages]
        led = [n for n, (before, stage) in enumerate(pairwise(stages), 1) if before.heard != stage.heard]
        room = max(max(stage.shift for stage in stages), 0)
        made: dict[int, Material] = {}
        for number, which in enumerate(dict.fromkeys(kept)):
            brief = replace(self._brief, mood=which[0], spelling=which[1], turn=self._brief.turn + _APART * number)
            home = {lender(form[n].kind) for n in led if kept[n] == which}
            composer = self._composers.setdefault(which, Composer(brief, self._players, room, home))
            own = [n for n, one in enumerate(kept) if one == which]
            written = composer.written([form[n] for n in own], closes=own[-1] == len(form) - 1)
            made |= dict(zip(own, written, strict=True))
        for n in (n - 1 for n in led if not row_of(self._brief.own, form[n - 1].kind)):
            leading = moved(
                dominant(stages[n + 1].heard, self._brief.band.sevenths), -stages[n].shift, stages[n].spelling
            )
            made[n] = self._composers[kept[n]].ending_on(form[n].kind, made[n], leading)
        return [transposed(made[n], stage) for n, stage in enumerate(stages)]

    def drawn(self) -> list[tuple[str, dict[str, Any], str]]:
        """For each chord that a model drew: the model, what it was asked, and the chord as it drew it."""
        return [chord for composer in self._composers.values() for chord in composer.drawn()]


def transposed(material: Material, stage: Stage) -> Material:
    """A section's material as it is heard in its stage."""
    if not stage.shift:
        return material
    bars = tuple(" ".join(_of(sign, material, stage) for sign in bar.split()) for bar in material.chords)
    return Material(bars, tuple(n._replace(pitch=n.pitch + stage.shift) for n in material.tune))


def _of(sign: str, material: Material, stage: Stage) -> str:
    return moved(sign, stage.shift, stage.heard) if names_in(sign) else sign


def moved(symbol: str, steps: int, spelling: Spelling) -> str:
    """A chord's symbol so many semitones higher, spelt as in a key."""
    match = _SYMBOL.fullmatch(symbol)
    if match is None or not steps:
        return symbol

    def note(name: str) -> str:
        return spelling.note((parse_pitch_class(name) + steps) % 12)

    return f"{note(match['root'])}{match['rest']}{'/' + note(match['bass']) if match['bass'] else ''}"
