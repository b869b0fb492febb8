"""The five rules of rhythm: what each changes in a song."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.elements import FASTEST, SLOWEST, Note, Part, Tempo
from kmidi_lab.song.rule_breaks.changing import CHORDAL, EARLY, RuleBreakError, cut, strikes, whole_sections, with_parts

SIXTEENTH = 0.25
DRIFT = 5.0
"""Quarter notes a minute that the tempo drifts to either side."""
_PHRASE_BARS = 4
_FASTEST_MODULATED = 200.0
_PIVOT = 44
"""General MIDI's hi-hat that the foot closes."""
_SIDE_STICK = 37


def constant_displacement(song: Arrangement) -> Arrangement:
    """Drums and chords strike a sixteenth late all the time, while all others keep the beat; without others the drums do."""
    playing = {part.role for part in song.parts if part.notes}
    moved = playing & {"drums", *CHORDAL}
    if moved == playing:
        moved = playing & {"drums"}
    if not moved or moved == playing:
        raise RuleBreakError(
            "RHYTHM_ConstantDisplacement needs drums or chords to move, and another part that keeps the beat"
        )

    def later(part: Part) -> list[Note]:
        late = [note._replace(start=note.start + SIXTEENTH) for note in part.notes]
        return [note for note in late if note.start < song.length]

    return with_parts(song, later, moved)


def tempo_fluctuation(song: Arrangement) -> Arrangement:
    """Over each phrase of four bars the tempo goes `DRIFT` up, and down again as far below, a little each beat."""
    tempos = []
    for first in range(0, len(song.metres), _PHRASE_BARS):
        start, stop = song.bar_starts[first], song.bar_starts[min(first + _PHRASE_BARS, len(song.metres))]
        for beat in range(math.ceil(stop - start)):
            swing = math.sin(2 * math.pi * beat / (stop - start))
            tempos.append(Tempo(start + beat, _within(song.tempo_at(start + beat) + DRIFT * swing)))
    return replace(song, tempos=tuple(tempos))


def metric_modulation(song: Arrangement) -> Arrangement:
    """One section in the middle has another beat: its quarter is the dotted eighth of what was before, or its dotted quarter.

    Drums strike that value in the bar before, so that the new beat is heard in the old one; behind the section the old
    tempo is back.
    """
    first, behind = _middle(song)
    start = song.bar_starts[first]
    before = song.tempo_at(start - EARLY)
    pulse = 0.75 if before / 0.75 <= _FASTEST_MODULATED else 1.5
    if before / pulse < SLOWEST:
        raise RuleBreakError(
            f"RHYTHM_MetricModulation needs a tempo of {SLOWEST * 1.5:g} at least; this song has {before:g}"
        )
    stop = song.bar_starts[behind]
    inside = [tempo for tempo in song.tempos if start < tempo.start < stop]
    tempos = {tempo.start: tempo for tempo in song.tempos}
    tempos |= {
        place: Tempo(place, _within(song.tempo_at(place) / pulse)) for place in [start, *(t.start for t in inside)]
    }
    if stop < song.length:
        tempos[stop] = Tempo(stop, song.tempo_at(stop))
    count = math.ceil((start - song.bar_starts[first - 1]) / pulse - 1e-6)
    pivot = [Note(song.bar_starts[first - 1] + i * pulse, SIXTEENTH, _PIVOT, 100) for i in range(count)]
    changed = with_parts(song, lambda part: [*part.notes, *pivot], ("drums",))
    return replace(changed, tempos=tuple(tempos[place] for place in sorted(tempos)))


def polyrhythmic_layers(song: Arrangement) -> Arrangement:
    """Chords strike three times in the time of a bar of four, or four times where the bar has three beats."""
    layered = [part for part in song.parts if part.role in CHORDAL and part.notes]
    if layered:
        return with_parts(song, lambda part: list(_layer(song, part)) or list(part.notes), CHORDAL)
    if song.part("drums") is None:
        raise RuleBreakError("RHYTHM_PolyrhythmicLayers needs chords or drums to layer; this song has neither")
    sticks = [Note(start, SIXTEENTH, _SIDE_STICK, 90) for start, _ in _even(song)]
    return with_parts(song, lambda part: [*part.notes, *sticks], ("drums",))


def dropped_beats(song: Arrangement) -> Arrangement:
    """The last bar of every section but the last, or every fourth bar of a single one, loses its last beat."""
    sections = whole_sections(song)
    ends = [section.start + section.bars - 1 for section in sections[:-1]]
    bars = ends or list(range(_PHRASE_BARS - 1, len(song.metres) - 1, _PHRASE_BARS))
    bars = [bar for bar in bars if song.metres[bar].numerator > 1]
    if not bars:
        raise RuleBreakError("RHYTHM_DroppedBeats needs two sections, or more than four bars, with two beats at least")
    for bar in bars:
        metre = song.metres[bar]
        beat = 3 if metre.denominator == 8 and metre.numerator % 3 == 0 and metre.numerator > 3 else 1
        song = cut(song, bar, metre._replace(numerator=metre.numerator - beat))
    return song


def _middle(song: Arrangement) -> tuple[int, int]:
    """First bar of the middle section, never the song's first, and the bar behind it."""
    if len(song.metres) < 2:
        raise RuleBreakError("RHYTHM_MetricModulation needs two bars at least; this song has one")
    if len(song.sections) > 1:
        section = song.sections[len(song.sections) // 2]
        return section.start, section.start + section.bars
    return len(song.metres) // 2, max(len(song.metres) // 2 + 1, 3 * len(song.metres) // 4)


def _even(song: Arrangement) -> Iterator[tuple[float, float]]:
    """Places and lengths of three strokes a bar, or four where it has three beats."""
    for metre, start in zip(song.metres, song.bar_starts, strict=False):
        count = 4 if metre.numerator % 3 == 0 and metre.denominator != 8 else 3
        yield from ((start + i * metre.quarters / count, metre.quarters / count) for i in range(count))


def _layer(song: Arrangement, part: Part) -> Iterator[Note]:
    """The part's chords on even strokes: of each stroke what the part struck last, in the bars where it plays."""
    groups, at = strikes(part.notes), 0
    playing = {song.bar_at(note.start + EARLY) for note in part.notes}
    for start, length in _even(song):
        while at + 1 < len(groups) and groups[at + 1][0].start <= start + EARLY:
            at += 1
        if song.bar_at(start) in playing and groups[at][0].start <= start + EARLY:
            yield from (note._replace(start=start, duration=0.9 * length) for note in groups[at])


def _within(tempo: float) -> float:
    return min(FASTEST, max(SLOWEST, tempo))
