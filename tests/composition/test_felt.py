"""A song keeps one mood, the first that a text names for it, and the words that say how it goes on are no mood."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.request import SongRequest
from kmidi_lab.song.vocabularies import mood_affect

HAPPY, SAD, HOPEFUL, CALM = (mood_affect(mood) for mood in ("happy", "sad", "hopeful", "calm"))


@pytest.mark.parametrize(
    ("text", "said", "mood"),
    [
        ("a happy song with a sad bridge", "sad bridge", HAPPY), ("a happy song that turns sad", "turns sad", HAPPY),
        ("16 bars, sad, then 16 bars happy", "sad, then 16 bars happy", SAD), ("a happy song with a calm ending", "a calm ending", HAPPY),
        ("a hopeful song with a dark middle section", "dark middle section", HOPEFUL), ("a sad song that ends happy", "ends happy", SAD),
        ("a song that starts sad and ends happy", "starts sad and ends happy", SAD), ("a happy song where the bridge is sad", "bridge is sad", HAPPY),
        ("a happy song, but then it gets sad", "then it gets sad", HAPPY), ("from happy to sad", "from happy to sad", HAPPY),
        ("a hopeful song with a dark middle part and a calm ending", "dark middle part and a calm ending", HOPEFUL),
        ("sad verses and happy choruses", "sad verses and happy choruses", SAD), ("calm, then sad, then happy", "calm, then sad, then happy", CALM),
    ],
)  # fmt: skip
def test_a_mood_that_changes_is_read_and_the_first_is_the_songs(
    text: str, said: str, mood: tuple[float, float]
) -> None:
    request = SongRequest(text)
    turned = {(c.what, c.words) for c in request.wishes.changes if c.share != (0, 2) or c.words == said}
    assert turned == {("mood", said)} and not request.wishes.missing
    assert mood_affect(request.unread) == mood


@pytest.mark.parametrize(
    "text",
    [
        "a sad song with a sad ending", "a sad song about a happy ending", "a sad song with an open ending",
        "I was happy, but then it gets sad", "she turns sad when the happy music ends", "I was happy, then I turned sad", "a happy song about a sad bridge",
    ],
)  # fmt: skip
def test_one_mood_or_another_things_is_no_change(text: str) -> None:
    request = SongRequest(text)
    assert not request.wishes.changes and not [line for line in request.wishes.missing if "change of mood" in line]
    assert request.unread == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a slow waltz that dies away", "a slow waltz that"), ("a happy song that gets louder", "a happy song that"),
        ("a jig that speeds up", "a jig that"), ("una canción triste que se apaga", "una canción triste que"),
        ("ein Lied, das ruhiger wird", "ein Lied, das"), ("faster and faster", "faster and faster"),
        ("a rock song with a soft beginning and a loud ending", "a rock song with a"),
    ],
)  # fmt: skip
def test_the_words_of_a_course_are_no_mood(text: str, read: str) -> None:
    assert SongRequest(text).unread == read


def test_a_waltz_that_dies_away_is_no_dissociation(make) -> None:
    assert make(text="a slow waltz that dies away", bars=8).trace["mood"]["nearest"] == "Neutral"


def test_a_happy_song_with_a_sad_bridge_stays_happy(make) -> None:
    assert make(text="a happy song with a sad bridge", bars=8).brief.key.mode == 1
