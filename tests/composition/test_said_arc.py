"""Sentences that say how a song goes on give it that arc, in the lines and in what is heard; those that tell of other things don't."""

from __future__ import annotations

import io

import mido
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.closing import closed, faded_in
from kmidi_lab.composition.said_ending import SaidEnding
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.models.intent.anchors import said_arc
from kmidi_lab.song import Arrangement, Metre, Note, Part, Tempo, midi_bytes
from tests.composition.test_arcs import energies, loudness

RISES, FALLS, BOTH = "Climb-to-Climax", "Descent", "Rise and Fall"
ENGLISH = [
    ("a waltz that grows louder", RISES), ("a song that gets louder", RISES), ("a song that builds up", RISES),
    ("a song that starts quiet and ends loud", RISES), ("a sad song with a crescendo", RISES), ("music that calms down", FALLS),
    ("a folk song that slowly dies away", FALLS), ("a piano piece which swells and then subsides", BOTH),
    ("it should start softly and become loud", RISES), ("a ballad growing in intensity", RISES),
    ("a pop song getting quieter and quieter", FALLS), ("a rock song that keeps building", RISES),
    ("a quiet beginning and a loud ending", RISES), ("a lullaby that becomes softer and softer", FALLS),
    ("a jazz tune that dies down", FALLS), ("a march that gets bigger and bigger", RISES), ("a nocturne that ends in silence", FALLS),
    ("a slow build-up to a huge finale", RISES), ("a song that explodes at the end", RISES), ("from a whisper to a roar", RISES),
    ("a waltz, growing louder", RISES), ("a song that rises and falls", BOTH), ("it gets louder, then quieter again", BOTH),
    ("a song that gets quieter and then builds up", RISES), ("a diminuendo to nothing, strings", FALLS),
    ("a waltz about my grandmother that grows louder", RISES), ("a song about rain that gets louder", RISES),
]  # fmt: skip
OTHERS = [
    ("ein Walzer, der immer lauter wird", "German", RISES), ("ein Lied, das laut beginnt und leise endet", "German", FALLS),
    ("ein Lied über den Regen, der immer leiser wird", "German", FALLS), ("ein Stück mit crescendo", "German", RISES),
    ("une valse qui devient de plus en plus forte", "French", RISES), ("une chanson qui s'éteint", "French", FALLS),
    ("una canción que crece poco a poco", "Spanish", RISES), ("una canción que empieza fuerte y termina suave", "Spanish", FALLS),
    ("un valzer che cresce", "Italian", RISES), ("una musica che diventa sempre più forte e poi si spegne", "Italian", BOTH),
    ("un pezzo con un diminuendo", "Italian", FALLS), ("uma canção que fica mais forte", "Portuguese", RISES),
    ("uma valsa que se apaga", "Portuguese", FALLS), ("een wals die steeds luider wordt", "Dutch", RISES),
    ("een liedje dat langzaam zachter wordt", "Dutch", FALLS),
]  # fmt: skip
NOT_OF_A_SONG = [
    "my love grows stronger every day", "the storm calms down and I'm alone", "the noise gets louder in my head", "the fire died away",
    "the fear builds up inside me", "my voice grows quieter when she leaves", "a song about how love grows stronger",
    "a song about a man who dies away", "getting stronger every day", "intro, verse, build-up, drop, outro",
    "a techno track that calms down in the middle", "a song that never gets louder", "a song that doesn't build up",
    "a song without a crescendo", "je me sens triste et la nuit grandit", "der Regen wird immer lauter",
]  # fmt: skip


@pytest.mark.parametrize(("text", "arc"), ENGLISH)
def test_how_a_song_goes_on_is_read(text: str, arc: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.arc, wishes.missing) == (arc, ()) or (wishes.arc == arc and "quieter" in wishes.missing[0])
    assert wishes.words["arc"] in text


@pytest.mark.parametrize(("text", "language", "arc"), OTHERS)
def test_and_in_other_languages(text: str, language: str, arc: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.language, wishes.arc) == (language, arc)


@pytest.mark.parametrize("text", ["İ" * 12 + ", a song that builds up", "ẞİ, a song that GROWS LOUDER"])
def test_letters_that_get_longer_in_lower_case_make_no_second_arc(text: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.arc, wishes.missing) == (RISES, ())


@pytest.mark.parametrize("text", NOT_OF_A_SONG)
def test_what_grows_but_is_no_song_asks_for_nothing(text: str) -> None:
    assert read_sentence(text).arc == ""


@pytest.mark.parametrize(
    "text", ["it doesn't build up", "a song without a crescendo", "never sinking", "not over and over"]
)
def test_the_model_of_texts_hears_a_denial_too(text: str) -> None:
    assert said_arc(text) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a waltz that grows louder", "arc Climb-to-Climax from the text (grows louder)"),
        ("ein Walzer, der immer lauter wird", "arc Climb-to-Climax from the text (immer lauter)"),
    ],
)
def test_a_song_that_grows_louder_does(make, text: str, line: str) -> None:
    song = make(text=text, sections="verse 4, chorus 4, verse 4, chorus 4", models=False)
    assert line in song.remarks
    assert energies(song) == sorted(energies(song)) and energies(song)[-1] > 0.8
    first, *_, last = loudness(song)
    assert last > first + 8


def test_a_song_that_dies_away_does(make) -> None:
    song = make(text="a folk song that slowly dies away", sections="verse 4, chorus 4, verse 4, chorus 4", models=False)
    assert "arc Descent from the text (dies away)" in song.remarks
    first, *_, last = loudness(song)
    assert energies(song)[0] > energies(song)[-1] + 0.2 and last < first - 4


@pytest.mark.parametrize(
    ("text", "opening", "faded"),
    [
        ("a tune that fades in", "fades in", ""),
        ("a pop song that fades in and out", "fades in and out", "fades out"),
        ("a ballad with a slow fade in", "with a slow fade in", ""),
        ("it fades in from silence, and fades out at the end", "fades in from silence", "fades out at the end"),
        ("memories fade in and out", "", ""),
        ("you fade in and I cry", "", ""),
    ],
)
def test_a_fade_at_the_beginning_is_read(text: str, opening: str, faded: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.opening, wishes.ending.faded, wishes.missing) == (opening, faded, ())


def test_a_fade_takes_all_parts_up_and_down() -> None:
    """Of 9 bars a third at each end: level 127 · n / 24 at the n-th half beat, then full, then back."""
    notes = tuple(Note(float(at), 1.0, 60, 80) for at in range(36))
    parts = (Part("Lead", "lead", 0, 0, notes), Part("Drums", "drums", 0, 9, notes))
    song = Arrangement("", Key(0, 1), (Metre(),) * 9, (Tempo(0.0, 100.0),), parts=parts)
    both = closed(faded_in(song), SaidEnding(faded="fades out"))
    for track in mido.MidiFile(file=io.BytesIO(midi_bytes(both))).tracks[1:]:
        at, levels = 0, {}
        for message in track:
            at += message.time
            if message.type == "control_change" and message.control == 11:
                levels[at / 480] = message.value
        assert levels[0.0] == 4 and levels[6.0] == round(127 * 12 / 24) and levels[12.0] == 127
        assert levels[24.0] == 127 and levels[30.0] == round(127 / 2) and max(levels) == 35.5
        assert not [at for at in levels if 12 < at < 24]


def test_a_song_that_fades_in_says_so(make) -> None:
    song = make(text="a tune that fades in", bars=8, models=False)
    assert "beginning faded from the text (fades in)" in song.remarks
    levels = song.arrangement.part("lead").levels
    assert levels[0].level < 10 and levels[-1].level == 127
