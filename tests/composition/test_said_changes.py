"""What a sentence wants of one place of a song is read: a loudness there, and who enters, leaves or is alone."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.said_places import Place, place_of
from kmidi_lab.composition.sentence import read_sentence

CHORUS, VERSE, BRIDGE, INTRO = Place("chorus"), Place("verse"), Place("bridge"), Place("intro")


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("quiet verses and loud choruses", [("soft", VERSE), ("loud", CHORUS)]), ("a song with a quiet bridge", [("soft", BRIDGE)]),
        ("the chorus should be loud", [("loud", CHORUS)]), ("a song with a huge last chorus", [("loud", Place("chorus", -1))]),
        ("a sad song that calms down in the middle", [("soft", Place("middle"))]),
        ("a rock song that explodes in the chorus", [("loud", CHORUS)]), ("it goes quiet before the last chorus", [("soft", Place("chorus", -1, -1))]),
        ("a song that builds up in the bridge", [("growing", BRIDGE)]), ("a pop song with a stripped back second verse", [("soft", Place("verse", 2))]),
        ("it is loud, then quiet, then loud again", [("loud", None), ("soft", None), ("loud", None)]),
        ("a song about rain that explodes in the chorus", [("loud", CHORUS)]), ("the last chorus should be softer than the others", [("soft", Place("chorus", -1))]),
        ("chorus twice as loud as the verse", [("loud", CHORUS)]), ("a pop song with a pre-chorus that builds", [("growing", Place("pre-chorus"))]),
        ("verse 1 quiet, chorus loudest", [("soft", Place("verse", 1)), ("loud", CHORUS)]),
        ("a song whose verses are quiet and the choruses are loud", [("soft", VERSE), ("loud", CHORUS)]),
    ],
)  # fmt: skip
def test_the_loudness_of_a_place_is_read(text: str, levels: list[tuple[str, Place | None]]) -> None:
    wishes = read_sentence(text)
    assert [(c.value, c.place) for c in wishes.changes] == levels
    assert (wishes.missing, wishes.arc) == ((), "")


@pytest.mark.parametrize(
    ("text", "what", "who", "place"),
    [
        ("a pop song where the drums come in late", "enter", "drums", Place("late")),
        ("a pop song, drums enter in the chorus", "enter", "drums", CHORUS),
        ("a song for piano, strings enter in the second verse", "enter", "strings", Place("verse", 2)),
        ("let the song end with only piano", "alone", "piano", Place("end")),
        ("a song that starts with piano alone", "alone", "piano", Place("start")),
        ("a rock song, only piano in the intro", "alone", "piano", INTRO),
        ("in the intro only strings, a cinematic song", "alone", "strings", INTRO),
        ("a song where the bass drops out in the bridge", "leave", "bass", BRIDGE),
        ("a pop song, drop the bass in the second verse", "leave", "bass", Place("verse", 2)),
        ("a rock song without drums in the intro", "leave", "drums", INTRO),
        ("techno, drums drop out before the last chorus", "leave", "drums", Place("chorus", -1, -1)),
        ("everything drops out, a techno song", "leave", "everything", Place("end")),
        ("a pop song with drums and bass only in the chorus", "within", "drums, bass", CHORUS),
        ("a rock song with strings in the chorus only", "within", "strings", CHORUS),
        ("a pop song, the drums only kick in at the first chorus", "enter", "drums", Place("chorus", 1)),
        ("a ballad where the guitar only comes in at the second verse", "enter", "guitar", Place("verse", 2)),
        ("a rock song with no drums until the chorus", "enter", "drums", CHORUS),
        ("a pop song, the drums don't come in until the second verse", "enter", "drums", Place("verse", 2)),
        ("a lofi beat, layer by layer", "one by one", "", None), ("a folk song, the guitar enters the song late", "enter", "guitar", None),
    ],
)  # fmt: skip
def test_who_plays_where_is_read(text: str, what: str, who: str, place: Place | None) -> None:
    wishes = read_sentence(text)
    [change] = wishes.changes
    assert (change.what, change.value) == (what, who)
    assert change.place == place or (what == "enter" and change.place in (None, Place("late")))
    assert not wishes.missing and not wishes.without, "a part that rests somewhere plays elsewhere"


def test_an_instrument_that_enters_is_one_of_the_song_and_one_that_is_alone_is_not_the_only_one() -> None:
    assert read_sentence("a rock song, only piano in the intro").programs == {"chords": 0}
    assert read_sentence("it starts with just piano and then the band joins in").without == ()


@pytest.mark.parametrize(
    "text",
    [
        "she walks in without a word in the intro of the film", "no bass in the river", "without drums of war in the middle of the night",
        "the band joined the army", "my heart explodes", "a quiet bridge over the river", "only you in the end",
    ],
)  # fmt: skip
def test_what_is_no_song_changes_nothing(text: str) -> None:
    assert read_sentence(text).changes == ()


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("before the very last chorus", Place("chorus", -1, -1)), ("in the middle eight", BRIDGE), ("in der zweiten strophe", Place("verse", 2)),
        ("after the solo", Place("solo", 0, 1)), ("the drums drop in", None), ("in the second half", Place("second half")),
    ],
)  # fmt: skip
def test_a_place_is_read(words: str, place: Place | None) -> None:
    assert place_of(words) == place
