"""Chords of MIDI files, and MIDI files of chords."""

from __future__ import annotations

import numpy as np

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.played import chart_of, midi_of
from kmidi_lab.midi.new_file import TICKS, new_file
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.midi.writing import note_events

CHORDS = ["C", "Am7", "Dm7", "G7", "Fmaj7", "Bdim", "Eaug", "Cdim7"]


def test_what_is_played_is_read_back() -> None:
    midi = midi_of([parse_jazz(name) for name in CHORDS])
    bars = [bar.split() for bar in chart_of(read_piece(midi)).split(" | ")]
    heard = [parse_jazz(name).label for bar in bars for name in (bar if len(bar) == 2 else bar * 2)]
    assert heard[: len(CHORDS)] == [parse_jazz(name).label for name in CHORDS]
    assert bars[-1] == [str(parse_jazz("Cdim7"))] or len(bars[-1]) == 1, "a chord that lasts the bar stands once"


def test_drums_single_classes_and_silence_are_no_chords() -> None:
    tick = 4 * TICKS
    drums = note_events(9, 36, 90, 0, tick) + note_events(9, 42, 90, 0, tick)
    assert chart_of(read_piece(new_file([drums]))) == ""
    cluster = [event for pitch in range(60, 72) for event in note_events(0, pitch, 90, 2 * tick, 3 * tick)]
    assert chart_of(read_piece(new_file([cluster]))).split(" | ") == ["N.C.", "N.C.", "N.C."]


def test_a_chords_bass_is_its_lowest_note_and_the_last_rings_longer() -> None:
    piece = read_piece(midi_of([parse_jazz("C/E"), parse_jazz("Dm7")]))
    notes = piece.tracks[0].notes
    first = notes[notes["start"] == 0]
    assert first["pitch"].min() % 12 == 4 and set(first["pitch"] % 12) == {0, 4, 7}
    assert np.ptp(notes["pitch"]) < 36 and notes["duration"].max() > 1.9 * first["duration"].max()
