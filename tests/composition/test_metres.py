"""Songs in three four and in six eight: who asks for them, and what is played."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.metres import METRES, decided
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.song import Song, composed
from kmidi_lab.composition.telling import told_of
from kmidi_lab.errors import ConfigError
from kmidi_lab.song import SongIntent, answer


def made(tmp_path: Path, **asked: object) -> Song:
    """By the fallbacks: quick."""
    return composed(SongRequest(**asked), Players(None, tmp_path), 1)  # type: ignore[arg-type]


ASKED = {
    "3/4": [
        "a slow Waltz for my daughter", "it should be in triple time", "make it three-four", "two waltzes, one sad",
        "waltz time", "3/4 time please", "in three", "a song in three", "three-quarter time", "3 beats per bar, gentle",
        "¾ time", "3 / 4 time", "write the waltz for my wedding", "a ländler", "valse", "a waltz in 5/4",
        "a rock song in waltz time", "jazz waltz for a rainy day with saxophone", "sad, slow, waltz",
        "the piece is a waltz", "what I want is a waltz", "the rhythm is a waltz",
    ],
    "6/8": [
        "something in 6/8, like rowing", "a lament in 6/8", "a fast jig", "6/8 ballad", "a jig in 9/8", "a slip jig", "6/8 time, slow",
        "six-eight groove, please", "in compound time", "a gigue for violin",
        "the track is a jig", "I want 12/8 blues", "I want 6/8 rock",
    ],
    "4/4": [
        "a song in 4/4, not 3/4", "I don't like waltzes, write a rock song", "no waltz please", "not a waltz",
        "don't make it a waltz", "anything but a waltz", "a song that is not a waltz", "a march instead of a waltz",
        "4/4 verse, 3/4 chorus", "a song in 4/4 time about a waltz", "a 4/4 waltz", "minuet class was cancelled",
        "Jig is my dog's name and he died", "We danced a waltz under the moon", "The last waltz made me cry",
        "life is a waltz", "he danced a jig when I left", "I am tired of waltz after waltz", "on 3/4 I lost my job",
        "My grandmother died on 3/4", "3/4 cup of sugar", "my room is 3/4 empty", "dinner for 6/8 people",
        "We were three four years old", "it took compound time", "in three years", "the waltz we danced to",
        "we waltz alone", "the jig is up", "on 3/4/2024 she left", "3/4 of my life is gone", "I feel lost",
        "A house divided in three", "a cake cut in six", "I need 3/4 cup of sugar",
        "I want 3/4 of what he has", "we need 6/8 people",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("metre", "text"), [(metre, text) for metre, texts in ASKED.items() for text in texts])
def test_a_metre_is_taken_where_it_is_asked_for_alone(metre: str, text: str) -> None:
    assert SongRequest(text).metre.name == metre


def test_of_several_metres_one_is_taken_and_the_others_are_told() -> None:
    assert decided([("4/4", "4/4"), ("waltz", "3/4")])[0::2] == (
        METRES["4/4"], ["a song has one metre, so waltz is not used"]
    )  # fmt: skip
    songs = "songs are in 4/4, 3/4 or 6/8, so"
    assert decided([("5/4", "5/4"), ("waltz", "3/4")]) == (METRES["3/4"], "waltz", [f"{songs} this is no 5/4"])
    assert decided([("9/8", "9/8")]) == (METRES["6/8"], "9/8", [f"{songs} 9/8 is played as 6/8"])
    assert decided([("7/8", "7/8")]) == (None, "7/8", [f"{songs} this is no 7/8"])
    assert decided([]) == (None, "", [])


def tempo(text: str) -> float:
    return brief_of(SongRequest(text), None, 1).tempo


def test_a_dance_has_its_tempo_and_words_move_it() -> None:
    assert tempo("a slow jig") < tempo("a jig") < tempo("a fast jig")
    assert tempo("a waltz") < tempo("a viennese waltz")
    assert tempo("dotted quarter = 60, 6/8") == 90 and tempo("a slow song in 6/8 at 60 bpm") == 60
    assert tempo("6/8, slow") == pytest.approx(1.25 * tempo("slow song"), abs=1), "beats of three eighths are slower"


def test_what_a_beat_is_and_what_does_not_swing_is_said() -> None:
    request = SongRequest("a jazz song in 6/8 at 90 bpm")
    lines = told_of(request, brief_of(request, None, 1))
    assert "90 quarters a minute are 60 beats in 6/8" in lines and "eighths are not swung in 6/8" in lines


def test_a_waltz_has_its_bass_on_one_and_its_chords_on_two_and_three(tmp_path: Path) -> None:
    song = made(tmp_path, text="a happy waltz", bars=16, style="pop", sections="chorus 16").arrangement
    places = {part.role: {n.start % 3 for n in part.notes if n.start < 45 and n.pitch < 60} for part in song.parts}
    assert places["bass"] == {0.0} and places["comp"] == {1.0, 2.0}


@pytest.mark.parametrize("name", ["3/4", "6/8"])
def test_a_song_is_written_in_its_metre(name: str, tmp_path: Path) -> None:
    song = made(tmp_path, emotion="happy", metre=name, bars=16, style="pop", tempo=120)
    bar = 3.0
    written = song.arrangement
    assert {f"{m.numerator}/{m.denominator}" for m in written.metres} == {name} and len(written.metres) == 16
    assert written.length == 16 * bar and written.seconds(written.length) == 24
    assert {c.start for c in written.chords} >= {bar * n for n in range(16)}
    for part in written.parts:
        assert all(n.start + n.duration <= 16 * bar + 0.25 for n in part.notes), part.name
    kicks = {n.start % bar for n in written.part("drums").notes if n.pitch == 36}
    snares = {n.start % bar for n in written.part("drums").notes if n.pitch == 38 and n.velocity > 100}
    assert 0.0 in kicks and snares, "a kick on one"
    assert (2.0 if name == "3/4" else 1.5) in snares, "a backbeat on the last beat"
    (tmp_path / "song.mid").write_bytes(song.midi)
    events = [m for track in mido.MidiFile(tmp_path / "song.mid").tracks for m in track if m.type == "time_signature"]
    assert [(m.numerator, m.denominator) for m in events] == [tuple(map(int, name.split("/")))]
    assert song.trace["metre"] == name and song.brief.headline.endswith(f"in {name}")


@pytest.mark.parametrize("style", ["ballad", "lofi", "folk", "pop", "cinematic"])
def test_a_waltz_has_its_bass_on_one_and_its_chords_on_two_and_three_from_its_first_bar(
    style: str, tmp_path: Path
) -> None:
    song = made(tmp_path, text="a calm waltz", style=style, sections="intro 4, verse 4, chorus 4").arrangement
    assert song.sections[0].energy < 1 / 3, "a soft section"
    for bar in range(11):  # the last one is held
        struck = {
            name: sorted(
                {n.start - 3 * bar for n in song.part(name).notes if 0 <= n.start - 3 * bar < 3 and n.pitch < 65}
            )
            for name in ("bass", "comp")  # above them lies the theme
        }
        assert struck == {"bass": [0.0], "comp": [1.0, 2.0]}, bar


def test_who_plays_the_drums_of_a_waltz(tmp_path: Path) -> None:
    """The groove model knows bars of sixteen sixteenths alone."""
    waltz, usual = (made(tmp_path, emotion="happy", metre=m, bars=8) for m in ("3/4", "4/4"))
    asked = {song.brief.metre.name: [m["model"] for m in song.trace["models"]] for song in (waltz, usual)}
    assert "groove" not in asked["3/4"] and "groove" in asked["4/4"]
    assert next(m for m in waltz.trace["models"] if m["model"] == "microtiming")["calls"] == 2


def test_a_pulse_that_a_rule_lays_on_a_stroke_is_played_once(tmp_path: Path) -> None:
    """The new tempo's hi-hat falls on the old one's: a MIDI file has one of both, and nothing is lost of the others."""
    rule = {"technical_rule_to_break": "RHYTHM_MetricModulation", "rule_breaking_justification": "it turns"}
    song = SongIntent()
    for name, value in rule.items():
        song = answer(song, name, value)
    request = SongRequest("jazz", song=song, metre="6/8", sections="verse 8")
    written = composed(request, Players(None, tmp_path), 1)
    pulses = [(round(n.start * 480), n.pitch) for n in written.arrangement.part("drums").notes]
    assert len(pulses) > len(set(pulses)), "two strokes of one pitch on one tick"
    (tmp_path / "song.mid").write_bytes(written.midi)
    played = [
        m
        for track in mido.MidiFile(tmp_path / "song.mid").tracks
        for m in track
        if m.type == "note_on" and m.channel == 9
    ]
    assert len([m for m in played if m.velocity]) == len(set(pulses))


def test_eighths_swing_in_three_four_and_not_where_three_are_a_beat(tmp_path: Path) -> None:
    for name, late in (("3/4", 0.16), ("6/8", 0.0)):
        song = made(tmp_path, emotion="happy", metre=name, bars=8, style="jazz").arrangement
        off = {round(n.start % 1, 2) for n in song.part("drums").notes if 0.4 < n.start % 1 < 0.7}
        assert off == {0.5 + late}, name


def test_a_length_in_time_counts_bars_of_the_metre() -> None:
    text = "happy, one minute long"
    bars = {name: brief_of(SongRequest(text, metre=name, tempo=96), None, 1).bars for name in METRES}
    assert bars == {"4/4": 24, "3/4": 32, "6/8": 32}, "96 quarters"


def test_what_is_typed_comes_before_the_words(tmp_path: Path) -> None:
    song = made(tmp_path, text="a sad waltz", metre="4/4", bars=8)
    assert "metre 3/4 from the text (waltz) is not used: compose.metre=4/4 was typed" in song.remarks
    assert "metre" not in " ".join(made(tmp_path, text="a sad waltz", metre="3/4", bars=8).remarks)
    assert song.brief.metre.name == "4/4" and "from the text" not in song.brief.headline
    with pytest.raises(ConfigError, match=r"compose\.metre: '5/4' is not allowed.*4/4, 3/4, 6/8"):
        SongRequest("sad", metre="5/4")
    with pytest.raises(ConfigError, match=r"compose\.metre=34 must be a text"):
        SongRequest("sad", metre=34)  # type: ignore[arg-type]


def test_the_form_is_drawn_for_the_metre(tmp_path: Path) -> None:
    """The structure model knows length as time, and bars of three are shorter."""
    song = made(tmp_path, text="a calm waltz", bars=32)
    asked = next(m for m in song.trace["models"] if m["model"] == "structure")["asked"]
    assert asked["metre"] == "3/4"


@pytest.mark.parametrize("text", ["un vals lento", "un valzer lento", "une valse lente", "ein langsamer Walzer"])
def test_a_slow_waltz_is_as_slow_in_every_language(text: str) -> None:
    """4/5 of a waltz, which is 96 to 132: 77 to 106."""
    wishes = read_sentence(text)
    assert wishes.tempo == read_sentence("a slow waltz").tempo == (77, 106)
    assert wishes.missing == ()


def test_a_written_tempo_comes_before_a_pace_in_another_language() -> None:
    assert read_sentence("una canción lenta, 90 bpm").tempo == (90, 90)
    assert read_sentence("una canción, allegro").tempo == (120, 144)
