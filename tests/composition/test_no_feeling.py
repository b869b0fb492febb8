"""A sentence that names no feeling gets a plain song by the seed, and says so; one that does keeps its mood."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.brief import Mood, chosen, closest_mood
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.mood_of_text import felt_in
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.telling import told_of

LINE = "the text names no feeling, so the seed chooses key and style; set a mood by compose.emotion"
PLAIN = [
    "Write me a song about a train", "a tune for my shop", "make a song", "a song for a bakery in town", "a song about the number seven",
]  # fmt: skip


def test_nothing_is_neutral_and_a_feeling_is_not() -> None:
    assert closest_mood(Mood(0.0, 0.0)) == "Neutral"
    assert closest_mood(Mood(0.01, 0.0)) != "Neutral"


def test_faint_readings_of_a_neutral_text_are_no_feeling() -> None:
    assert felt_in(0.13, -0.1, "neutral", "a ballad about a river").plain
    for valence, arousal, label, text in (
        (0.13, -0.1, "happy", "a ballad about a river"),  # a label says one
        (0.13, -0.1, "neutral", "a calm evening by the river"),  # a word of the lexicon does
        (-0.55, 0.22, "neutral", "I can't stop"),  # far from the middle
    ):
        assert not felt_in(valence, arousal, label, text).plain


def test_plain_songs_differ_by_seed_and_by_title() -> None:
    plain = Mood(0.0, 0.0)
    by_seed = [chosen("a tune", plain, 8, seed) for seed in range(1, 22)]
    assert {b.band.name for b in by_seed} == {"pop", "folk", "lofi"}
    glad = sum(b.key.mode > 0 for b in by_seed)
    assert 9 <= glad <= 19, "about two in three are in major"
    assert len({b.key for b in by_seed[:7]}) == 7
    by_title = {chosen(title, plain, 8, 1).key for title in PLAIN}
    assert len(by_title) >= 3
    assert chosen("a tune", plain, 8, 3) == by_seed[2]


def test_two_texts_without_a_feeling_make_two_songs_and_one_makes_one(sketch) -> None:
    """All else is typed, so that nothing but the words differs; the two long ones have one title."""
    typed = {"key": "C", "style": "pop", "tempo": 100, "sections": "verse 4, chorus 4", "models": False, "seed": 3}
    long = "a song about a table that stands in the middle of the kitchen of the"
    texts = [*PLAIN, f"{long} house", f"{long} inn"]
    songs = [sketch(text=text, **typed) for text in texts]
    assert songs[-1].brief.title == songs[-2].brief.title
    assert len({song.arrangement.part("lead").notes for song in songs}) == len(texts)
    assert sketch(text=f"{PLAIN[0]} ", **typed).midi == songs[0].midi
    sad = [sketch(text=text, emotion="sad", **typed).arrangement.part("lead").notes for text in texts[:2]]
    assert sad[0] == sad[1], "where a feeling is typed, the words are a title"


@pytest.mark.slow
@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_sentence_is_said_to_be_one(sketch, text: str) -> None:
    song = sketch(text=text, bars=8)
    assert LINE in song.remarks
    assert song.trace["mood"]["nearest"] == "Neutral"
    assert song.brief.band.name in ("pop", "folk", "lofi") and song.brief.arc == ""


@pytest.mark.parametrize(
    ("text", "chosen"),
    [("jingle for a bakery", "the key"), ("a waltz", "key and style"), ("a polka for Zdenka", "the key")],
)
def test_words_that_no_model_knows_make_a_clear_request_no_nonsense(sketch, text: str, chosen: str) -> None:
    song = sketch(text=text, bars=4)
    line = LINE.replace("no feeling", "no feeling that is known").replace("key and style", chosen)
    assert line in song.remarks
    assert not [line for line in song.remarks if "not sure" in line]


@pytest.mark.parametrize(
    ("text", "typed", "so"),
    [
        ("AABA jazz tune in Bb", {}, ""), ("rock song", {}, ", so the seed chooses the key"), ("a tune in D minor", {}, ", so the seed chooses the style"),
        ("a tune", {"key": "C", "style": "pop"}, ""), ("a tune", {"chords": "Am F C G"}, ", so the seed chooses the style"),
        ("a tune in major", {}, ", so the seed chooses key and style"),
    ],
)  # fmt: skip
def test_the_seed_is_said_to_choose_what_it_chooses(sketch, text: str, typed: dict[str, str], so: str) -> None:
    told = [line for line in sketch(text=text, **typed).remarks if line.startswith("the text names no feeling")]
    assert [line.replace(" that is known", "") for line in told] == [
        f"the text names no feeling{so}; set a mood by compose.emotion"
    ]


def test_what_asks_for_nothing_and_is_no_language_stays_unsure(sketch) -> None:
    song = sketch(text="the florb of a wug is not in zib", bars=4)
    assert [line for line in song.remarks if line.startswith("the text's mood is not sure (only 0% of its words")]


def test_a_jingle_is_short_glad_and_quick() -> None:
    request = SongRequest("a jingle for a bakery")
    brief = brief_of(request, Mood(0.0, 0.0), 1)
    assert (brief.bars, brief.key.mode, brief.band.name) == (8, 1, "pop") and 112 <= brief.tempo <= 132
    assert brief_of(SongRequest("a jingle in A minor, 16 bars"), Mood(0.0, 0.0), 1).bars == 16
    assert SongRequest("jingle bells in the snow").wishes.words == {}


def test_that_a_lullaby_has_no_drums_is_no_news() -> None:
    request = SongRequest("a lullaby for my daughter")
    assert request.wishes.without == ("drums",)
    assert not [line for line in told_of(request, brief_of(request, None, 1)) if "without" in line]
    asked = SongRequest("a lullaby without drums")
    assert "without drums from the text" in told_of(asked, brief_of(asked, None, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "mode", "mood"),
    [
        ("I am so happy today", 1, "Joy"),
        ("My dog died and I miss him", -1, "Grief"),
        ("I'm feeling lost and searching", -1, "Longing"),
        ("he betrayed me and I want revenge", -1, "Desperation"),
        ("a calm evening by the lake", 1, "Nostalgia"),
    ],
)
def test_a_feeling_keeps_its_mood(sketch, text: str, mode: int, mood: str) -> None:
    song = sketch(text=text, bars=8)
    assert LINE not in song.remarks
    assert song.brief.key.mode == mode and song.trace["mood"]["nearest"] == mood
