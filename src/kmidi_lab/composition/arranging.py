"""A brief and a form to a whole song: the parts of each section, one behind the other, as loud as the section is full."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.backing import Backing
from kmidi_lab.composition.bands import bands
from kmidi_lab.composition.bar_chords import placed
from kmidi_lab.composition.breaks import stopped
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.entering import sounding
from kmidi_lab.composition.form import Stretch, swell
from kmidi_lab.composition.playable import on_the_bass, playable
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.second_voice import second_voice
from kmidi_lab.composition.stages import Stage, Staged
from kmidi_lab.composition.standing import standings
from kmidi_lab.composition.themes import themes
from kmidi_lab.composition.upbeats import with_upbeats
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.midi.piece import DRUM_CHANNEL
from kmidi_lab.song import Arrangement, Marker, Note, Part, PlacedChord, PlacedKey, Section, Tempo

_PARTS = (("Lead", "lead", "lead", 100, 64), ("Chords", "comp", "chords", 106, 44), ("Pad", "pad", "pad", 86, 84),
          ("Bass", "bass", "bass", 98, 64))  # fmt: skip
"""Name, role, key of the band's programs, volume, pan; the channel is the place."""
_SECOND_PAN = 84
_HUSHED = 0.25
"""Energy of a section up to which nothing leads out of it, as where a quiet one is asked for."""
_FULL = 0.6
"""Energy from which a last chorus has a second voice."""
NOWHERE: Mapping[str, frozenset[int]] = {}
"""Of a song in which no part rests."""
_ROLES = {"chords": ("comp",), "lead": ("lead", "solo")}
"""What parts of a brief play that has other names."""
_SOFTER, _LOUDER = 0.8, 0.2
"""Written velocity of a section without energy, as a share, and what full energy adds."""


class Arranger:
    """Makes the song of a brief, asking the players."""

    def __init__(self, brief: Brief, players: Players) -> None:
        self._brief, self._bar = brief, brief.metre.bar
        self._composer, self._backing = Staged(brief, players), Backing(brief)
        usual = bands().get(brief.band.name, brief.band)
        # Who is asked for plays all of the tune, unless it is a solo; else a style has somebody for its solos.
        own = brief.band.programs == usual.programs and brief.second is None and "chords" not in brief.without
        self._soloist = brief.band.solo if own or brief.band.solo != usual.solo else None
        self._harmonised = own and not brief.band.improvised

    def arrange(
        self,
        form: Sequence[Stretch],
        silent: Mapping[str, frozenset[int]] = NOWHERE,
        stages: Sequence[Stage] = (),
        stops: Collection[int] = (),
    ) -> Arrangement:
        """The song, as it is written; nothing of how it is played.

        Args:
            form: of the song.
            silent: bars in which a part of the brief rests.
            stages: mood and key of each section; where there are none, the brief's.
            stops: bars in which all but the tune stop.
        """
        starts = list(accumulate((s.bars for s in form), initial=0))
        chords: list[PlacedChord] = []
        notes = {role: list[Note]() for role in ("lead", "comp", "pad", "bass", "drums", "solo")}
        stages = stages or [Stage(self._brief.mood, self._brief.spelling)] * len(form)
        made = self._composer.written(form, stages)
        stated = themes(form, made, self._brief.metre)
        made = [replace(material, theme=tuple(theme)) for material, theme in zip(made, stated, strict=True)]
        made = with_upbeats(
            form, made, [s.heard.key for s in stages], self._brief.metre, self._brief.late, self._brief.seed
        )
        follows = [*(placed(material.chords[:1], self._bar)[0].chord for material in made[1:]), None]
        places = standings(form)
        lifted = [
            (start * self._bar, (start + stretch.bars) * self._bar)
            for stretch, start, standing in zip(form, starts, places, strict=False)
            if standing.last and stretch.energy >= _FULL
        ]
        beats = [self._backing.plays("drums", s, place) for s, place in zip(form, places, strict=True)]
        drummed = any(beats)
        rests = silent.get("drums", frozenset())
        enters = [
            later and not now and s.energy > _HUSHED and start not in rests
            for now, later, s, start in zip(beats, [*beats[1:], False], form, starts[1:], strict=True)
        ]
        together = zip(form, starts[:-1], made, places, stages, strict=True)
        for number, (stretch, start, material, standing, stage) in enumerate(together):
            own = placed(material.chords, self._bar)
            chords += [chord._replace(start=chord.start + start * self._bar) for chord in own]
            tune = material.tune if stretch.kind != "silence" else ()
            singer = "solo" if stretch.kind == "solo" and self._soloist is not None else "lead"
            band = self._backing.section(stretch, material, follows[number], standing, stage.heard.key)
            last = () if follows[number] else self._backing.end(stretch, material, drummed)
            leading = self._backing.lead_in(stretch) if enters[number] else ()
            for role, note in chain(((singer, n) for n in tune), band, last, leading):
                loud = _SOFTER + _LOUDER * (stretch.energy + self._swell(stretch, start, note.start, starts[-1]))
                velocity = int(np.clip(round(note.velocity * loud), 1, 127))
                notes[role].append(note._replace(start=note.start + start * self._bar, velocity=velocity))
        for role, bars in [(role, bars) for name, bars in silent.items() for role in _ROLES.get(name, (name,))]:
            notes[role] = [n for whole in notes[role] if (n := sounding(whole, bars, self._bar))]
        for role in ("comp", "pad", "bass", "drums"):
            notes[role] = stopped(notes[role], stops, self._bar, self._brief.tempo)
        sections = [
            Section(s.kind, at, s.bars, s.energy, s.energy, s.tension) for s, at in zip(form, starts, strict=False)
        ]
        heard = [(start * self._bar, stage.heard) for start, stage in zip(starts, stages, strict=False)]
        turns = [(start, spelling.key) for start, spelling in heard]
        keys = [
            PlacedKey(start, spelling.key, spelling.tonic)
            for (_, before), (start, spelling) in pairwise(heard)
            if spelling.key != before.key
        ]
        return Arrangement(
            self._brief.title,
            self._brief.key,
            (self._brief.metre.written,) * starts[-1],
            (Tempo(0.0, self._brief.tempo),),
            tuple(sections),
            tuple(chords),
            tuple(p for p in self._parts(notes, chords, turns, lifted) if p.notes),
            "minor" if self._brief.key.mode < 0 else "major",
            markers=tuple(_markers(starts, stages, self._bar)),
            keys=tuple(keys),
            tonic=self._brief.spelling.tonic,
        )

    def drawn(self) -> list[tuple[str, dict[str, Any], str]]:
        """For each chord that a model drew: the model, what it was asked, and the chord as the song plays it."""
        return self._composer.drawn()

    def _parts(
        self,
        notes: dict[str, list[Note]],
        chords: Sequence[PlacedChord],
        turns: Sequence[tuple[float, Key]],
        lifted: Collection[tuple[float, float]],
    ) -> list[Part]:
        """The parts of the notes of each role, as their instruments can play them; what is lifted has a second voice."""
        programs = self._brief.band.programs
        notes = notes | {role: [] for name in self._brief.without for role in _ROLES.get(name, (name,))}
        parts = [
            Part(name, role, programs[key], channel, volume=volume, pan=pan).with_notes(
                playable(notes[role], programs[key], role)
            )
            for channel, (name, role, key, volume, pan) in enumerate(_PARTS)
        ]
        if self._soloist is not None:
            lead = parts[0]
            parts.append(
                Part("Solo", "lead", self._soloist, len(parts), volume=lead.volume, pan=lead.pan).with_notes(
                    playable(notes["solo"], self._soloist, "lead")
                )
            )
        if self._brief.second is not None:
            parts.append(self._second(self._brief.second, parts[0], chords, turns))
        elif self._harmonised and lifted:
            sung = [n for n in parts[0].notes if any(start <= n.start < stop for start, stop in lifted)]
            voice = self._second(parts[0].program, parts[0].with_notes(sung), chords, turns)
            parts.append(replace(voice, name="Harmony", channel=len(parts)))
        return [
            *on_the_bass(parts, {c.start for c in chords}),
            Part("Drums", "drums", 0, DRUM_CHANNEL).with_notes(notes["drums"]),
        ]

    def _swell(self, stretch: Stretch, start: int, at: float, whole: int) -> float:
        """What the energy at a place, in quarters from a section's start, has more than the section's; bars are the song's."""
        if not self._brief.arc_asked:
            return 0.0
        return swell(self._brief.arc, (start + at / self._bar) / whole, (start + stretch.bars / 2) / whole)

    def _second(
        self, program: int, lead: Part, chords: Sequence[PlacedChord], turns: Sequence[tuple[float, Key]]
    ) -> Part:
        """A second player of the lead's instrument, on a channel of its own."""
        lowest, _ = vocabulary()["ranges"].get(program, (0, 127))
        line = second_voice(
            lead.notes,
            lambda at: chords[max(bisect_right(chords, at, key=lambda placed: placed.start) - 1, 0)].chord,
            lambda at: turns[max(bisect_right(turns, at, key=lambda turn: turn[0]) - 1, 0)][1],
            self._brief.metre.strong,
            lowest,
        )
        return Part("Second", "other", program, len(_PARTS), volume=lead.volume, pan=_SECOND_PAN).with_notes(line)


def _markers(starts: Sequence[int], stages: Sequence[Stage], bar: float) -> list[Marker]:
    """The mood and the key that a song goes to, where it does."""
    out = []
    for start, (before, after) in zip(starts[1:], pairwise(stages), strict=False):
        mood = [after.mood.words] if after.mood != before.mood and after.mood.words else []
        key = [str(after.heard)] if after.heard != before.heard else []
        out += [Marker(start * bar, ", ".join(mood + key))] if mood or key else []
    return out
