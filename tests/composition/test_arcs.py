"""A song follows the arc that a person asks for, whoever made its form."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.form import Stretch, following
from kmidi_lab.composition.swelling import swelled
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Arrangement, Metre, Note, Part, Tempo, midi_bytes


def energies(song) -> list[float]:
    return [section.energy for section in song.arrangement.sections]


def loudness(song) -> list[float]:
    """Mean velocity of all pitched notes in each quarter of the song, as it is played."""
    piece = open_file(song.midi).piece
    notes = np.concatenate([t.notes for t in piece.tracks if not t.is_drum])
    whole = len(song.arrangement.metres) * song.brief.metre.bar * piece.ticks_per_quarter
    early = piece.ticks_per_quarter // 8  # a note that is played a little before its beat is of that beat
    at = np.clip((notes["start"] + early) * 4 // whole, 0, 3)
    return [float(notes["velocity"][at == quarter].mean()) for quarter in range(4)]


def test_a_form_follows_a_curve_by_the_middle_of_each_section() -> None:
    form = [Stretch("verse", 4, 0.45, 0.35), Stretch("silence", 4, 0.0, 0.35), Stretch("chorus", 8, 0.85, 0.5)]
    followed = following(form, "Descent")
    # The curve is .85 .80 .70 .60 .50 .40 .30 .20 .10: .80 at an eighth of the song, .30 at three quarters.
    assert [s.energy for s in followed] == pytest.approx([0.3 * 0.45 + 0.7 * 0.8, 0.0, 0.3 * 0.85 + 0.7 * 0.3])
    assert [s._replace(energy=0) for s in followed] == [s._replace(energy=0) for s in form]


@pytest.mark.parametrize("how", [{"bars": 8}, {"sections": "verse 4, chorus 4"}, {"sections": "chorus 4, verse 4"}])
def test_short_songs_and_typed_forms_build_up_and_sink(sketch, how: dict) -> None:
    climbs = energies(sketch(text="it builds up to the end", models=False, **how))
    sinks = energies(sketch(text="it sinks into the dark", models=False, **how))
    assert climbs == sorted(climbs) and climbs[-1] > climbs[0] + 0.2
    assert sinks == sorted(sinks, reverse=True) and sinks[0] > sinks[-1] + 0.05


def test_a_song_rises_and_falls(sketch) -> None:
    first, second, third, last = energies(sketch(text="it rises and falls", bars=16, models=False))
    assert first < second > third > last


def test_a_form_in_the_text_and_an_arc_of_the_intent_are_followed_too(sketch) -> None:
    said = energies(sketch(text="starts quiet and ends huge, verse chorus verse chorus", models=False))
    assert said == sorted(said) and said[-1] > 0.9
    song = sketch(text="verse chorus verse chorus, it builds up", models=False)
    assert "arc Climb-to-Climax from the text (builds up)" in song.remarks
    assert energies(song) == said


def test_an_arc_that_nobody_asks_for_leaves_verse_and_chorus_as_they_are(sketch) -> None:
    song = sketch(emotion="sad", sections="verse 4, chorus 4", models=False)
    assert song.brief.arc and energies(song) == [0.45, 0.85]


def test_one_section_alone_grows_within_itself(sketch) -> None:
    song = sketch(text="it builds up", bars=4, models=False)
    assert len(song.arrangement.sections) == 1
    first, second, third, last = loudness(song)
    assert first + 2 < second < third < last and first + 10 < last


@pytest.mark.slow
def test_a_growing_song_is_played_louder_and_louder(sketch) -> None:
    first, second, third, last = loudness(sketch(text="it builds up", bars=16))
    assert first + 8 < last and second + 4 < last and first < third
    first, *_, last = loudness(sketch(text="I am sad and sink into the dark", bars=16))
    assert last < first - 3


@pytest.mark.parametrize(
    ("text", "loud", "soft", "share"),
    [
        ("a song that dies away", 0, -1, 0.7),
        ("it builds up to a climax", -1, 0, 0.7),
        ("a song that swells and subsides", 2, -1, 0.77),  # of which both quarters are half of the way
    ],
)
def test_a_course_that_is_asked_for_is_heard(sketch, text: str, loud: int, soft: int, share: float) -> None:
    """Amplitudes of SoundFonts grow with the square of the velocity, so that .7 of it are 6 dB; people hear 3."""
    course = loudness(sketch(text=text, bars=16, models=False))
    assert course[soft] < share * course[loud]


def test_an_arc_makes_nothing_louder_and_leaves_its_peak() -> None:
    played = Part("Lead", "lead", 0, 0).with_notes([Note(float(at), 1.0, 60, 100) for at in range(16)])
    tempos, metres = (Tempo(0.0, 120.0),), (Metre(4, 4),) * 4
    song = Arrangement("", Key(0, 1), metres, tempos, (), (), (played,))
    swelling = open_file(swelled(midi_bytes(song), "Climb-to-Climax", song.length)).piece.tracks[0].notes
    # The curve is .15 at the start and 1 at seven eighths, where 14 quarters are over: 100 * (1 - .55 * .85) is 53.
    assert (swelling["velocity"][0], swelling["velocity"][14]) == (53, 100)
    assert swelling["velocity"].max() == 100 and swelling["start"].tolist() == [480 * at for at in range(16)]
