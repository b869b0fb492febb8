"""Songs in three four and in six eight: who asks for them, and what is played."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from kmidi_lab.composition.metres import METRES, asked_in
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import Song, composed
from kmidi_lab.errors import ConfigError


def made(tmp_path: Path, **asked: object) -> Song:
    """By the fallbacks: quick."""
    return composed(SongRequest(**asked), Players(None, tmp_path), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "metre"),
    [
        ("a slow Waltz for my daughter", "3/4"), ("something in 6/8, like rowing", "6/8"),
        ("it should be in triple time", "3/4"), ("a fast jig", "6/8"), ("two waltzes, one sad", "3/4"),
        ("a tarantella", "6/8"), ("make it three-four", "3/4"), ("a minuet in G", "3/4"),
        ("3/4 of my life is gone", ""), ("the waltz we danced to", ""), ("we waltz alone", ""), ("I feel lost", ""),
        ("I waltz into the room", ""), ("the jig is up", ""), ("on 3/4/2024 she left", ""), ("a song in 5/4", "no"),
    ],
)  # fmt: skip
def test_words_that_ask_for_a_metre(text: str, metre: str) -> None:
    words, found = asked_in([None, "", text])
    if metre in METRES:
        assert found is METRES[metre]
    else:
        assert found is None and bool(words) == (metre == "no")


@pytest.mark.parametrize("name", ["3/4", "6/8"])
def test_a_song_is_written_in_its_metre(name: str, tmp_path: Path) -> None:
    song = made(tmp_path, emotion="happy", metre=name, bars=16, style="pop", tempo=120)
    bar = 3.0
    written = song.arrangement
    assert {f"{m.numerator}/{m.denominator}" for m in written.metres} == {name} and len(written.metres) == 16
    assert written.length == 16 * bar and written.seconds(written.length) == 24
    assert [c.start for c in written.chords] == [bar * n for n in range(16)]
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


def test_who_plays_the_drums_of_a_waltz(tmp_path: Path) -> None:
    """The groove model knows bars of sixteen sixteenths alone."""
    waltz, usual = (made(tmp_path, emotion="happy", metre=m, bars=8) for m in ("3/4", "4/4"))
    asked = {song.brief.metre.name: [m["model"] for m in song.trace["models"]] for song in (waltz, usual)}
    assert "groove" not in asked["3/4"] and "groove" in asked["4/4"]
    assert next(m for m in waltz.trace["models"] if m["model"] == "microtiming")["calls"] == 2


def test_eighths_swing_in_three_four_and_not_where_three_are_a_beat(tmp_path: Path) -> None:
    for name, late in (("3/4", 0.16), ("6/8", 0.0)):
        song = made(tmp_path, emotion="happy", metre=name, bars=8, style="jazz").arrangement
        off = {round(n.start % 1, 2) for n in song.part("drums").notes if 0.4 < n.start % 1 < 0.7}
        assert off == {0.5 + late}, name


def test_a_length_in_time_counts_bars_of_the_metre() -> None:
    text = "happy, one minute long"
    bars = {name: SongRequest(text, metre=name, tempo=96).brief(None, 1).bars for name in METRES}
    assert bars == {"4/4": 24, "3/4": 32, "6/8": 32}, "96 quarters"


def test_what_is_typed_comes_before_the_words(tmp_path: Path) -> None:
    song = made(tmp_path, text="a sad waltz", metre="4/4", bars=8)
    assert "metre 3/4 from the text (waltz) is not used: compose.metre=4/4 was typed" in song.remarks
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
