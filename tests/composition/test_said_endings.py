"""How a song ends, as a text says it: slower, held or faded."""

from __future__ import annotations

import io
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.closing import closed
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_ending import SaidEnding
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.song import composed
from kmidi_lab.inference.published import release_root
from kmidi_lab.midi.sound import wav_bytes
from kmidi_lab.song import Arrangement, Metre, Note, Part, Tempo, midi_bytes

RISES, SINKS, BOTH = "Climb-to-Climax", "Descent", "Rise and Fall"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a gentle ballad, ritardando at the end", "ritardando at the end"),
        ("a song that slows down at the end", "slows down at the end"), ("it should end slower", "end slower"),
        ("a waltz that ends with a ritardando", "ends with a ritardando"),
        ("my heart slows down at the end of the day", ""), ("she plays a ritardando in the film", ""),
        ("a slow song, ritardando, a tempo", ""), ("a song that slows down", ""),
        ("a slow song, no ritardando at the end", ""), ("a song without ritardando", ""), ("ritardando? no", ""),
        ("a song without slowing down at the end", ""), ("start with a ritardando", ""),
        ("a song with a ritardando in the intro", ""), ("a song, ritardando in the middle", ""),
        ("a song with a rallentando before the chorus", ""), ("a song that slows down at the end of every verse", ""),
        ("it should slow down at the end of the first section", ""),
        ("it should slow down at the end of the song", "slow down at the end"),
        ("a calm song, rit. at the end", "rit. at the end"), ("a waltz, rit.", "rit"), ("a hymn, poco rit. in the last bars", "poco rit. in the last bars"),
        ("I walked home through the snow alone and it ends with a ritardando", "ends with a ritardando"),
        ("a critical spirit", ""), ("rit. in the intro, a slow song", ""),
    ],
)  # fmt: skip
def test_an_end_that_slows_down_is_read_where_a_song_is_spoken_of(text: str, said: str) -> None:
    wishes = read_sentence(text)
    assert wishes.ending.slower == said
    assert not (said and wishes.missing)


@pytest.mark.slow
def test_a_song_slows_down_at_its_end_alone(tmp_path: Path) -> None:
    """Two bars of 4/4 from the tempo to .6 of it: eight beats whose tempos fall, ever faster; notes stay where they are."""
    asked, plain = (
        composed(
            SongRequest(text, tempo=100, bars=8, style="ballad", emotion="calm"), Players(release_root(), tmp_path), 1
        )
        for text in ("a quiet song, ritardando at the end", "a quiet song")
    )
    places = [tempo.start for tempo in asked.arrangement.tempos]
    shares = [tempo.tempo / 100 for tempo in asked.arrangement.tempos]
    assert places == [0.0, *range(24, 32)]
    assert shares[:2] == [1.0, 1.0] and shares[-1] == pytest.approx((1 - 7 / 8 * (1 - 0.6**3)) ** (1 / 3), abs=1e-4)
    falls = np.diff(shares[1:])
    assert (falls < 0).all() and (np.diff(falls) < 0).all()
    assert asked.arrangement.parts == plain.arrangement.parts
    written = [m for m in mido.MidiFile(file=io.BytesIO(asked.midi)).tracks[0] if m.type == "set_tempo"]
    assert [round(60e6 / m.tempo / 100, 3) for m in written] == pytest.approx(shares, abs=2e-3)
    assert "ending slower from the text (ritardando at the end)" in asked.remarks


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("a calm song with a fermata on the last chord", "with a fermata on the last chord"),
        ("a hymn, fermata at the end", "fermata at the end"), ("I lost her in the rain, hold the last chord", "hold the last chord"),
        ("a ballad that holds the final note for a long time", "holds the final note for a long time"),
        ("a song with a fermata in the intro", ""), ("a song without a fermata", ""), ("hold the last bus for me", ""),
        ("I hold on to the last chord of hope", ""),
    ],
)  # fmt: skip
def test_a_last_chord_that_is_held_is_read(text: str, held: str) -> None:
    assert read_sentence(text).ending.held == held


@pytest.mark.parametrize(
    ("text", "faded", "arc"),
    [
        ("a folk tune with a fade out", "with a fade out", ""), ("a pop song that fades out at the end", "fades out at the end", ""),
        ("I remember the summer by the sea and how it all ended and the song fades out", "fades out", ""),
        ("We drove all night with the windows down, nobody said a word, and in the end the music slowly fades", "fades", "Descent"),
        ("a song that fades away", "fades away", "Descent"), ("a lullaby, long fade-out", "long fade-out", ""),
        ("when the music fades I am alone", "", ""), ("I want to fade away", "", ""), ("the fade of old photographs", "", ""),
        ("fading memories of you", "", ""), ("a song without a fade out", "", ""), ("the colours fade", "", ""),
        ("the band faded from our minds", "", ""), ("they fade away", "", ""),
        ("I feel lost, it builds up and fades out at the end", "fades out at the end", "Climb-to-Climax"),
        ("the light fades out at the end of the tunnel", "", ""), ("it is dark and fades out at the end of the tunnel", "", ""),
    ],
)  # fmt: skip
def test_a_fade_is_read_in_long_sentences_too(text: str, faded: str, arc: str) -> None:
    wishes = read_sentence(text)
    assert wishes.ending.faded == faded and wishes.arc == arc
    assert not (faded and wishes.missing)


@pytest.mark.parametrize(
    ("text", "arc", "ending"),
    [
        ("a happy rock song that builds up and fades out", RISES, ("", "", "fades out")),
        ("a happy rock song that builds up and fades out, in E, 140 bpm, 24 bars", RISES, ("", "", "fades out")),
        ("a folk song with two violins that builds up and fades out, 32 bars", RISES, ("", "", "fades out")),
        ("a rock song that starts quiet, builds up and fades out at the end", RISES, ("", "", "fades out at the end")),
        ("a waltz that grows louder and fades out at the end", RISES, ("", "", "fades out at the end")),
        ("a song that swells and then fades away", RISES, ("", "", "fades away")),
        ("a song that builds up, then fades out at the end", RISES, ("", "", "fades out at the end")),
        ("a song that builds up and slows down at the end", RISES, ("slows down at the end", "", "")),
        ("it builds up slowly and ends with a fade out, no drums", RISES, ("", "", "ends with a fade out")),
        ("a song that rises and falls and then fades out", BOTH, ("", "", "fades out")),
        ("a song that gets darker and fades out", SINKS, ("", "", "fades out")),
        ("my heart swells and fades away", "", ("", "", "")), ("the tension builds up and fades out", "", ("", "", "")),
        ("when the music swells and fades away I cry", "", ("", "", "")),
        ("a song about how love grows stronger and fades away", "", ("", "", "")),
    ],
)  # fmt: skip
def test_an_ending_that_is_joined_to_an_arc_is_read_with_it(text: str, arc: str, ending: tuple[str, str, str]) -> None:
    wishes = read_sentence(text)
    assert (wishes.arc, tuple(wishes.ending), wishes.missing) == (arc, ending, ())


def test_a_fermata_holds_the_last_bar_twice_as_long() -> None:
    song = closed(eight_bars(), SaidEnding(held="fermata"))
    assert song.tempos == (Tempo(0.0, 100.0), Tempo(28.0, 50.0))
    both = closed(eight_bars(), SaidEnding("rit.", "fermata"))
    slow = closed(eight_bars(), SaidEnding("rit."))
    assert both.tempos[:5] == slow.tempos[:5] and both.tempos[5:] == (Tempo(28.0, round(slow.tempos[5].tempo / 2, 2)),)


def test_a_fade_takes_all_parts_down_over_the_last_bars() -> None:
    """Of 8 bars a third, two: from full at bar 7 to almost nothing, in halves of a beat; the notes stay as they are."""
    song = closed(eight_bars(), SaidEnding(faded="fades out"))
    assert [p.notes for p in song.parts] == [p.notes for p in eight_bars().parts]
    for track in mido.MidiFile(file=io.BytesIO(midi_bytes(song))).tracks[1:]:
        at, levels = 0, []
        for message in track:
            at += message.time
            if message.type == "control_change" and message.control == 11:
                levels.append((at / 480, message.value))
        assert levels[0] == (24.0, 127) and levels[-1] == (31.5, 127 // 16 + 1) and len(levels) == 16
        assert [v for _, v in levels] == sorted((v for _, v in levels), reverse=True)


def eight_bars() -> Arrangement:
    notes = tuple(Note(float(at), 1.0, 60, 80) for at in range(32))
    parts = (Part("Lead", "lead", 0, 0, notes), Part("Drums", "drums", 0, 9, notes))
    return Arrangement("", Key(0, 1), (Metre(),) * 8, (Tempo(0.0, 100.0),), parts=parts)


@pytest.mark.slow
def test_a_faded_song_is_heard_to_fade(tmp_path: Path) -> None:
    asked = SongRequest("a pop song that fades out at the end", tempo=120, bars=16, emotion="joyful")
    song = composed(asked, Players(release_root(), tmp_path), 1)
    assert "ending faded from the text (fades out at the end)" in song.remarks and not song.brief.arc_asked
    sound, rate = soundfile.read(io.BytesIO(wav_bytes(song.midi)))
    loud = [float(np.abs(sound[int(s * rate) : int((s + 2) * rate)]).mean()) for s in (20, 24, 28)]
    assert loud[1] < 0.8 * loud[0] and loud[2] < 0.5 * loud[1]
