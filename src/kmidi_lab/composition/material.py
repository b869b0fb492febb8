"""The material of a song: chords and tune for each kind of section, made once, so that what returns is known again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any
from zlib import crc32

import numpy as np

from kmidi_lab.composition import summaries
from kmidi_lab.composition.accompaniment import swung
from kmidi_lab.composition.bar_chords import Sounding, bar_of, names_in, placed
from kmidi_lab.composition.blues import last_chord, played, tune_key, with_blue_notes
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.ending import dominant, leads_home, resting, unrest
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.harmonic_rhythm import HarmonicRhythm
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.own_chords import lender, row_of
from kmidi_lab.composition.phrasing import early, early_places, sung_bars
from kmidi_lab.composition.playable import alone_span, sung_span
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.progressions import Taste, progression
from kmidi_lab.composition.tunes import SPAN, Singer, section_tune, with_end
from kmidi_lab.song import Note

_SUNG = ("verse", "pre-chorus", "chorus", "bridge", "solo", "drop", "other")
_LIFT = {"verse": 0.25, "pre-chorus": 0.45, "chorus": 0.75, "bridge": 0.5, "solo": 0.8, "drop": 0.8}
"""How high a tune lies within the lead's range, 0..1."""
_USUAL_LIFT = 0.4
_VARIED = ("verse", "bridge", "other")
"""Kinds that are not sung alike each time; a chorus is."""
_LONG_REST = 0.35
"""How often such a kind leaves its last two bars to the band; others leave one."""
_ENDS, _NEAR = 4, 5
"""Other ends of a tune that are drawn at most, and semitones from which none is."""
_DOMINANT, _BEFORE_IT = 7, (1, 2)
"""Degrees of V, and of what leads to it: ii, or bII in minor."""
_TEMPERATURE = 0.85
_NOTES_A_BAR, _MORE = 6.0, 2.5
"""Notes of a tune in a bar of four quarters at `_TEMPO` without a feeling, and what an arousal of 1 adds: two a second, about as people sing."""
_TEMPO, _PACES = 100.0, (0.7, 1.6)
"""Quarters a minute, and the least and the greatest factor on these notes by a song's tempo: a slow bar holds more."""


@dataclass(frozen=True)
class Material:
    """What a kind of section is made of: chords by bars, the tune over them, and the song's theme where nobody sings."""

    chords: tuple[str, ...]
    tune: tuple[Note, ...]
    theme: tuple[Note, ...] = ()


class Composer:
    """Asks the models for chords and tunes of a song's sections."""

    def __init__(self, brief: Brief, players: Players, room: int = 0, home: Collection[str] = ()) -> None:
        """`room` are semitones that are left free above the tune, where it is heard higher later; `home` are kinds of sections to
        which a dominant leads, as `lender` names them: their chords begin on the tonic.
        """
        self._brief, self._players, self._home = brief, players, home
        self._bar = brief.metre.bar
        slower = min(max(_TEMPO / brief.tempo, _PACES[0]), _PACES[1])
        self._density = (_NOTES_A_BAR + _MORE * brief.mood.arousal) * slower * self._bar / COMMON.bar
        self._rng = np.random.default_rng([brief.seed, 2, brief.turn])
        usual = alone_span(brief.band.programs["lead"], SPAN) if {"chords", "pad"} <= {*brief.without} else SPAN
        low, high = sung_span(brief.band.programs["lead"], usual)
        span = low, high - room
        heard = partial(with_blue_notes, tonic=brief.key.tonic) if brief.blues else None
        self._sung_in = tune_key(brief.spelling) if brief.blues else brief.spelling
        self._singer = Singer(self._draw, self._sung_in.key, self._rng, brief.metre, span, heard)
        self._chord_rng = np.random.default_rng([brief.seed, 4, brief.turn])
        beats, bar_s = brief.metre.beats, self._bar * 60 / brief.tempo
        self._rhythm = HarmonicRhythm(brief.band.name, bar_s, self._chord_rng, beats)
        self._loops: dict[str, list[str]] = {}
        self._drawn: list[tuple[str, str]] = []
        self._whole: dict[str, Material] = {}
        self._halved: Collection[str] = ()

    def written(self, form: Sequence[Stretch], closes: bool = True) -> list[Material]:
        """The material of each section: the beginning of what its kind plays where that is longest; the last one may close."""
        self._halved = {lender(stretch.kind) for stretch in form if stretch.halved}
        longest: dict[str, int] = {}
        for stretch in form:
            longest[stretch.kind] = max(longest.get(stretch.kind, 0), stretch.bars)
        made: list[Material] = []
        for n, stretch in enumerate(form):
            material = self._beginning(self._of_kind(stretch.kind, longest[stretch.kind]), stretch.bars)
            returns = stretch.kind in _VARIED and stretch.kind in {s.kind for s in form[:n]}
            made.append(self._otherwise(stretch.kind, material) if returns else material)
        if not closes:
            return made
        made[-1] = self._closed(form[-1].kind, made[-1], _top(made[:-1]))
        lands = max((n for n, material in enumerate(made, 1) if material.tune), default=len(made))
        if lands < len(made) and form[lands].kind != "silence":
            made[lands] = self._landed(made[lands - 1].tune[-1], made[lands].chords, _top(made))
        return made

    def ending_on(self, kind: str, material: Material, chord: str) -> Material:
        """A section with another chord in its last bar, and another end of its tune over it."""
        return self._otherwise(kind, Material((*material.chords[:-1], chord), material.tune))

    def drawn(self) -> list[tuple[str, dict[str, Any], str]]:
        """For each chord that a model drew: the model, what it was asked, and the chord as the song plays it."""
        return [("harmony", self._asked(so_far), chord) for so_far, chord in self._drawn]

    def _beginning(self, whole: Material, bars: int) -> Material:
        end = bars * self._bar
        tune = [n for n in whole.tune if n.start < end]
        if tune:
            tune[-1] = tune[-1]._replace(duration=min(tune[-1].duration, end - tune[-1].start))
        return Material(whole.chords[:bars], tuple(tune))

    def _of_kind(self, kind: str, bars: int) -> Material:
        if kind not in self._whole:
            loop = self._loop(kind)
            chords = played(loop, kind, bars) if self._brief.blues else [loop[i % len(loop)] for i in range(bars)]
            tune: list[Note] = []
            if kind in _SUNG or (kind != "silence" and {"chords", "pad", "bass"} <= {*self._brief.without}):
                tune = self._sung(
                    kind, section_tune(self._singer, chords, self._lift(kind), self._sung_bars(kind, bars)), chords
                )
                self._players.note("melody", {kind: summaries.of_tune(tune, bars)})
            self._whole[kind] = Material(tuple(chords), tuple(tune))
        return self._whole[kind]

    def _otherwise(self, kind: str, material: Material) -> Material:
        """What returns with another end of its tune, as people sing it."""
        sung = self._sung_bars(kind, len(material.chords))
        tune = material.tune and with_end(self._singer, material.tune, material.chords, self._lift(kind), sung)
        return Material(material.chords, tuple(self._sung(kind, tune, material.chords)))

    def _sung_bars(self, kind: str, bars: int) -> list[int]:
        """Bars of each phrase that are sung: in a blues the band answers every line, and some kinds leave it two bars."""
        drawn = np.random.default_rng([self._brief.seed, 7, self._brief.turn, crc32(kind.encode())]).random()
        return sung_bars(bars, bool(self._brief.blues), 2 if kind in _VARIED and drawn < _LONG_REST else 1)

    def _sung(self, kind: str, tune: Sequence[Note], chords: Sequence[str]) -> list[Note]:
        """A tune as it is sung: early in places that are the same wherever its kind returns, and swung."""
        rng = np.random.default_rng([self._brief.seed, 3, self._brief.turn, crc32(kind.encode())])
        metre = self._brief.metre
        places = early_places(self._brief.band.early, metre, rng)
        return swung(early(tune, Sounding(chords, self._bar).at, places, metre), self._brief.late)

    def _closed(self, kind: str, material: Material, top: int) -> Material:
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
            other = _at_rest(self._otherwise(kind, material).tune, at, held, root_of, top)
            ended, far = min((ended, far), other, key=lambda end: end[1])
        return Material(chords, ended)

    def _landed(self, last: Note, chords: tuple[str, ...], top: int) -> Material:
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
        return self._otherwise(kind, Material(chords, material.tune))

    def _with_dominant(self, bar: str) -> str:
        """A bar that leads home: the dominant, behind the first of two chords, or one that leads to it, as ii does."""
        leads = dominant(self._brief.spelling, self._brief.band.sevenths)
        first, beats = placed([bar], self._bar)[0], self._brief.metre.beats
        degree = first.chord.degree(self._brief.key.tonic)
        alone = first.length == self._bar
        if degree == _DOMINANT or (alone and not (self._rhythm.divides and degree in _BEFORE_IT)):
            return leads
        return bar_of([(0.0, names_in(bar)[0]), (0.5, leads)], beats)[0]

    def _loop(self, kind: str) -> list[str]:
        """The chords of a kind of section, which it repeats."""
        if given := self._brief.blues or row_of(self._brief.own, kind):
            return list(given)
        kind = lender(kind)
        if kind not in self._loops:
            band, mood = self._brief.band, self._brief.mood
            colour, beats = 0.05 + 0.3 * mood.complexity, self._brief.metre.beats
            taste = Taste(self._brief.key, band.sevenths, colour, beats, kind in self._home)
            others = [*self._loops.values(), *self._brief.own.named.values()]
            rhythm = self._rhythm.of_round(band.loop, kind in self._halved)
            chosen = progression(self._next_chords, taste, rhythm, others, self._chord_rng)
            self._drawn += chosen.drawn
            self._loops[kind] = chosen.chords
            self._players.note("harmony", {kind: summaries.of_round(chosen)})
        return self._loops[kind]

    def _next_chords(self, so_far: str) -> list[tuple[str, float]]:
        return list(self._players.ask("harmony", **self._asked(so_far), top=24))

    def _asked(self, so_far: str) -> dict[str, Any]:
        return {"chords": so_far, "key": str(self._brief.spelling), "emotion": str(self._brief.mood)}

    def _draw(self, chords: str, bars: int, seed: int) -> list[tuple[float, float, int]]:
        question = self._asked(chords) | {
            "key": str(self._sung_in),
            "bars": bars,
            "metre": self._brief.metre.name,
            "density": self._density,
        }
        return list(self._players.ask("melody", seed, temperature=_TEMPERATURE, **question).notes)

    def _lift(self, kind: str) -> float:
        return _LIFT.get(kind, _USUAL_LIFT)


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


def _top(made: Sequence[Material]) -> int:
    """The highest pitch of the tunes, 0 without any."""
    return max((n.pitch for material in made for n in material.tune), default=0)
