"""Several chords in a bar: as they are written, shared out among the beats, and played by the whole band."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.accompaniment import comping, pad
from kmidi_lab.composition.bands import bands, pattern
from kmidi_lab.composition.bar_chords import Sounding, bar_of, placed
from kmidi_lab.composition.bass_line import bass
from kmidi_lab.composition.metres import METRES, SongMetre
from kmidi_lab.composition.sharing import shared


def evenly(*names: str) -> list[tuple[float, str]]:
    return [(n / len(names), name) for n, name in enumerate(names)]


@pytest.mark.parametrize(
    ("chords", "beats", "bar", "left"),
    [
        (evenly("C"), 4, "C", []),
        (evenly("C", "F"), 4, "C F", []),
        (evenly("C", "F"), 3, "C / F", []),
        (evenly("C", "F"), 2, "C F", []),
        (evenly("C", "F", "G"), 4, "C / F G", []),
        (evenly("C", "F", "G"), 3, "C F G", []),
        (evenly("C", "F", "G"), 2, "C F", ["G"]),
        (evenly("C", "F", "G", "Am"), 4, "C F G Am", []),
        ([(0.0, "C"), (0.75, "F")], 4, "C / / F", []),
    ],
)
def test_chords_of_a_bar_begin_on_its_beats(chords: list, beats: int, bar: str, left: list) -> None:
    assert bar_of(chords, beats) == (bar, left)


def test_chords_sound_for_their_share_of_the_bar() -> None:
    chords = placed(["C", "C / F", "G"], 3.0)
    assert [(c.start, c.length, str(c.chord)) for c in chords] == [
        (0.0, 3.0, "C"), (3.0, 2.0, "C"), (5.0, 1.0, "F"), (6.0, 3.0, "G"),
    ]  # fmt: skip
    under = Sounding(["C", "C / F", "G"], 3.0)
    assert [str(under.at(place)) for place in (0.0, 4.9, 5.0, 6.0, 99.0)] == ["C", "C", "F", "G", "G"]


@pytest.mark.parametrize("metre", METRES.values(), ids=lambda metre: metre.name)
def test_every_pattern_strikes_every_chord_in_time_and_none_sounds_into_the_next(metre: SongMetre) -> None:
    names = {name for band in bands().values() for name in band.comp} | {"arpeggio"}
    two, _ = bar_of(evenly("C", "F"), metre.beats)
    first, second = placed([two], metre.bar)
    for name in names:
        notes = comping([first, second], [pattern("chords", name, metre.name)], metre.bar)
        for note in notes:
            owner = first if note.pitch % 12 in first.chord.tones - second.chord.tones else second
            if note.pitch % 12 in first.chord.tones & second.chord.tones:
                continue
            assert owner.start - 0.5 <= note.start < owner.stop and note.stop <= owner.stop + 1e-9, (name, note)
        assert any(abs(n.start - second.start) <= 0.5 and n.pitch % 12 in second.chord.tones for n in notes), name


def test_a_chord_that_no_stroke_meets_is_anticipated_or_gets_one() -> None:
    charleston = [(0.0, 1.4, "all"), (1.5, 0.9, "all")]
    assert shared(charleston, [0.0, 2.0], 4.0) == [[(0.0, 1.4, "all")], [(1.5, 0.9, "all")]]
    assert shared([(0.0, 4.0, "all")], [0.0, 2.0], 4.0) == [[(0.0, 2.0, "all")], [(2.0, 2.0, "all")]]
    assert shared([(0.0, 4.0, "all")], [0.0], 4.0) == [[(0.0, 4.0, "all")]]


@pytest.mark.parametrize("metre", METRES.values(), ids=lambda metre: metre.name)
@pytest.mark.parametrize("name", ["roots", "root_fifth", "eighths", "syncopated", "walking"])
def test_a_bass_plays_the_root_of_each_chord_of_a_bar_where_it_begins(name: str, metre: SongMetre) -> None:
    two, _ = bar_of(evenly("Dm7", "G7"), metre.beats)
    chords = placed([two, "C"], metre.bar)
    line = bass(chords, [pattern("basses", name, metre.name)] * 2, metre.bar)
    for start, _, chord in chords:
        assert next(n for n in line if n.start >= start).pitch % 12 == chord.root
        assert any(n.start == start for n in line)


def test_a_walking_bass_steps_into_the_second_chord_of_a_bar() -> None:
    line = bass(placed(["Dm7 G7", "C"], 4.0), [pattern("basses", "walking", "4/4")] * 2, 4.0)
    assert [n.pitch % 12 for n in line[::2]] == [2, 7, 0, 7]
    assert all(abs(a.pitch - b.pitch) in (1, 2) for a, b in pairwise(line[:5]) if a.start % 2 == 1)


def test_a_pad_changes_within_the_bar() -> None:
    held = pad(placed(["C F"], 4.0))
    assert {n.start for n in held} == {0.0, 2.0}
    assert all(n.pitch % 12 in parse_jazz("C").tones & parse_jazz("F").tones for n in held if n.duration == 4.0)


@pytest.mark.parametrize(
    "asked",
    [
        {"chords": "C | Am F | G | F G"},
        {"text": "a calm song with the chords C | Am F | G | F G"},
        {"text": "a calm song with the chords | C | Am F | G | F G |"},
    ],
)
def test_two_chords_of_a_bar_are_both_played(make, asked: dict) -> None:
    song = make(models=False, key="C", sections="verse 4, chorus 4", **asked).arrangement
    assert [(c.start, str(c.chord)) for c in song.chords[:6]] == [
        (0.0, "C"), (4.0, "Am"), (6.0, "F"), (8.0, "G"), (12.0, "F"), (14.0, "G"),
    ]  # fmt: skip
    lead = song.part("lead").notes[-1]
    assert (lead.start, lead.pitch % 12) == (30.0, 7), "the tune comes to rest with the last chord"
    roots = {n.start: n.pitch % 12 for n in song.part("bass").notes}
    assert {roots[place] for place in (6.0, 14.0, 22.0)} == {5, 7}


def test_chords_for_which_a_bar_has_no_beat_are_told(make) -> None:
    song = make(models=False, chords="C | Am F G", metre="6/8", sections="verse 4")
    assert "a bar of 6/8 has room for 2 chords, so of your bars with more G are left out" in song.remarks
    assert song.trace["form"]["sections"][0]["chords"][:2] == ["C", "Am F"]
