"""Each section plays the row of chords that a person gives it, and what is not played is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmidi_lab.composition.chord_rows import Rows
from kmidi_lab.composition.own_chords import row_of
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_chords import take_chords
from kmidi_lab.errors import ConfigError
from kmidi_lab.song import SongIntent, answer, write_intent


@pytest.mark.parametrize(
    "text",
    [
        "verse: Am F C G; chorus: F G C",
        "verse: Am F C G, chorus: F G C",
        "Verse: | Am | F | C | G |\nChorus: | F | G | C |",
        "verse: Am F C G chorus: F G C",
        "Strophe: Am F C G; Refrain: F G C",
        "verses: Am - F - C - G; choruses: F G C",
    ],
)
def test_rows_are_named_by_their_sections(text: str) -> None:
    own = Rows(text, None).by_kind(4)
    assert own.named == {"verse": ("Am", "F", "C", "G"), "chorus": ("F", "G", "C")} and own.usual == ()


def test_rows_may_have_bars_of_two_and_one_for_all_others() -> None:
    rows = Rows("C | Am F | G; bridge, solo: Dm G | C; intro: F", "C")
    own = rows.by_kind(3)
    assert own.usual == ("C", "Am / F", "G")
    assert own.named == {"bridge": ("Dm / G", "C"), "solo": ("Dm / G", "C"), "intro": ("F",)}
    kinds = {"verse": own.usual, "chorus": own.usual, "outro": own.usual, "pre-chorus": (), "intro": ("F",)}
    assert {kind: row_of(own, kind) for kind in kinds} == kinds


def test_numerals_and_the_key_are_read_of_all_rows() -> None:
    own = Rows("verse: i VI III VII; chorus: iv v i", "A").by_kind(4)
    assert own.named == {"verse": ("Am", "F", "C", "G"), "chorus": ("Dm", "Em", "Am")}
    assert str(Rows("verse: Am F; chorus: C G Am F C G", None).chart.spelling) in ("A minor", "C major")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("verse: Am Xyz; chorus: C", "compose.chords, verse, bar 2"),
        ("verse: Am; chorus: C | % | Xyz", "compose.chords, chorus, bar 3"),
        ("verse: ; chorus: F G C", "verse has no chords"),
        ("N.C. N.C.", "no chord that sounds"),
        ("verse: Am F; verse: F G", "two rows of the verse"),
        ("chorus: Am F; refrain: F G", "two rows of the chorus"),
    ],
)
def test_a_row_that_can_not_be_read_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"compose\.chords") as refused:
        Rows(text, None)
    assert said in str(refused.value) and "\n" not in str(refused.value)


SECTIONS = "intro 4, verse 4, chorus 3, bridge 4, chorus 3"


def chords(song) -> dict[str, list[str]]:
    return {section["name"]: section["chords"] for section in song.trace["form"]["sections"]}


@pytest.mark.parametrize(
    "asked",
    [
        {"chords": "verse: Am F C G; chorus: F G Am"},
        {"text": "a calm song, verse Am F C G, chorus F G Am"},
        {"intent": "It is over: Am F C G in the verse, F G Am in the chorus"},
    ],
)
def test_each_section_plays_its_row(make, asked: dict, tmp_path: Path) -> None:
    if "intent" in asked:
        write_intent(tmp_path / "song.yaml", answer(SongIntent(), "core_event", asked["intent"]))
        asked = {"intent": str(tmp_path / "song.yaml")}
    played = chords(make(models=False, key="Am", emotion="calm", sections=SECTIONS, **asked))
    assert played["verse"] == played["intro"] == ["Am", "F", "C", "G"] and played["chorus"] == ["F", "G", "Am"]
    assert played["bridge"] != played["verse"]


def test_chords_of_the_chorus_alone_are_not_played_in_the_verse(make) -> None:
    song = make(models=False, chords="chorus: F G Am", key="Am", sections=SECTIONS)
    played = chords(song)
    assert played["chorus"] == ["F", "G", "Am"] and played["verse"][:3] != ["F", "G", "Am"]
    assert "your chords are those of the chorus, so others are drawn for the verse" in song.remarks


def test_chords_of_a_section_that_a_song_has_not_are_told(make) -> None:
    song = make(models=False, chords="verse: Am F; solo: Dm G", sections="verse 4, chorus 4")
    assert "your chords of the solo are not played: the song has none; name it in compose.sections" in song.remarks


@pytest.mark.slow
def test_a_song_has_the_sections_that_chords_are_given_for(make) -> None:
    song = make(chords="verse: Am F C G; chorus: F G C; bridge: Dm Em F G", bars=48)
    assert {"verse", "chorus", "bridge"} <= {s.name for s in song.arrangement.sections}
    assert chords(song)["bridge"][:4] == ["Dm", "Em", "F", "G"]


def test_numerals_beside_names_are_another_row() -> None:
    said = "a jazz ballad with ii V I, verse Dm7 G7 Cmaj7 A7, chorus Fmaj7 Fm6 Cmaj7 A7"
    chords, _ = take_chords(said)
    assert chords.chords == "verse: Dm7 G7 Cmaj7 A7; chorus: Fmaj7 Fm6 Cmaj7 A7" and chords.others == ("ii V I",)
    assert SongRequest(said).rows
