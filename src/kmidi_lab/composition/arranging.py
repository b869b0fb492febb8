"""A brief and a form to a whole song: material for each kind of section once, so that what returns is the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, zip_longest
from typing import Any

import numpy as np

from kmidi_lab.chords.chord import Chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition import summaries
from kmidi_lab.composition.accompaniment import bass, comping, pad
from kmidi_lab.composition.bands import Stroke, bands, level, pattern
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.drumming import drums, last_hit
from kmidi_lab.composition.ending import dominant, leads_home
from kmidi_lab.composition.form import Stretch, swell
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.playable import alone_span, on_the_bass, playable, sung_span
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.progressions import Taste, asked, progression
from kmidi_lab.composition.second_voice import second_voice
from kmidi_lab.composition.tunes import SPAN, Singer, section_tune, with_end
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.midi.piece import DRUM_CHANNEL
from kmidi_lab.song import Arrangement, Note, Part, PlacedChord, Section, Tempo
from kmidi_lab.wording import many

_BORROWED = {
    "intro": "verse", "outro": "chorus", "solo": "verse", "breakdown": "chorus", "drop": "chorus", "build-up": "pre-chorus",
    "silence": "verse",
}  # fmt: skip
"""Whose chords a kind of section plays."""
_OWN = ("verse", "chorus")
"""Kinds that play the chords that a person gives."""
_SUNG = ("verse", "pre-chorus", "chorus", "bridge", "solo", "drop", "other")
_LIFT = {"verse": 0.25, "pre-chorus": 0.45, "chorus": 0.75, "bridge": 0.5, "solo": 0.8, "drop": 0.8}
"""How high a tune lies within the lead's range, 0..1."""
_PARTS = (("Lead", "lead", "lead", 100, 64), ("Chords", "comp", "chords", 80, 44), ("Pad", "pad", "pad", 66, 84),
          ("Bass", "bass", "bass", 92, 64))  # fmt: skip
"""Name, role, key of the band's programs, volume, pan; the channel is the place."""
_SECOND_PAN = 84
_ROLES = {"chords": "comp"}
"""Roles of parts that a brief names otherwise."""
_PLAYS_FROM = {"pad": 0.55, "bass": 0.35, "drums": 0.35}
"""Energy of a section from which a part plays."""
_TEMPERATURE = 0.85
_SOFTER, _LOUDER = 0.65, 0.35
"""Written velocity of a section without energy, as a share, and what full energy adds."""


@dataclass(frozen=True)
class Material:
    """What a kind of section is made of: chords, a bar each, and the tune over them (empty where nobody sings)."""

    chords: tuple[str, ...]
    tune: tuple[Note, ...]


def unheard(chords: Sequence[str], form: Sequence[Stretch]) -> str:
    """Which of a person's chords, a bar each, a form has no room for, in one line; empty where all are played."""
    longest: dict[str, int] = {}
    for stretch in form:
        if _BORROWED.get(stretch.kind, stretch.kind) in _OWN and stretch.kind != "silence":
            longest[stretch.kind] = max(longest.get(stretch.kind, 0), stretch.bars)
    if not longest:
        return f"your chords are not played: only {' and '.join(_OWN)} play them, and the song has neither"
    cut = {kind: bars for kind, bars in longest.items() if bars < len(chords)}
    if not cut:
        return ""
    told = ", ".join(f"{kind} the first {bars}" for kind, bars in cut.items())
    room = ", ".join(f"{kind} {len(chords)}" for kind in _OWN)
    return f'of your {many(len(chords), "bar")} of chords {told}; longer sections play all, as in compose.sections="{room}"'


def open_end(brief: Brief, form: Sequence[Stretch]) -> str:
    """That a person's own chords leave the end open, in one line; empty where they come home, or others end the song."""
    last = form[-1]
    if not (brief.chords and _BORROWED.get(last.kind, last.kind) in _OWN) or last.kind == "silence":
        return ""
    name, tonic = brief.chords[(last.bars - 1) % len(brief.chords)], brief.spelling.tonic
    if parse_jazz(name).root == brief.key.tonic:
        return ""
    return (
        f"the song ends on your chord {name}, which leaves it open: it comes home to {tonic} where your last chord does"
    )


class Arranger:
    """Makes the song of a brief, asking the players."""

    def __init__(self, brief: Brief, players: Players) -> None:
        self._brief, self._players = brief, players
        self._spelling, self._bar = brief.spelling, brief.metre.bar
        self._rng = np.random.default_rng([brief.seed, 2])
        usual = alone_span(brief.band.programs["lead"], SPAN) if {"chords", "pad"} <= {*brief.without} else SPAN
        span = sung_span(brief.band.programs["lead"], usual)
        self._singer = Singer(self._draw, brief.key, self._rng, brief.metre, span)
        self._loops: dict[str, list[str]] = {}
        self._material: dict[str, Material] = {}
        self._longest: dict[str, int] = {}

    def arrange(self, form: Sequence[Stretch]) -> Arrangement:
        """The song, as it is written; nothing of how it is played."""
        for stretch in form:
            self._longest[stretch.kind] = max(self._longest.get(stretch.kind, 0), stretch.bars)
        starts = list(accumulate((s.bars for s in form), initial=0))
        chords, notes = [], {role: list[Note]() for role in ("lead", "comp", "pad", "bass", "drums")}
        made = [self._material_of(stretch, number == len(form)) for number, stretch in enumerate(form, 1)]
        follows = [parse_jazz(material.chords[0]) for material in made[1:]]
        drummed = any(s.energy >= self._from("drums") and s.kind != "silence" for s in form)
        for stretch, start, material, after in zip_longest(form, starts[:-1], made, follows):
            chords += [
                PlacedChord((start + i) * self._bar, self._bar, parse_jazz(c)) for i, c in enumerate(material.chords)
            ]
            played = self._played(stretch, material, after)
            for role, note in chain(played, () if after else self._end(stretch, material, drummed)):
                loud = _SOFTER + _LOUDER * (stretch.energy + self._swell(stretch, start, note.start, starts[-1]))
                velocity = int(np.clip(round(note.velocity * loud), 1, 127))
                notes[role].append(note._replace(start=note.start + start * self._bar, velocity=velocity))
        programs = self._brief.band.programs
        notes |= {_ROLES.get(name, name): [] for name in self._brief.without}
        parts = [
            Part(name, role, programs[key], channel, volume=volume, pan=pan).with_notes(
                playable(notes[role], programs[key], role)
            )
            for channel, (name, role, key, volume, pan) in enumerate(_PARTS)
        ]
        if self._brief.second is not None:
            parts.append(self._second(self._brief.second, parts[0], chords))
        parts = on_the_bass(parts, self._bar)
        parts.append(Part("Drums", "drums", 0, DRUM_CHANNEL).with_notes(notes["drums"]))
        sections = [
            Section(s.kind, at, s.bars, s.energy, s.energy, s.tension) for s, at in zip(form, starts, strict=False)
        ]
        return Arrangement(
            self._brief.title,
            self._brief.key,
            (self._brief.metre.written,) * starts[-1],
            (Tempo(0.0, self._brief.tempo),),
            tuple(sections),
            tuple(chords),
            tuple(p for p in parts if p.notes),
            "minor" if self._brief.key.mode < 0 else "major",
        )

    def _played(self, stretch: Stretch, material: Material, after: Chord | None) -> Iterator[tuple[str, Note]]:
        """(role, note) of a section, from its own start on; `after` is the first chord of the next one, None at the end."""
        if stretch.kind == "silence":
            return
        band, which = self._brief.band, level(stretch.energy)
        chords = [parse_jazz(c) for c in material.chords]
        # The song ends on a held chord, so its last bar is not played through.
        through = chords if after or len(chords) == 1 else chords[:-1]
        yield from (("lead", n) for n in material.tune)
        yield from (
            ("comp", n) for n in self._swung(comping(through, self._pattern("chords", self._comp(which)), self._bar))
        )
        playing = {part for part in _PLAYS_FROM if stretch.energy >= self._from(part)}
        if "pad" in playing:
            yield from (("pad", n) for n in pad(chords, self._bar))
        if "bass" in playing:
            yield from (
                ("bass", n)
                for n in self._swung(
                    bass(through, self._pattern("basses", band.bass[which]), self._bar, after or chords[-1])
                )
            )
        if "drums" in playing:
            leads_on = len(through) < len(chords) or after is not None
            metre = self._brief.metre
            strokes = drums(band.name, len(through), stretch.energy, leads_on, metre)
            yield from (("drums", n) for n in (strokes if metre is COMMON else self._swung(strokes)))

    def _swell(self, stretch: Stretch, start: int, at: float, whole: int) -> float:
        """What the energy at a place, in quarters from a section's start, has more than the section's; bars are the song's."""
        if not self._brief.arc_asked:
            return 0.0
        return swell(self._brief.arc, (start + at / self._bar) / whole, (start + stretch.bars / 2) / whole)

    def _second(self, program: int, lead: Part, chords: Sequence[PlacedChord]) -> Part:
        """A second player of the lead's instrument, on a channel of its own."""
        lowest, _ = vocabulary()["ranges"].get(program, (0, 127))
        over = [placed.chord for placed in chords]
        line = second_voice(
            lead.notes,
            lambda at: over[min(int(at // self._bar), len(over) - 1)],
            self._brief.key,
            self._brief.metre.strong,
            lowest,
        )
        return Part("Second", "other", program, len(_PARTS), volume=lead.volume, pan=_SECOND_PAN).with_notes(line)

    def _pattern(self, kind: str, name: str) -> tuple[Stroke, ...]:
        return pattern(kind, name, self._brief.metre.name)

    def _comp(self, which: int) -> str:
        """The style's pattern of chords; one of held chords is broken for an instrument in its place that only plucks."""
        band = self._brief.band
        name, program = band.comp[which], band.programs["chords"]
        usual = bands()[band.name].programs["chords"] if band.name in bands() else program
        return "arpeggio" if name == "whole" and program != usual and program in vocabulary()["plucked"] else name

    def _from(self, part: str) -> float:
        """Energy of a section from which a part plays: all sections, where it is not there to fill up others."""
        always = "chords" in self._brief.without or part in self._brief.throughout
        return 0.0 if always else _PLAYS_FROM[part]

    def _end(self, stretch: Stretch, material: Material, drummed: bool) -> Iterator[tuple[str, Note]]:
        """(role, note) of the last bar, from the section's start on: a held chord, and a last hit of drums that played."""
        if stretch.kind == "silence" or len(material.chords) == 1:
            return
        chord, at = [parse_jazz(material.chords[-1])], (len(material.chords) - 1) * self._bar
        ends = [("comp", n) for n in comping(chord, self._pattern("chords", "whole"), self._bar)]
        ends += [("bass", n) for n in bass(chord, self._pattern("basses", "roots"), self._bar)]
        ends += [("drums", n) for n in last_hit(stretch.energy)] if drummed else []
        yield from ((role, n._replace(start=at)) for role, n in ends)

    def _swung(self, notes: Sequence[Note]) -> list[Note]:
        """Eighths off the beat later, as the style swings; those of drums in 4/4 are for who humanises them."""
        late = self._brief.band.swing if self._brief.metre.swings else 0.0
        return [
            n._replace(start=n.start + late, duration=n.duration - late) if n.start % 1 == 0.5 else n for n in notes
        ]

    def _material_of(self, stretch: Stretch, last: bool) -> Material:
        """The beginning of what its kind plays where that is longest."""
        whole = self._whole(stretch.kind)
        tune = [n for n in whole.tune if n.start < stretch.bars * self._bar]
        if tune:
            tune[-1] = tune[-1]._replace(duration=min(tune[-1].duration, stretch.bars * self._bar - tune[-1].start))
        material = Material(whole.chords[: stretch.bars], tuple(tune))
        return self._closed(stretch.kind, material) if last else material

    def _whole(self, kind: str) -> Material:
        if kind not in self._material:
            loop, bars = self._loop(kind), self._longest[kind]
            chords = [loop[i % len(loop)] for i in range(bars)]
            tune: list[Note] = []
            if kind in _SUNG or (kind != "silence" and {"chords", "pad", "bass"} <= {*self._brief.without}):
                tune = self._swung(section_tune(self._singer, chords, self._lift(kind)))
                self._players.note("melody", {kind: summaries.of_tune(tune, bars)})
            self._material[kind] = Material(tuple(chords), tuple(tune))
        return self._material[kind]

    def _closed(self, kind: str, material: Material) -> Material:
        """The last section ends at rest: a chord that leads there, then the tonic, the tune on its root.

        A person's own chords are played as they are typed, the last one, too.
        """
        key = self._brief.key
        chords, root_of = material.chords, parse_jazz(material.chords[-1]).root
        if not self._has_own_chords(kind):
            tonic, root_of = self._spelling.tonic + ("m" if key.mode < 0 else ""), key.tonic
            material = self._leading(kind, material)
            chords = (*material.chords[:-1], tonic)
        at = (len(chords) - 1) * self._bar
        if not material.tune:
            return Material(chords, ())
        tune = [n for n in material.tune if n.start < at]
        near = (tune or material.tune)[-1]
        root = min(
            (p for p in range(near.pitch - 6, near.pitch + 7) if p % 12 == root_of), key=lambda p: abs(p - near.pitch)
        )
        if tune:
            tune[-1] = near._replace(duration=min(near.duration, at - near.start))
        return Material(chords, (*tune, Note(at, self._bar, root, near.velocity)))

    def _leading(self, kind: str, material: Material) -> Material:
        """With the dominant before the last chord where nothing leads to the tonic, and another end of the tune over it."""
        *before, last = material.chords
        if not before or leads_home([parse_jazz(c) for c in before], self._brief.key):
            return material
        chords = (*before[:-1], dominant(self._spelling, self._brief.band.sevenths), last)
        tune = material.tune and with_end(self._singer, material.tune, chords, self._lift(kind))
        return Material(chords, tuple(tune))

    def _loop(self, kind: str) -> list[str]:
        """The chords of a kind of section, which it repeats."""
        if self._has_own_chords(kind):
            return list(self._brief.chords)
        kind = _BORROWED.get(kind, kind)
        if kind not in self._loops:
            band, mood = self._brief.band, self._brief.mood
            taste = Taste(self._brief.key, band.sevenths, 0.05 + 0.3 * mood.complexity)
            others = list(self._loops.values())
            chosen = progression(self._next_chords, taste, band.loop, others, self._rng)
            self._loops[kind] = chosen.chords
            self._players.note("harmony", {kind: summaries.of_round(chosen)})
        return self._loops[kind]

    def _has_own_chords(self, kind: str) -> bool:
        """Whether a kind of section plays the chords that a person gave."""
        return bool(self._brief.chords) and _BORROWED.get(kind, kind) in _OWN

    def _next_chords(self, so_far: str) -> list[tuple[str, float]]:
        return list(self._players.ask("harmony", **self._asked(so_far), top=24))

    def _asked(self, so_far: str) -> dict[str, Any]:
        return {"chords": so_far, "key": str(self._spelling), "emotion": str(self._brief.mood)}

    def drawn(self) -> list[tuple[str, dict[str, Any], str]]:
        """For each chord that a model drew: the model, what it was asked, and the chord as the song plays it."""
        rounds = self._loops.values()
        return [
            ("harmony", self._asked(asked(chords[:n])), chord) for chords in rounds for n, chord in enumerate(chords)
        ]

    def _draw(self, chords: str, bars: int, seed: int) -> list[tuple[float, float, int]]:
        asked = {
            "chords": chords, "key": str(self._spelling), "emotion": str(self._brief.mood), "bars": bars,
            "metre": self._brief.metre.name,
        }  # fmt: skip
        return list(self._players.ask("melody", seed, temperature=_TEMPERATURE, **asked).notes)

    def _lift(self, kind: str) -> float:
        return _LIFT.get(kind, 0.4)
