"""Notes that are not of the chord, over cases that are worked out by hand."""

from __future__ import annotations

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.dissonance import foreign, leapt_clashes, unresolved
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.tunes import merit
from kmidi_lab.song import Note


def line(*pitches: int, every: float = 1.0) -> list[Note]:
    return [Note(every * at, every, pitch, 90) for at, pitch in enumerate(pitches)]


def test_a_step_or_a_chord_that_has_the_pitch_resolves() -> None:
    c, f = parse_jazz("C"), parse_jazz("F")
    tune = line(65, 64, 65, 67, 65, 72, 65, 65, 71)
    over = [c, c, c, c, c, c, c, f, f]
    assert foreign(tune, over).tolist() == [True, False, True, False, True, False, True, False, True]
    # F to E and F to G are steps; F to C is a leap; F over C is sung again over F; nothing follows the last B.
    assert unresolved(tune, over).tolist() == [False, False, False, False, True, False, False, False, True]


def test_a_resolution_comes_soon() -> None:
    late = [Note(0.0, 1.0, 65, 90), Note(5.0, 1.0, 64, 90)]
    assert unresolved(late, [parse_jazz("C")] * 2).tolist() == [True, False]


def test_a_clash_is_leapt_to() -> None:
    over = [parse_jazz("C")] * 5
    # F is a semitone from E and is reached by a third, a step, and a fifth; D is near no tone of C.
    assert leapt_clashes(line(62, 65, 67, 65, 60), over).tolist() == [False, True, False, False, False]
    assert leapt_clashes(line(60, 65, 67, 62, 60), over).tolist() == [False, True, False, False, False]


def test_a_suspension_is_worth_as_much_as_a_leap_away_from_it_is_not() -> None:
    """F on the first beat of C, which goes to E or leaps to C an octave up; the other notes are the same."""
    chords = Sounding(["C"], 4.0)
    resolving, leaping = line(65, 64, 67, 72), line(65, 72, 67, 64)
    worth = [merit(tune, chords, Key(0, 1), 0.5, COMMON) for tune in (resolving, leaping)]
    assert worth[0] > worth[1] + 0.3
    plain = merit(line(64, 65, 67, 72), chords, Key(0, 1), 0.5, COMMON)
    assert abs(plain - worth[0]) < 0.4, "a resolved note on a strong beat costs little"
