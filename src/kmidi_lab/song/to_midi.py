"""An arrangement as one multi-track MIDI file: a track for the conductor, then one a part."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.midi import new_file
from kmidi_lab.midi.new_file import TICKS, Timed
from kmidi_lab.midi.writing import name_event, note_events
from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.elements import Note, Part

_FIFTHS = "FCGDAEB"
_MINOR_FIFTHS_DOWN = 3


def midi_bytes(song: Arrangement) -> bytes:
    """A Standard MIDI File of format 1 with 480 ticks a quarter.

    The first track has the title, tempos, metres, key and a marker where each section begins; the others have their
    part's name, program, volume, pan, bends and notes. A note that is struck again before it ends, ends there.
    """
    return new_file.new_file([_conductor(song), *(_part(part) for part in song.parts)])


def key_fifths(key: Key, name: str = "") -> int:
    """Sharps of a key signature, flats below 0; `name` is the tonic's, such as F# or Gb, empty for the usual one."""
    tonic = Spelling.of(key, (name,) if name else ()).tonic
    fifths = _FIFTHS.index(tonic[0]) - 1 + 7 * (tonic.count("#") - tonic.count("b"))
    return fifths - _MINOR_FIFTHS_DOWN if key.mode < 0 else fifths


def _conductor(song: Arrangement) -> list[Timed]:
    out: list[Timed] = [(0, name_event(song.title or "Song"))]
    out += [(_tick(tempo.start), new_file.tempo_event(tempo.tempo)) for tempo in song.tempos]
    for metre, bars in groupby(zip(song.metres, song.bar_starts[:-1], strict=True), key=lambda bar: bar[0]):
        out.append((_tick(next(bars)[1]), new_file.metre_event(*metre)))
    out += [
        (_tick(start), new_file.key_event(key_fifths(key, tonic), key.mode < 0))
        for start, key, tonic in ((0.0, song.key, song.tonic), *song.keys)
    ]
    markers = [(song.span(section)[0], section.name) for section in song.sections]
    markers += [(marker.start, marker.text) for marker in song.markers]
    return out + [(_tick(start), new_file.marker_event(text)) for start, text in markers]


def _part(part: Part) -> list[Timed]:
    channel = part.channel
    out: list[Timed] = [
        (0, name_event(part.name)),
        (0, new_file.program_event(channel, part.program)),
        (0, new_file.control_event(channel, new_file.VOLUME, part.volume)),
        (0, new_file.control_event(channel, new_file.PAN, part.pan)),
    ]
    out += [(_tick(at), new_file.control_event(channel, new_file.EXPRESSION, level)) for at, level in part.levels]
    out += [(_tick(bend.start), new_file.bend_event(channel, bend.semitones)) for bend in part.bends]
    for pitch, notes in groupby(sorted(part.notes, key=lambda note: (note.pitch, note.start)), lambda n: n.pitch):
        for start, stop, velocity in _apart(notes):
            out += note_events(channel, pitch, velocity, start, stop)
    return out


def _apart(notes: Iterable[Note]) -> list[tuple[int, int, int]]:
    """Notes of one pitch by start as (start, end, velocity) in ticks; of two at one tick the loudest and longest."""
    out: list[tuple[int, int, int]] = []
    for note in notes:
        start = _tick(note.start)
        stop, velocity = max(start + 1, _tick(note.stop)), note.velocity
        if out and out[-1][0] == start:
            _, other, loud = out.pop()
            stop, velocity = max(stop, other), max(velocity, loud)
        elif out:
            out[-1] = (out[-1][0], min(out[-1][1], start), out[-1][2])
        out.append((start, stop, velocity))
    return out


def _tick(quarters: float) -> int:
    return round(quarters * TICKS)
