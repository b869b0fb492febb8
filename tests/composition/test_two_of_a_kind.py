"""Two of one instrument play two lines; a bass that walks does so everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.second_voice import second_voice
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.song import Note


@pytest.mark.parametrize(
    ("text", "programs", "second"),
    [
        ("a sad song with two violins and piano", {"lead": 40, "chords": 0}, 40),
        ("music for a pair of flutes", {"lead": 73}, 73),
        ("a duet for 2 trumpets", {"lead": 56}, 56),
        ("a violin duet", {"lead": 40}, 40),
        ("jazz with two saxes", {"lead": 65}, 65),
        ("a song for two guitars", {"lead": 25, "chords": 25}, None),
        ("a song with a violin and a piano", {"lead": 40, "chords": 0}, None),
        ("two violins played at her funeral", {}, None),
        ("I lost two horns and a flute", {}, None),
    ],
)
def test_two_players_are_read(text: str, programs: dict[str, int], second: int | None) -> None:
    wishes = read_sentence(text)
    assert wishes.programs == programs and wishes.second == second
    assert not wishes.missing


def test_of_a_duet_no_third_plays() -> None:
    assert read_sentence("a duet for two violins").without == ("chords", "pad", "bass", "drums")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a song with three trumpets", "three trumpets are played by two: a melody, and a line below it or chords"),
        ("a song with a flute and two violins", "no second violin (two violins): one plays"),
        ("a song with two double basses", "no second double bass (two double basses): one plays"),
    ],
)
def test_who_can_t_be_seated_is_told(text: str, line: str) -> None:
    assert read_sentence(text).missing == (line,)


def test_a_second_voice_is_in_thirds_and_sixths_by_hand() -> None:
    """C D E F E D C over C, G, C: thirds below but where a sixth makes the chord: under C and E the tones E and G or C."""
    tune = [Note(float(i), 1.0, p, 90) for i, p in enumerate((72, 74, 76, 77, 76, 74, 72))]
    chords = [parse_jazz(c) for c in ("C", "C", "C", "G7", "C", "G7", "C")]
    line = second_voice(tune, lambda at: chords[int(at)], lambda at: Key(0, 1), 2.0, 55)
    assert [n.pitch for n in line] == [64, 71, 72, 74, 72, 71, 64]
    assert [(n.start, n.duration) for n in line] == [(n.start, n.duration) for n in tune]
    assert {n.velocity for n in line} == {82}
    [high] = second_voice([Note(0.0, 1.0, 55, 90)], lambda at: chords[0], lambda at: Key(0, 1), 2.0, 55)
    assert high.pitch > 55, "a violin plays no lower"


def test_two_violins_are_two_parts(make) -> None:
    song = make(text="a sad song with two violins and piano", bars=16, models=False)
    first, second = (next(p for p in song.arrangement.parts if p.name == name) for name in ("Lead", "Second"))
    assert first.program == second.program == 40 and first.channel != second.channel
    assert [n.start for n in first.notes] == [n.start for n in second.notes]
    below = np.array([a.pitch - b.pitch for a, b in zip(first.notes, second.notes, strict=True)])
    assert set(below.tolist()) <= {3, 4, 5, 8, 9, -3, -4} and np.isin(below, (3, 4, 8, 9)).mean() > 0.8
    key, minor = song.brief.key.tonic, (0, 2, 3, 5, 7, 8, 10)
    strange = [n for n in second.notes if (n.pitch - key) % 12 not in minor]
    tones = [n.pitch % 12 in song.arrangement.chord_at(n.start).chord.tones for n in strange]
    assert song.brief.key.mode < 0 and all(tones)
    assert "second violin for a line in thirds and sixths below the melody from the text" in song.remarks


@pytest.mark.parametrize("text", ["a pop song with walking bass", "a sad jazz ballad with a walking bass line"])
def test_a_walking_bass_walks_in_quarters_from_the_first_bar(make, text: str) -> None:
    song = make(text=text, sections="intro 4, verse 4, chorus 4", models=False)
    bass = song.arrangement.part("bass").notes
    assert [n.start for n in bass] == [*map(float, range(44)), 44.0], "quarters, and one held note at the end"
    for bar in range(11):
        chord = song.arrangement.chords[bar].chord
        root, third, fifth, step = (n.pitch for n in bass[4 * bar : 4 * bar + 4])
        assert root % 12 == chord.bass and third % 12 in chord.tones and fifth % 12 in chord.tones
        assert abs(step - bass[4 * bar + 4].pitch) <= 2, "it leads into the next bar"
    assert f"bass walking from the text ({text[text.index('walking') :]})" in song.remarks
