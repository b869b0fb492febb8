"""A genre that no style plays, an orchestra, and names of genres that mean nothing else choose the style."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.bands import bands
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.vocabulary import kinds, vocabulary


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("a bossa nova with flute", "jazz"), ("an ambient song in D", "cinematic"), ("una canción de salsa", "jazz"),
        ("a reggae rock song", "rock"), ("an ambient lullaby", "ballad"), ("a bluegrass reggae song", "folk"),
        ("a tango about my ex", ""), ("life is a symphony", ""),
    ],
)  # fmt: skip
def test_a_genre_that_no_style_plays_has_the_nearest_where_no_other_is_asked_for(text: str, style: str) -> None:
    assert read_sentence(text).style == style


def test_what_a_nearest_style_plays_is_a_genre_or_an_instrument() -> None:
    nearest = vocabulary()["nearest"]
    assert set(nearest) <= set(bands())
    played = [text for texts in nearest.values() for text in texts]
    assert len(played) == len(set(played))
    assert {kinds()[text][0] for text in played} == {"other_genre", "instrument"}


@pytest.mark.parametrize(
    ("text", "style", "programs"),
    [
        ("Orchestra in C minor, 3 minutes", "cinematic", {"pad": 48}),
        ("music for piano and orchestra", "cinematic", {"chords": 0, "pad": 48}),
        ("a rock song with a symphony orchestra", "rock", {"pad": 48}),
        ("my sister plays in an orchestra", "", {}),
    ],
)
def test_an_orchestra_is_strings_and_without_a_style_the_cinematic_one(
    text: str, style: str, programs: dict[str, int]
) -> None:
    wishes = read_sentence(text)
    assert (wishes.style, wishes.programs, wishes.missing) == (style, programs, ())


def test_progressive_rock_is_music_whatever_stands_beside_it() -> None:
    wishes = read_sentence("5/4 progressive rock with odd accents and organ solo")
    assert wishes.style == "rock" and wishes.metres == (("5/4", "5/4"),)
    assert read_sentence("progressive rock bands annoy me").style == ""


@pytest.mark.parametrize("text", ["a rock song, no keyboard", "no keys, a pop song", "dance music without keyboards"])
def test_without_keyboards_no_organ_plays_either(text: str) -> None:
    assert read_sentence(text).no_family == (0, 2)
    assert read_sentence("a pop song without organ").no_family == (2,)
