"""Any song is changed by a broken rule or refused by its name; the same each time, and written."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mutations import EXAMPLES
from support.songs import plan, small_song

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.song import Arrangement, Metre, Note, Part, PlacedChord, Section, Tempo, midi_bytes
from kmidi_lab.song import vocabularies as words
from kmidi_lab.song.rule_breaks import CHANGES, REFUSED, RuleBreakError, break_rule

SONG = small_song()

IN_A_PLAN = frozenset(
    {
        "HARMONY_AvoidTonicResolution", "HARMONY_ModalInterchange", "HARMONY_TritoneSubstitution", "ARRANGEMENT_PrematureClimax",
        "ARRANGEMENT_StructuralMismatch", "RHYTHM_TempoFluctuation", "RHYTHM_DroppedBeats",
    }
)  # fmt: skip
"""Rules that can be broken in a plan, too: sections, chords, metres and tempos without a note yet."""
ONE_BAR = Arrangement("", Key(0, 1), (Metre(),), (Tempo(0, 120),))


def test_all_twenty_one_rules_are_done_or_refused_by_name() -> None:
    assert set(CHANGES) | set(REFUSED) == set(words.RULE_BREAKS)
    assert len(CHANGES) == 18 and set(IN_A_PLAN) < set(CHANGES)
    for rule in REFUSED:
        with pytest.raises(RuleBreakError, match=f"{rule} is not broken: .*MIDI file holds n"):
            break_rule(SONG, rule)
    with pytest.raises(RuleBreakError, match="TEXTURE_DenseWall is not broken: it came after"):
        break_rule(SONG, "TEXTURE_DenseWall")
    with pytest.raises(RuleBreakError, match="Did you mean 'HARMONY_Polytonality'"):
        break_rule(SONG, "HARMONY_Polytonalitee")


@pytest.mark.parametrize("rule", CHANGES)
def test_each_change_is_the_same_each_time_and_can_be_written(rule: str) -> None:
    once, again = break_rule(SONG, rule), break_rule(SONG, rule)
    assert once == again != SONG
    piece = read_piece(midi_bytes(once))
    assert sum(len(track.notes) for track in piece.tracks) > 100 and not piece.flaws


@pytest.mark.parametrize("rule", sorted(IN_A_PLAN))
def test_a_plan_without_notes_is_changed_as_the_song_is(rule: str) -> None:
    assert plan(break_rule(SONG, rule)) == break_rule(plan(SONG), rule) != plan(SONG)


@pytest.mark.parametrize(
    ("rule", "song", "says"),
    [
        ("HARMONY_AvoidTonicResolution", replace(SONG, chords=()), "needs chords"),
        ("HARMONY_ParallelMotion", plan(SONG), "comp or pad"),
        ("HARMONY_ModalInterchange", small_song(("C", "Em") * 2), "second, fourth, fifth or sixth"),
        ("HARMONY_TritoneSubstitution", small_song(("C", "F") * 2), "needs a dominant"),
        ("HARMONY_Polytonality", replace(SONG, chords=()), "needs chords"),
        ("HARMONY_UnresolvedDissonance", plan(SONG), "comp or pad"),
        ("RHYTHM_ConstantDisplacement", replace(SONG, parts=SONG.parts[:1]), "keeps the beat"),
        ("RHYTHM_MetricModulation", ONE_BAR, "two bars"),
        ("RHYTHM_PolyrhythmicLayers", replace(SONG, parts=SONG.parts[:1]), "neither"),
        ("RHYTHM_DroppedBeats", replace(SONG, sections=(), metres=(Metre(1, 1),) * 8), "two beats"),
        ("ARRANGEMENT_UnbalancedDynamics", replace(SONG, parts=SONG.parts[:1]), "two parts"),
        ("ARRANGEMENT_StructuralMismatch", replace(SONG, sections=()), "two sections"),
        ("ARRANGEMENT_BuriedVocals", replace(SONG, parts=SONG.parts[1:]), "role lead"),
        ("ARRANGEMENT_PrematureClimax", replace(SONG, sections=()), "two sections"),
        ("PRODUCTION_PitchImperfection", replace(SONG, parts=SONG.parts[1:]), "role lead"),
    ],
)  # fmt: skip
def test_a_song_that_lacks_what_a_rule_is_about_is_refused_in_one_line(rule: str, song: Arrangement, says: str) -> None:
    with pytest.raises(RuleBreakError) as refusal:
        break_rule(song, rule)
    assert says in str(refusal.value) and rule in str(refusal.value) and "\n" not in str(refusal.value)


@st.composite
def any_songs(draw: st.DrawFn) -> Arrangement:
    """Songs of odd metres, early and overlapping notes, gaps in the chords and parts of any role."""
    metres = tuple(
        draw(st.lists(st.sampled_from([Metre(4, 4), Metre(3, 4), Metre(7, 8), Metre(1, 4)]), min_size=1, max_size=6))
    )
    frame = Arrangement(
        "", draw(st.sampled_from([Key(0, 1), Key(7, 1)])), metres, (Tempo(0, draw(st.sampled_from([20, 97, 400]))),)
    )
    lengths = draw(st.lists(st.integers(1, 3), max_size=4))
    cuts = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    sections: tuple[Section, ...] = ()
    if cuts[-1] == len(metres):
        sections = tuple(
            Section(draw(st.sampled_from("ab")), a, b - a, energy=draw(st.floats(0, 1))) for a, b in pairwise(cuts)
        )
    chords, at = [], 0.0
    symbols = st.sampled_from(["C", "G7", "F", "Am7", "Bdim", "Caug", "D7", "Ebmaj7", "Gsus4", "F/C", "C5"])
    while at < frame.length - 1 and draw(st.booleans()):
        length = draw(st.sampled_from([0.5, 1.0]))
        chords.append(PlacedChord(at, length, parse_jazz(draw(symbols))))
        at += length + draw(st.sampled_from([0.0, 0.25]))
    start = st.floats(0, 1, exclude_max=True).map(lambda share: share * frame.length)
    note = st.builds(Note, start, st.floats(0.01, 9), st.integers(0, 127), st.integers(1, 127))
    roles = draw(st.lists(st.sampled_from(["lead", "bass", "comp", "pad", "other", "drums"]), max_size=4))
    parts = [
        Part(role, role, 0, 9 if role == "drums" else at, volume=draw(st.integers(0, 127))).with_notes(
            draw(st.lists(note, max_size=6))
        )
        for at, role in enumerate(roles)
    ]
    return replace(frame, sections=sections, chords=tuple(chords), parts=tuple(parts))


@pytest.mark.slow
@settings(max_examples=15 * EXAMPLES, deadline=None)
@given(any_songs(), st.sampled_from(sorted(CHANGES)))
def test_any_song_is_changed_or_refused(song: Arrangement, rule: str) -> None:
    try:
        broken = break_rule(song, rule)
    except RuleBreakError as error:
        assert str(error).startswith(rule)
    else:
        assert midi_bytes(broken) and len(broken.parts) >= len(song.parts)
