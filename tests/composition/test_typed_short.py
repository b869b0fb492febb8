"""What people type short or in slang, and moods that they do not want."""

from __future__ import annotations

from typing import Any

import pytest

from kmidi_lab.composition.felt import wanted_mood
from kmidi_lab.composition.mood_of_text import felt_in
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.sentence import read_sentence

SHORT: dict[str, dict[str, Any]] = {
    "sad trap beat w/ piano": {"programs": {"chords": 0}},
    "need smth angry w distorted guitar": {"programs": {"chords": 30}},
    "lo-fi to study, no drums pls!!!": {"style": "lofi", "without": ("drums",)},
    "a waltz w/out strings": {"no_family": (6,)},
    "a ballad with rhodes & flute": {"style": "ballad", "programs": {"chords": 4, "lead": 73}},
    "a song with flute n piano": {"programs": {"lead": 73, "chords": 0}},
    "a song, accordion + clarinet": {"programs": {"chords": 21, "lead": 71}},
    "a country-ish tune": {"style": "folk"},
    "medium swing 132": {"style": "jazz", "tempo": (132, 132)},
    "celo and flte duet": {"programs": {"lead": 73, "bass": 42}},
    "no melody no bass no drums just pads": {"without": ("lead", "chords", "bass", "drums")},
    "a 30 sec intro for my podcast, marimba": {"seconds": 30, "programs": {"lead": 12}},
    '{"genre": "rock", "bpm": 140}': {"style": "rock", "tempo": (140, 140)},
    "exactly 40 bars": {"bars": 40},
    "1 minute 20 seconds": {"seconds": 80},
    "un morceau pour piano, 2 minutes 30": {"seconds": 150},
    "sad but not too slow": {"tempo": (96, 112)},
    "a song, not too slow, not too fast": {"tempo": (96, 112), "missing": ()},
    "traurig, aber nicht zu langsam": {"tempo": (96, 112)},
    "a melody oriental with flute": {"programs": {"lead": 73}, "missing": ()},
    "only piano and strings": {"programs": {"chords": 0, "lead": 48}},
    "a jazz song with vibes": {"style": "jazz", "programs": {"lead": 11}},
}
UNASKED = [
    "good vibes only",
    "beach vibes",
    "rock n roll is dead",
    "my cell is empty",
    "he scored A + B",
    "blink 182 forever",
]


@pytest.mark.parametrize("text", SHORT)
def test_what_is_typed_short_is_read(text: str) -> None:
    wishes = read_sentence(text)
    assert {name: getattr(wishes, name) for name in SHORT[text]} == SHORT[text]


@pytest.mark.parametrize("text", UNASKED)
def test_what_only_looks_like_it_asks_for_nothing(text: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.programs, wishes.style, wishes.tempo, wishes.without) == ({}, "", None, ())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a song with drums & bass, drum & bass style", "no drum & bass: "), ("Drake type beat, sad", "no style of its own (drake type beat)"),
        ("Spotify-style lo-fi", "no style of its own (spotify-style)"), ("something Coldplay would play", "no style of its own (something coldplay"),
        ("techno, 4 on the floor", "no rhythm of its own (4 on the floor)"), ("a four-part chorale in the style of Bach", "no style of its own (in the style"),
        ("like the beginning of Bohemian Rhapsody", "no style of its own (like the beginning of bohemian rhapsody)"), ("count-in, then a rock song", "no count-in (count-in)"),
        ("a rock song with a count-in", "no count-in (a count-in)"), ("indie folk, capo 3", "no tuning of its own (capo 3)"), ("metal, drop D", "no tuning of its own (drop d)"),
        ("the same song but slower", "no song before this one (the same song)"), ("a piece with a modulation to the dominant", "no change of key (modulation)"),
        ("a score, an alarm goes off at 0:40", "nothing is done there (goes off at 0:40)"), ("ends with a big major chord", "no such harmony"), ("the last chorus should have lyrics", "nothing is done there"),
        ("ends on an unresolved chord", "no open end"), ("a song with the melody in the left hand", "no such place"), ("game music, no drums, loop", "no loop (loop)"),
    ],
)  # fmt: skip
def test_whose_style_and_what_beat_is_told(text: str, line: str) -> None:
    assert [told for told in read_sentence(text).missing if told.startswith(line)], read_sentence(text).missing


@pytest.mark.parametrize(
    "text",
    ["a Jazz-style song", "He writes in the style of Hemingway", "things that count in life", "I drop the D card"],
)
def test_a_style_of_this_lab_is_nobodys(text: str) -> None:
    assert not read_sentence(text).missing


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ｓａｄ　ｓｏｎｇ", "sad song"), ("𝓼𝓪𝓭 𝓼𝓸𝓷𝓰", "sad song"), ("s̷a̷d̷ so\u200bng", "sad song"), ("１２０ bpm", "120 bpm"), ("cafe\u0301 à Köln", "café à Köln"), ("¼ ♯ 😭", "¼ ♯ 😭"), ("夜の雨", "夜の雨"),
    ],
)  # fmt: skip
def test_letters_of_other_fonts_are_plain_ones(text: str, plain: str) -> None:
    assert SongRequest(text).said == plain


@pytest.mark.parametrize(("text", "sad"), [("😭😭", True), (":(", True), ("...", False)])
def test_a_text_of_signs_alone_is_felt(text: str, sad: bool) -> None:
    assert SongRequest(text).unread == (text if sad else "a song")


def test_the_end_of_a_line_ends_a_clause() -> None:
    assert SongRequest("Genre: lo-fi\nMood: sad\n\nBPM: 70").said == "Genre: lo-fi, Mood: sad, BPM: 70"
    assert SongRequest("it rains.\nI wait").said == "it rains. I wait"


def test_pictures_of_players_are_players() -> None:
    assert read_sentence("a sad song 🎸🎻").programs == {"chords": 25, "lead": 40}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("I don't want anything sad. Not another sad piano song. Give me joy!", "Give me joy"), ("nothing sad, something cheerful", "something cheerful"),
        ("I don't want to be sad", "I don't want to be sad"), ("no sad songs", "hopeful"), ("anything but sad", "hopeful"), ("happy but not childish", "happy"), ("nothing too cheerful, more like a grey morning", "more like a grey morning"), ("not another happy song please", "melancholy please"), ("don't make it too happy", "a song"),
        ("music that is not too sad and not too happy", "music that is"), ("I don't want drums and bass", "a song"), ("no piano, I hate piano", "a song"), ("I want a sad song", "I want a sad song"),
    ],
)  # fmt: skip
def test_a_mood_that_is_not_wanted_is_not_read_where_another_is(text: str, read: str) -> None:
    assert SongRequest(text).unread == read


@pytest.mark.parametrize(
    ("text", "valence"),
    [
        ("an angry song about my best friend's wedding lol", -0.6), ("something sad for my happy dog", -0.6), ("make it happy", 0.8),
        ("a song for my grandmother who died, but cheerful", 0.75), ("sad but hopeful", None), ("a sad song about home, but hopeful", -0.6), ("I was happy", None), ("a sad man sings", None),
    ],
)  # fmt: skip
def test_a_mood_that_is_asked_for_is_the_songs(text: str, valence: float | None) -> None:
    wanted = wanted_mood(text)
    assert (wanted and wanted[0]) == valence


def test_what_a_song_is_about_does_not_turn_the_mood_that_is_asked_for() -> None:
    """The label of the whole text is happy, for the wedding."""
    assert felt_in(0.3, 0.2, "happy", "an angry song about a wedding").valence == -0.6
    assert felt_in(0.3, 0.2, "happy", "an angry wedding").valence > 0
