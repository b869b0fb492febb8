"""Each rule that is broken is heard: the property of the notes, chords, tempos or places that makes it audible."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from support.songs import plan, small_song

from kmidi_lab.chords.chord import MAJOR_SCALE, Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.key_finding import estimate_key
from kmidi_lab.song import Arrangement, Metre, Part, PlacedKey, Section
from kmidi_lab.song.elements import Level
from kmidi_lab.song.rule_breaks import break_rule
from kmidi_lab.song.rule_breaks.changing import loudness, strikes

SONG = small_song()
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)


def tones(part: Part, start: float, stop: float) -> set[int]:
    """Pitch classes that begin in a span."""
    return {note.pitch % 12 for note in part.notes if start <= note.start < stop}


def section_velocity(song: Arrangement, section: Section) -> float:
    start, stop = song.span(section)
    loud = [note.velocity for part in song.parts for note in part.notes if start <= note.start < stop]
    return sum(loud) / len(loud)


@pytest.mark.parametrize(("symbols", "key"), [(None, Key(0, 1)), (("Am", "Dm", "E7", "Am") * 2, Key(9, -1))])
def test_the_tonic_is_never_reached(symbols: tuple[str, ...] | None, key: Key) -> None:
    song = small_song(symbols or tuple(str(p.chord) for p in SONG.chords), key=key) if key.mode > 0 else minor(symbols)
    broken = break_rule(song, "HARMONY_AvoidTonicResolution")
    for section in broken.sections:
        _, stop = broken.span(section)
        assert broken.chord_at(stop - 0.5).chord.root != key.tonic
    lead, bass = broken.part("lead"), broken.part("bass")
    assert lead.notes[-1].pitch % 12 != key.tonic
    assert bass.notes[-1].pitch % 12 == broken.chords[-1].chord.root
    assert tones(broken.part("comp"), 28, 32) == set(broken.chords[-1].chord.tones)
    assert broken.part("drums") == song.part("drums")


def test_chords_move_in_parallel_fifths() -> None:
    broken = break_rule(SONG, "HARMONY_ParallelMotion")
    blocks = [[note.pitch for note in group] for group in strikes(broken.part("comp").notes)]
    assert all(high - low == 7 and top - low == 12 for low, high, top in blocks)
    moves = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(blocks) if a != b]
    assert len(moves) >= 6 and all(root == fifth != 0 for root, fifth in moves)
    assert {str(p.chord) for p in broken.chords} == {"C5", "A5", "F5", "G5"}
    assert not any(tones(broken.part("comp"), 0, 4) & {4})


@pytest.mark.parametrize(("minor_key", "borrowed"), [(False, "Fm"), (True, "D")])
def test_a_chord_is_borrowed_from_the_other_mode(minor_key: bool, borrowed: str) -> None:
    song = minor(("Am", "Dm", "Em", "Am") * 2) if minor_key else SONG
    own, other = (MINOR_SCALE, MAJOR_SCALE) if minor_key else (MAJOR_SCALE, MINOR_SCALE)
    broken = break_rule(song, "HARMONY_ModalInterchange")
    changed = [(a, b) for a, b in zip(song.chords, broken.chords, strict=True) if a != b]
    assert [str(b.chord) for _, b in changed] == [borrowed, borrowed]
    for _, placed in changed:
        degrees = {(tone - song.key.tonic) % 12 for tone in placed.chord.tones}
        assert degrees <= set(other) and not degrees <= set(own)
        assert tones(broken.part("comp"), placed.start, placed.stop) == set(placed.chord.tones)
        old = song.chord_at(placed.start).chord.tones - placed.chord.tones
        assert not tones(broken.part("lead"), placed.start, placed.stop) & old


def test_dominants_give_way_to_those_a_tritone_away() -> None:
    song = small_song(("C", "A7", "Dm", "G7", "C", "F", "G7", "C"))
    broken = break_rule(song, "HARMONY_TritoneSubstitution")
    changed = [(a, b) for a, b in zip(song.chords, broken.chords, strict=True) if a != b]
    assert [(str(a.chord), str(b.chord)) for a, b in changed] == [("A7", "Eb7"), ("G7", "Db7"), ("G7", "Db7")]
    for old, new in changed:
        assert (new.chord.root - old.chord.root) % 12 == 6
        guides = {(old.chord.root + 4) % 12, (old.chord.root + 10) % 12}
        assert guides <= old.chord.tones & new.chord.tones
        assert guides <= tones(broken.part("comp"), old.start, old.stop) <= set(new.chord.tones)
        assert tones(broken.part("bass"), old.start, old.stop) == {new.chord.root}


def test_two_keys_sound_at_once() -> None:
    broken = break_rule(SONG, "HARMONY_Polytonality")
    second = broken.part("pad")
    assert len({part.channel for part in broken.parts}) == len(broken.parts)
    heard = []
    for placed in broken.chords:
        own = sorted(tones(second, placed.start, placed.stop))
        heard.append(
            next(p for p in (parse_jazz(r + q) for r in words_of_roots() for q in ("", "m")) if sorted(p.tones) == own)
        )
        assert not set(own) & {placed.chord.root}
    first = estimate_key([p.chord for p in SONG.chords], [1.0] * 8)
    other = estimate_key(heard, [1.0] * 8)
    assert (first.tonic, (other.tonic - first.tonic) % 12) == (0, 6)


def words_of_roots() -> list[str]:
    return ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]


def test_dissonances_stay_to_the_last() -> None:
    broken = break_rule(SONG, "HARMONY_UnresolvedDissonance")
    comp = broken.part("comp")
    for placed in broken.chords:
        sounding = [n.pitch for n in comp.notes if placed.start <= n.start < placed.stop]
        intervals = {(a - b) % 12 for a in sounding for b in sounding}
        assert intervals & {10, 11}, placed
    last = broken.chords[-1]
    assert str(last.chord) == "Cmaj9"
    assert {11, 2} <= tones(comp, last.start, last.stop)
    assert broken.part("lead").notes[-1].pitch % 12 == 11
    assert [set(b.chord.tones) > set(a.chord.tones) for a, b in zip(SONG.chords, broken.chords, strict=True)] == [
        True
    ] * 8


def test_strokes_come_a_sixteenth_late_against_a_steady_voice() -> None:
    broken = break_rule(SONG, "RHYTHM_ConstantDisplacement")
    for role in ("drums", "comp"):
        before, after = SONG.part(role).notes, broken.part(role).notes
        assert [n._replace(start=n.start + 0.25) for n in before][: len(after)] == list(after)
        assert len(after) == len(before) and not any(n.start % 0.5 == 0 for n in after)
    assert broken.part("lead") == SONG.part("lead") and broken.part("bass") == SONG.part("bass")


def test_the_tempo_drifts_by_five_and_comes_back() -> None:
    broken = break_rule(SONG, "RHYTHM_TempoFluctuation")
    tempos = [tempo.tempo for tempo in broken.tempos]
    assert max(tempos) == pytest.approx(125, abs=0.3) and min(tempos) == pytest.approx(115, abs=0.3)
    assert sum(tempos) / len(tempos) == pytest.approx(120)
    assert all(0.01 < abs(a - b) < 2.1 for a, b in pairwise(tempos))
    assert broken.seconds(32) == pytest.approx(SONG.seconds(32), rel=0.01)


@pytest.mark.parametrize(("tempo", "ratio"), [(120, 4 / 3), (170, 2 / 3)])
def test_the_new_beat_is_heard_in_the_old_one(tempo: float, ratio: float) -> None:
    song = replace(small_song(tempo=tempo), sections=(Section("a", 0, 3), Section("b", 3, 2), Section("a", 5, 3)))
    broken = break_rule(song, "RHYTHM_MetricModulation")
    assert [broken.tempo_at(place) / tempo for place in (11.9, 12, 19.9, 20)] == pytest.approx([1, ratio, ratio, 1])
    pivot = sorted(set(broken.part("drums").notes) - set(song.part("drums").notes))
    assert {note.pitch for note in pivot} == {44} and pivot[0].start == 8 and pivot[-1].start < 12
    apart = {round(broken.seconds(b.start) - broken.seconds(a.start), 6) for a, b in pairwise(pivot)}
    assert apart == {round(broken.seconds(13) - broken.seconds(12), 6)}


def test_three_sound_against_four() -> None:
    broken = break_rule(SONG, "RHYTHM_PolyrhythmicLayers")
    for bar in range(8):
        three = [
            group[0].start for group in strikes(broken.part("comp").notes) if 4 * bar <= group[0].start < 4 * bar + 4
        ]
        four = sorted({n.start for n in broken.part("bass").notes if 4 * bar <= n.start < 4 * bar + 4})
        assert three == pytest.approx([4 * bar, 4 * bar + 4 / 3, 4 * bar + 8 / 3]) and len(four) == 4
        assert [place for place in three if min(abs(place - other) for other in four) < 0.01] == [4 * bar]
        assert tones(broken.part("comp"), 4 * bar, 4 * bar + 4) == set(SONG.chords[bar].chord.tones)
    waltz = replace(plan(SONG), metres=(Metre(3, 4),) * 8, chords=(), parts=(Part("Kit", "drums", 0, 9),))
    assert len([n for n in break_rule(waltz, "RHYTHM_PolyrhythmicLayers").part("drums").notes if n.start < 3]) == 4


def test_in_six_eight_a_beat_has_three_eighths() -> None:
    lilting = replace(plan(SONG), metres=(Metre(6, 8),) * 8, chords=(), parts=(Part("Kit", "drums", 0, 9),))
    struck = break_rule(lilting, "RHYTHM_PolyrhythmicLayers").part("drums").notes
    assert [n.start for n in struck if n.start < 3] == [0.0, 1.0, 2.0], "three against two"
    dropped = break_rule(lilting, "RHYTHM_DroppedBeats").metres
    assert {(m.numerator, m.denominator) for m in dropped} == {(6, 8), (3, 8)}


@pytest.mark.parametrize(("rule", "start"), [("RHYTHM_DroppedBeats", 15.0), ("ARRANGEMENT_StructuralMismatch", 16.0)])
def test_keys_and_levels_stay_with_their_bars(rule: str, start: float) -> None:
    lead = replace(SONG.part("lead"), levels=(Level(0.0, 40), Level(16.0, 90)))
    turned = replace(SONG, keys=(PlacedKey(16.0, Key(6, -1), "F#"),), parts=(lead, *SONG.parts[1:]))
    broken = break_rule(turned, rule)
    first = (broken.key, broken.tonic)
    assert [placed.start for placed in broken.keys] == [start]
    if rule == "RHYTHM_DroppedBeats":
        assert first == (SONG.key, "") and broken.part("lead").levels[1].start == start
    else:
        assert first == (Key(6, -1), "F#") and broken.keys[0].key == SONG.key, "the sections have changed places"
        assert broken.mode == "minor"


def test_a_bar_has_lost_a_beat() -> None:
    broken = break_rule(SONG, "RHYTHM_DroppedBeats")
    assert [metre.numerator for metre in broken.metres] == [4, 4, 4, 3, 4, 4, 4, 4]
    assert broken.length == SONG.length - 1 and broken.span(broken.sections[1]) == (15, 31)
    for part in SONG.parts:
        expected = [n for n in part.notes if n.start < 15] + [
            n._replace(start=n.start - 1) for n in part.notes if n.start >= 16
        ]
        after = broken.part(part.role).notes
        assert [(n.start, n.pitch) for n in after] == [(n.start, n.pitch) for n in sorted(expected)]
        assert all(n.stop <= 15 or n.start >= 15 for n in after)
    assert broken.chords[3].length == 3 and broken.chords[4].start == 15


@pytest.mark.parametrize("rule", ["RHYTHM_DroppedBeats", "ARRANGEMENT_StructuralMismatch", "HARMONY_ModalInterchange"])
def test_notes_that_are_played_early_belong_to_what_they_anticipate(rule: str) -> None:
    def pushed(song: Arrangement) -> Arrangement:
        early = [
            [n._replace(start=max(0.0, n.start - 0.05), duration=n.duration) for n in part.notes] for part in song.parts
        ]
        return replace(song, parts=tuple(p.with_notes(notes) for p, notes in zip(song.parts, early, strict=True)))

    after, before = break_rule(pushed(SONG), rule), pushed(break_rule(SONG, rule))
    for part, expected in zip(after.parts, before.parts, strict=True):
        assert [n.pitch for n in part.notes] == [n.pitch for n in expected.notes]
        assert all(abs(n.start - m.start) <= 0.051 for n, m in zip(part.notes, expected.notes, strict=True))


def test_one_part_is_far_too_loud() -> None:
    broken = break_rule(SONG, "ARRANGEMENT_UnbalancedDynamics")
    loud = sorted(((loudness(part), part.role) for part in broken.parts), reverse=True)
    softest = min(SONG.parts, key=loudness).role
    assert loud[0][1] == softest and loud[0][0] >= 1.55 * loud[1][0]


def test_what_should_return_does_not() -> None:
    song = small_song(("C", "Am", "F", "G7", "F", "G7", "C", "Am", "F", "G7"))
    song = replace(song, sections=(Section("verse", 0, 4), Section("bridge", 4, 2), Section("verse", 6, 4)))
    broken = break_rule(song, "ARRANGEMENT_StructuralMismatch")
    assert [section.name for section in broken.sections] == ["verse", "bridge", "other"]
    assert [str(p.chord) for p in broken.chords] == ["C", "Am", "F", "G7", "F", "G7", "G7", "F", "Am", "C"]
    for part in song.parts:
        for old, new in enumerate([0, 1, 2, 3, 4, 5, 9, 8, 7, 6]):
            a = [(n.start - 4 * old, n.pitch) for n in broken.part(part.role).notes if 4 * old <= n.start < 4 * old + 4]
            b = [(n.start - 4 * new, n.pitch) for n in part.notes if 4 * new <= n.start < 4 * new + 4]
            assert a == b
    turned = break_rule(SONG, "ARRANGEMENT_StructuralMismatch")
    assert [(s.name, s.start) for s in turned.sections] == [("chorus", 0), ("verse", 4)]
    assert [p.chord for p in turned.chords] == [SONG.chords[i].chord for i in (4, 5, 6, 7, 0, 1, 2, 3)]


def test_the_voice_lies_below_the_instruments() -> None:
    broken = break_rule(SONG, "ARRANGEMENT_BuriedVocals")
    others = [loudness(part) for part in broken.parts if part.role != "lead"]
    assert loudness(SONG.part("lead")) > max(others) * 0.99
    assert loudness(broken.part("lead")) == pytest.approx(min(others) / 2, rel=0.05)
    assert [part for part in broken.parts if part.role != "lead"] == [p for p in SONG.parts if p.role != "lead"]


def test_dynamics_go_to_both_ends() -> None:
    broken = break_rule(SONG, "ARRANGEMENT_ExtremeDynamicRange")
    soft, loud = (section_velocity(broken, section) for section in broken.sections)
    assert soft < 16 and loud > 115
    single = break_rule(replace(SONG, sections=()), "ARRANGEMENT_ExtremeDynamicRange")
    bars = [[n.velocity for n in single.part("bass").notes if 4 * bar <= n.start < 4 * bar + 4] for bar in range(8)]
    assert all(max(a) < min(b) for a, b in pairwise(bars))


def test_the_peak_comes_too_early() -> None:
    sections = tuple(
        Section(name, 2 * i, 2, energy=energy)
        for i, (name, energy) in enumerate([("intro", 0.2), ("verse", 0.4), ("verse", 0.5), ("chorus", 0.9)])
    )
    broken = break_rule(replace(SONG, sections=sections), "ARRANGEMENT_PrematureClimax")
    loud = [section_velocity(broken, section) for section in broken.sections]
    peak = loud.index(max(loud))
    assert broken.sections[peak].start <= 8 / 3
    assert all(a > b for a, b in pairwise(loud[peak:]))
    assert max(broken.sections, key=lambda section: section.energy).start == broken.sections[peak].start


def test_the_voice_drifts_off_pitch_and_nobody_else() -> None:
    broken = break_rule(SONG, "PRODUCTION_PitchImperfection")
    bends = broken.part("lead").bends
    assert {part.role for part in broken.parts if part.bends} == {"lead"}
    for bar in range(8):
        inside = [bend.semitones for bend in bends if 4 * bar <= bend.start < 4 * bar + 4]
        assert max(inside) - min(inside) > 0.2 and max(map(abs, inside)) <= 0.36
    assert min(bend.semitones for bend in bends) < -0.1 < 0.1 < max(bend.semitones for bend in bends)


def test_all_comes_from_one_point() -> None:
    assert len({part.pan for part in SONG.parts}) > 1
    assert {part.pan for part in break_rule(SONG, "PRODUCTION_MonoCollapse").parts} == {64}


def minor(symbols: tuple[str, ...]) -> Arrangement:
    song = small_song()
    other = small_song(symbols)
    return replace(song, key=Key(9, -1), mode="minor", chords=other.chords, parts=other.parts)
