"""Parts that a sentence wants louder, softer or played in a way of its own: levels, General MIDI's programs, lengths of notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.change import LOUDER, PLAYED, Change
from kmidi_lab.composition.entering import roles_of
from kmidi_lab.composition.taken import Taken
from kmidi_lab.midi.channels import SUSTAIN
from kmidi_lab.midi.events import CONTROL
from kmidi_lab.midi.reading import OpenFile, open_file
from kmidi_lab.midi.writing import Edit, rewrite, stroke

_TRACKS = {
    "Lead": "lead",
    "Chords": "chords",
    "Pad": "pad",
    "Bass": "bass",
    "Drums": "drums",
    "Second": "lead",
    "Solo": "lead",
}
"""The part of a brief that each track of a song plays."""
_LOUDER = {"louder": 1.25, "softer": 0.65}
"""Factor on the velocities of a part. Our choice."""
_SHORT = {"stabs": 0.2, "staccato": 0.45, "spiccato": 0.35, "palm-muted": 0.5}
"""Share of a note's length that sounds."""
_LEAST = 0.08
"""Quarters of the shortest note."""
_STRINGS, _GUITARS = (*range(40, 46), 48, 49), range(24, 32)
_PROGRAMS = {"pizzicato": (_STRINGS, 45), "tremolo": (_STRINGS, 44), "palm-muted": (_GUITARS, 28)}
"""Instruments that can be played so, and General MIDI's program that is."""
_PLUCKED = 32
"""A double bass, whose strings are plucked anyway."""
_MELODIC = ("lead", "chords", "pad", "bass")


@dataclass(frozen=True)
class Mix:
    """How parts are played.

    Args:
        brief: with the programs of the parts that are played so.
        loud: factor on the velocities of a part.
        how: in which way a part is played: legato, or shorter by `_SHORT`.
        lines: what is told of each change.
    """

    brief: Brief
    loud: Mapping[str, float] = field(default_factory=dict)
    how: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[Taken, ...] = ()


def mixed(changes: Sequence[Change], brief: Brief, words: Mapping[str, str]) -> Mix:
    """What becomes of the changes of parts, in their order; arguments as of `staging.staged`."""
    programs, loud, how, lines = dict(brief.band.programs), dict[str, float](), dict[str, str](), []
    for change in (c for c in changes if c.what in (LOUDER, PLAYED)):
        way, _, who = change.value.partition(" ")
        present = [role for role in (*_MELODIC, "drums") if role not in brief.without]
        everybody = set(present) - ({"drums", "pad", "bass"} if change.what == PLAYED else set())
        roles = roles_of(who, present, brief, words) if who else everybody
        kinds, program = _PROGRAMS.get(way, (None, 0))
        if kinds is not None:
            usual = (*kinds, _PLUCKED) if way == "pizzicato" and who else kinds
            named = [r for r in (present if not who else roles) if r != "drums" and brief.band.programs[r] in usual]
            roles = {*named}
        if change.what == PLAYED:
            roles -= {"drums"}
        other = next((how[role] for role in roles if change.what == PLAYED and how.get(role, way) != way), "")
        roles = {role for role in roles if change.what != PLAYED or role not in how}
        if not roles:
            why = f"{other} is played: a part is played in one way" if other else "no such part plays"
            lines.append(Taken(change.value, "", change.words, why))
            continue
        for role in roles:
            if change.what == LOUDER:
                loud[role] = _LOUDER[way]
            elif kinds is not None and programs[role] in kinds:
                programs[role] = program
            if change.what == PLAYED:
                how[role] = way
        named = [role.replace("lead", "melody") for role in (*_MELODIC, "drums") if role in roles]
        told = "all parts" if roles == {*present} else ", ".join(named)
        lines.append(Taken(way, f"for {told}" if change.what == PLAYED else told, change.words))
    return Mix(replace(brief, band=replace(brief.band, programs=programs)), loud, how, tuple(lines))


def as_mixed(midi: bytes, mix: Mix) -> bytes:
    """The MIDI file of a song as its parts are to be played; as it is where nothing is asked."""
    if not mix.loud and not mix.how:
        return midi
    file, edits = open_file(midi), dict[int, Edit]()
    for number, track in enumerate(file.piece.tracks):
        role = _TRACKS.get(track.name, "")
        if role in mix.loud:
            _louder(file, number, mix.loud[role], edits)
        if role in mix.how:
            _played(file, number, mix.how[role], edits)
    return rewrite(file.file, edits)


def _louder(file: OpenFile, number: int, factor: float, edits: dict[int, Edit]) -> None:
    track = file.piece.tracks[number]
    for note, (chunk, struck, *_) in zip(track.notes, file.places[number].tolist(), strict=True):
        velocity = min(127, max(1, round(factor * int(note["velocity"]))))
        edits.setdefault(chunk, Edit()).changed[struck] = stroke(track.channel, int(note["pitch"]), velocity)


def _played(file: OpenFile, number: int, how: str, edits: dict[int, Edit]) -> None:
    """Notes shorter, or up to the next one; no pedal holds what is short."""
    track, quarter = file.piece.tracks[number], file.piece.ticks_per_quarter
    starts = sorted({int(note["start"]) for note in track.notes})
    following = dict(zip(starts, starts[1:], strict=False))
    again: dict[tuple[int, int], int] = {}
    last: dict[int, int] = {}
    for start, pitch in sorted((int(n["start"]), int(n["pitch"])) for n in track.notes):
        if pitch in last:
            again[last[pitch], pitch] = start
        last[pitch] = start
    for note, (chunk, _, ends, *_) in zip(track.notes, file.places[number].tolist(), strict=True):
        start, length, pitch = int(note["start"]), int(note["duration"]), int(note["pitch"])
        edit = edits.setdefault(chunk, Edit())
        if ends < 0:
            continue
        if how in _SHORT:
            edit.moved[ends] = start + max(round(_SHORT[how] * length), min(round(_LEAST * quarter), length))
        elif how == "legato":
            stop = max(following.get(start, start + length), start + length)
            edit.moved[ends] = min(stop, again.get((start, pitch), stop))
    for chunk in {*file.places[number][:, 0].tolist()} if how in _SHORT else ():
        events = file.file.tracks[chunk]
        for n in events.of(CONTROL).tolist():
            if events.first[n] == SUSTAIN and int(events.status[n]) & 0x0F == track.channel:
                edits.setdefault(chunk, Edit()).changed[n] = bytes([CONTROL | track.channel, SUSTAIN, 0])
