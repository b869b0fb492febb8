"""A written song as it is played: the models of drums, expression and micro-timing change onsets, velocities and pedal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.composition import summaries
from kmidi_lab.composition.brief import Brief, Mood
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.mixing import Mix, as_mixed
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.swelling import as_loud_as, levelled, swelled
from kmidi_lab.composition.touch import touched
from kmidi_lab.errors import UserError
from kmidi_lab.midi.new_file import TICKS
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Arrangement, Note, midi_bytes

_DRAWN = 0.5
"""Share of a stroke's velocity that is the model's; the rest is written, so that a backbeat stays one."""

_TIGHT = 0.4
"""Share of the offsets of solo pianists that a band plays: whoever plays together is tighter. Our choice."""

_DRUMMED = 0.6
"""The same of drums that the groove model does not play: of drummers who play alone."""

_DRUMMERS = {True: "groove", False: "microtiming, in place of groove, which knows 4/4 alone"}
"""Who plays drums in 4/4, and in other metres."""

_ALIKE = 80
"""Velocity of all strokes for a model that is to say how loud each is."""

_LOUDEST, _AT_MOST = 127, 0.02
"""A velocity beyond which nothing grows, and the share of notes that may have it."""

_SOFTER = (0, 8, 16, 24)
"""By how much a song is written softer until no more notes are so loud: a very excited mood raises all of them."""


class Bars(NamedTuple):
    """Drums that a model played: its name, and of each bar what it was given `[T, N]` and how it was played `[T, M]`."""

    model: str
    given: NDArray[np.floating]
    played: NDArray[np.floating]


class Performed(NamedTuple):
    """A song as it is played: its MIDI file, who played the drums (empty where there are none), and remarks on it.

    `bars` are those of the groove model; None where it played nothing.
    """

    midi: bytes
    drummer: str
    remarks: list[str]
    bars: Bars | None = None


def performed(
    song: Arrangement,
    brief: Brief,
    players: Players,
    levels: Sequence[float] = (),
    moods: Sequence[Mood] = (),
    mix: Mix | None = None,
) -> Performed:
    """Drums humanised and the other parts played with expression.

    Args:
        song: as it is written.
        brief: of the song.
        players: who are asked.
        levels: how loud each bar is asked to be, 0..1.
        moods: of each bar; without any the brief's in all.
        mix: how its parts are to be played; None as they are.
    """
    drummer, remarks = "", []
    bars: Bars | None = None
    if song.part("drums") is not None:
        drummer = "nobody: they are played as they are written"
        try:
            if brief.band.groove is not None:
                if brief.metre is COMMON:
                    song, bars = _humanised(song, brief, players)
                else:
                    song = _placed(song, brief, players)
                drummer = _DRUMMERS[brief.metre is COMMON]
        except UserError as error:  # a rule that was broken may have made bars that the model does not know
            remarks.append(f"the drums are played as they are written: {str(error).removeprefix('the MIDI data: ')}")
    if all(part.is_drums for part in song.parts):
        return Performed(_as_asked(midi_bytes(song), song, brief, levels, mix), drummer, remarks, bars)
    for less in _SOFTER:
        written = midi_bytes(_changed(song, False, partial(_softer, less)))
        played = players.ask("dynamics", brief.seed, midi=written, emotion=str(brief.mood), timing=False)
        if np.mean(played.velocity >= _LOUDEST) <= _AT_MOST:
            break
    midi = played.midi
    for mood in dict.fromkeys(m for m in moods if m != brief.mood):
        other = players.ask("dynamics", brief.seed, midi=written, emotion=str(mood), timing=False)
        midi = as_loud_as(midi, other.midi, {n for n, m in enumerate(moods) if m == mood}, song.bar_starts)
    beat = brief.metre.bar / brief.metre.beats
    midi = touched(midi, written, song.bar_starts, beat, played.pedalled)
    loud = _as_asked(midi, song, brief, levels, mix)
    players.note("dynamics", summaries.of_loudness(written, loud))
    placed = players.ask("microtiming", brief.seed, midi=loud, parts="pitched", amount=_TIGHT)
    players.note("microtiming", summaries.of_offsets(placed))
    return Performed(placed.midi, drummer, remarks, bars)


def _as_asked(midi: bytes, song: Arrangement, brief: Brief, levels: Sequence[float], mix: Mix | None) -> bytes:
    """The MIDI file with the arc, the levels and the parts that a person asks for, of which the models leave little."""
    midi = as_mixed(midi, mix) if mix else midi
    midi = swelled(midi, brief.arc, song.length) if brief.arc_asked else midi
    return levelled(midi, levels, song.bar_starts) if levels else midi


def _changed(song: Arrangement, drums: bool, change: Callable[[Note], Note]) -> Arrangement:
    """The song with all notes of its drums, or of its other parts, changed."""
    parts = [p.with_notes(list(map(change, p.notes))) if p.is_drums is drums else p for p in song.parts]
    return replace(song, parts=tuple(parts))


def _softer(less: int, note: Note) -> Note:
    return note._replace(velocity=max(1, note.velocity - less))


def _placed(song: Arrangement, brief: Brief, players: Players) -> Arrangement:
    """The song with drums that the micro-timing model plays, which knows other metres than 4/4.

    It says how loud strokes are only where all are written alike.
    """
    song = replace(song, parts=tuple(p.with_notes(_each_once(p.notes)) if p.is_drums else p for p in song.parts))
    alike = midi_bytes(_changed(song, True, lambda n: n._replace(velocity=_ALIKE)))
    asked = {"parts": "drums", "style": brief.band.groove, "amount": _DRUMMED}
    answer = players.ask("microtiming", brief.seed, midi=alike, **asked)
    players.note("microtiming", summaries.of_offsets(answer))
    piece = open_file(answer.midi).piece
    played: dict[int, list[tuple[float, int]]] = {}
    for track in filter(lambda t: t.is_drum, piece.tracks):
        for n in np.sort(track.notes, order="start"):
            played.setdefault(int(n["pitch"]), []).append((n["start"] / piece.ticks_per_quarter, int(n["velocity"])))

    def placed(note: Note) -> Note:
        start, drawn = played[note.pitch].pop(0)
        return note._replace(start=start, velocity=_mixed(note.velocity, drawn))

    return _changed(song, True, placed)


def _each_once(strokes: Iterable[Note]) -> list[Note]:
    """Strokes by start; of several of one pitch on one tick the loudest, since a MIDI file holds one."""
    loudest = {(round(n.start * TICKS), n.pitch): n for n in sorted(strokes, key=lambda n: n.velocity)}
    return sorted(loudest.values())


def _mixed(written: int, drawn: int) -> int:
    return round((1 - _DRAWN) * written + _DRAWN * drawn)


def _humanised(song: Arrangement, brief: Brief, players: Players) -> tuple[Arrangement, Bars | None]:
    played = players.ask("groove", brief.seed, midi=midi_bytes(song), style=brief.band.groove)
    players.note("groove", summaries.of_strokes(played))
    parts = []
    bars: Bars | None = None
    for part in song.parts:
        if part.is_drums and [n.velocity for n in part.notes] == played.before.tolist():
            bars = Bars("groove", played.given, played.played)
            strokes = zip(part.notes, played.shift.tolist(), played.velocity.tolist(), strict=True)
            part = part.with_notes(
                [
                    n._replace(
                        start=max(0.0, n.start + shift * song.tempo_at(n.start) / 60),
                        velocity=_mixed(n.velocity, drawn),
                    )
                    for n, shift, drawn in strokes
                ]
            )
        parts.append(part)
    return replace(song, parts=tuple(parts)), bars
