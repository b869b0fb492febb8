"""A small song for tests: eight bars of C major in two sections, with a lead, chords, a bass and drums."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.song import Arrangement, Metre, Note, Part, PlacedChord, Section, Tempo

SYMBOLS = ("C", "Am", "F", "G7", "C", "F", "G7", "C")
_HALF = ((72, 71, 72, 74), (69, 71, 72, 69), (65, 67, 69, 72))
LINE = (*_HALF, (71, 74, 67, 65), *_HALF, (76, 74, 71, 72))
C_MAJOR = Key(0, 1)


def small_song(symbols: tuple[str, ...] = SYMBOLS, tempo: float = 120.0, key: Key = C_MAJOR) -> Arrangement:
    """One chord a bar of 4/4. Every part strikes on the beats, drums on the eighths; the lead ends on the tonic."""
    bars = len(symbols)
    chords = tuple(PlacedChord(4.0 * bar, 4.0, parse_jazz(symbol)) for bar, symbol in enumerate(symbols))
    lead, comp, bass, drums = [], [], [], []
    for bar, placed in enumerate(chords):
        lead += [Note(4.0 * bar + beat, 1.0, pitch, 90) for beat, pitch in enumerate(LINE[bar % len(LINE)])]
        comp += [Note(4.0 * bar + beat, 2.0, 60 + tone, 70) for beat in (0, 2) for tone in sorted(placed.chord.tones)]
        bass += [Note(4.0 * bar + beat, 1.0, 36 + placed.chord.bass, 80) for beat in range(4)]
        drums += [Note(4.0 * bar + eighth / 2, 0.25, 42, 60) for eighth in range(8)]
        drums += [Note(4.0 * bar + beat, 0.25, 36 if beat % 2 == 0 else 38, 100) for beat in range(4)]
    parts = (
        Part("Lead", "lead", 73, 0),
        Part("Keys", "comp", 4, 1, pan=40),
        Part("Bass", "bass", 33, 2, pan=90),
        Part("Drums", "drums", 0, 9),
    )
    half = bars // 2
    return Arrangement(
        "Small song",
        key,
        (Metre(),) * bars,
        (Tempo(0.0, tempo),),
        (Section("verse", 0, half, energy=0.3), Section("chorus", half, bars - half, energy=0.8)),
        chords,
        tuple(part.with_notes(notes) for part, notes in zip(parts, (lead, comp, bass, drums), strict=True)),
    )


def plan(song: Arrangement) -> Arrangement:
    """The song before a part plays."""
    return replace(song, parts=())
