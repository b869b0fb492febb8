"""What a sentence asks for in plain musical terms is taken up, and words that only sound like it are left alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.playable import playable, within
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.song import Song, composed
from kmidi_lab.composition.telling import told_of
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.errors import ConfigError
from kmidi_lab.song import Note

SLOW, FAST = (66, 84), (126, 150)
ASKED: dict[str, dict[str, Any]] = {
    "slow sad waltz in D minor at 70 bpm without drums, jazz": {
        "tempo": (70, 70), "key": ("D", "minor"), "style": "jazz", "without": ("drums",)},
    "a slow sad jazz song": {"tempo": SLOW, "style": "jazz"},
    "I miss her. Slow jazz, please, no drums": {"tempo": SLOW, "style": "jazz", "without": ("drums",)},
    "Write a rock song at 140 bpm in E minor with electric guitar and bass": {
        "tempo": (140, 140), "key": ("E", "minor"), "style": "rock", "programs": {"chords": 27}},
    "sad piano ballad in A minor, 16 bars": {
        "key": ("A", "minor"), "style": "ballad", "bars": 16, "programs": {"chords": 0}},
    "solo piano, slow, F# minor": {
        "tempo": SLOW, "key": ("F#", "minor"), "programs": {"lead": 0, "chords": 0, "bass": 0}, "without": ("pad", "drums")},
    "slow, sad, D minor": {"tempo": SLOW, "key": ("D", "minor")},
    "jazz": {"style": "jazz"},
    "something slow in Bb major with a flute melody and piano": {
        "tempo": SLOW, "key": ("Bb", "major"), "programs": {"lead": 73, "chords": 0}},
    "make it fast and techno": {"tempo": FAST, "style": "dance"},
    "a lofi beat with rhodes and no bass": {"style": "lofi", "programs": {"chords": 4}, "without": ("bass",)},
    "my heart is broken; 70 bpm, no drums, in C minor": {
        "tempo": (70, 70), "key": ("C", "minor"), "without": ("drums",)},
    "only piano and bass, 90 bpm": {
        "tempo": (90, 90), "programs": {"chords": 0}, "without": ("lead", "pad", "drums")},
    "a string quartet in G minor": {
        "key": ("G", "minor"), "programs": {"lead": 40, "chords": 48, "pad": 48, "bass": 42}, "without": ("drums",)},
    "a two minute song in F": {"key": ("F", ""), "seconds": 120},
    "I want a fast dance track, 128 BPM, without melody": {
        "tempo": (128, 128), "style": "dance", "without": ("lead",)},
    "tempo: 96, key: G": {"tempo": (96, 96), "key": ("G", "")},
    "song in the key of E flat major": {"key": ("Eb", "major")},
    "a song about my dog without drums": {"without": ("drums",)},
    "Compose a country tune for my sister with banjo and fiddle": {
        "style": "folk", "programs": {"chords": 105, "lead": 110}},
    "in a minor, please, slow": {"tempo": SLOW, "key": ("A", "minor")},
    "a slow ballad in a minor key": {"tempo": SLOW, "style": "ballad", "key": ("", "minor")},
    "leave out the drums; a calm song in D": {"key": ("D", ""), "without": ("drums",)},
    "give me some slow blues": {"tempo": SLOW, "style": "jazz", "blues": 12},
    "I'd like a rock ballad in C sharp minor at seventy bpm": {
        "tempo": (70, 70), "key": ("C#", "minor"), "style": "rock"},
    "don't use drums or bass. sad song": {"without": ("bass", "drums")},
    "drumless lofi": {"style": "lofi", "without": ("drums",)},
    "Jazz, Am, 120": {"tempo": (120, 120), "key": ("A", "minor"), "style": "jazz"},
    "a sad song between 60 and 70 bpm": {"tempo": (60, 70)},
    "a rock song with no guitar": {"style": "rock", "no_family": (3,)},
    "fast song, not jazz": {"tempo": FAST},
    "play a slow tune on the violin": {"tempo": SLOW, "programs": {"lead": 40}},
    "song of 24 bars in D major": {"key": ("D", "major"), "bars": 24},
    "a short folk song": {"style": "folk", "bars": 16},
    "Tempo: 140. Key: F# minor. Style: techno. Without melody.": {
        "tempo": (140, 140), "key": ("F#", "minor"), "style": "dance", "without": ("lead",)},
    "slow jazz about the sea": {"tempo": SLOW, "style": "jazz"},
    "slow rock about rain": {"tempo": SLOW, "style": "rock"},
    "melancholy indie about autumn": {"style": "pop"},
    "a song of about three minutes": {"seconds": 180},
    "piano and cello duet in C": {
        "key": ("C", ""), "programs": {"lead": 42, "chords": 0, "bass": 0}, "without": ("pad", "drums")},
    "a song with flute and fiddle": {"programs": {"lead": 73, "pad": 110}},
    "a song with flute and steel drums": {"programs": {"lead": 73, "chords": 114}},
    "a violin and flute duo": {"programs": {"lead": 40, "pad": 73}, "without": ("chords", "bass", "drums")},
    "a piano solo, sad, 70 bpm": {
        "tempo": (70, 70), "programs": {"lead": 0, "chords": 0, "bass": 0}, "without": ("pad", "drums")},
    "guitar solo, rock, 120": {"tempo": (120, 120), "style": "rock", "programs": {"lead": 29}},
    "drum solo": {"without": ("lead", "chords", "pad", "bass")},
    "only percussion and kalimba, playful, 100": {
        "tempo": (100, 100), "programs": {"lead": 108}, "without": ("chords", "pad", "bass")},
    "a slow string quartet that starts soft and gets loud": {
        "tempo": SLOW, "programs": {"lead": 40, "chords": 48, "pad": 48, "bass": 42}, "without": ("drums",),
        "arc": "Climb-to-Climax"},
    "jazzz balad with pino and trumpt, slwo": {
        "tempo": SLOW, "style": "jazz", "programs": {"chords": 0, "lead": 56}},
    "a sloooow rock sogn in G majr with a guitr": {
        "tempo": SLOW, "style": "rock", "key": ("G", "major"), "programs": {"chords": 27}},
    "a christmas carol with bells": {"programs": {"lead": 14}},
    "a love song without lead guitar": {"no_family": (3,)},
    "no piano, just flute and cello, no drums": {
        "programs": {"lead": 73, "bass": 42}, "without": ("chords", "pad", "drums"), "no_family": (0,)},
    "only cello and violin": {"programs": {"lead": 40, "bass": 42}, "without": ("chords", "pad", "drums")},
    "a song with a cello melody and a flute": {"programs": {"lead": 42, "pad": 73}},
    "a song with saxophone, trumpet, and distorted guitar": {"programs": {"lead": 65, "chords": 30, "pad": 56}},
    "a song with cello, flute and bass": {"programs": {"lead": 73, "pad": 42}},
    "a song with trombone, trumpet and no bass": {"programs": {"lead": 56, "pad": 57}, "without": ("bass",)},
    "a calm song in C major inspired by the sea": {"key": ("C", "major")},
    "rain at night in D minor": {"key": ("D", "minor")},
    "We had G major problems, write a slow song": {"tempo": SLOW},
    "write a song for her in D minor": {"key": ("D", "minor")},
    "sad. so sad. everything is grey. piano only.": {
        "programs": {"lead": 0, "chords": 0, "bass": 0}, "without": ("pad", "drums")},
    "I want to dance until my shoes melt, no slow stuff, house, 124": {"tempo": (124, 124), "style": "dance"},
    "I hate piano. Use marimba and vibraphone instead, mid-tempo": {
        "tempo": (90, 110), "programs": {"lead": 12, "chords": 11}},
    "tuba solo": {"programs": {"lead": 58}, "without": ("chords", "pad", "bass", "drums")},
    "a rock song with the guitar": {"style": "rock", "programs": {"chords": 27}},
    "jazz with guitar and sax": {"style": "jazz", "programs": {"chords": 26, "lead": 65}},
    "a lullaby with music box": {
        "tempo": (58, 72), "style": "ballad", "programs": {"lead": 10}, "without": ("drums",)},
    "a jazz lullaby at 90 bpm with drums": {"tempo": (90, 90), "style": "jazz"},
    "indie folk, 90 bpm": {"tempo": (90, 90), "style": "folk"},
    "a classic rock track": {"style": "rock"},
    "a jazz standard in Bb with a tenor sax melody and walking bass": {
        "key": ("Bb", ""), "style": "jazz", "programs": {"lead": 66}, "throughout": ("bass",)},
    "a rock song that starts quiet and ends really loud": {"style": "rock", "arc": "Climb-to-Climax"},
}  # fmt: skip
TRAPS = (
    "a house about to fall down", "rusty metal about his neck", "we rock about town",
    "I am in a minor crisis", "I AM IN A MINOR CRISIS", "he died at 70 years old", "major depression took my brother",
    "I hit rock bottom", "I am lost without you", "a sharp pain in my chest", "my heart beats at 120 bpm",
    "I live in a flat in Berlin", "time goes slow when you are gone", "she drives a fast car", "I can't live without drums",
    "life without music is a mistake", "the house is empty", "my country is at war", "I want to dance with you",
    "mood swings all day", "the piano he left behind", "no strings attached", "we went to 12 bars last night",
    "behind bars for ten years", "the dream is over", "a flat tyre on a minor road", "A minor setback",
    "two minutes of silence for my father", "I lost track of time", "she sang a slow song in the kitchen",
    "we danced to a slow waltz at our wedding", "he plays the guitar without passion", "I need a house",
    "an organ donor saved me", "Am I lost?", "C major problems ahead of us", "She left me, fast, without a word",
    "I want a guitar for my birthday", "everything moves too fast", "I got an A minor in maths", "the radio plays jazz",
    "the house music next door keeps me awake", "we need a rock to hold on to", "in G block the lights went out",
    "strings of light in the dark", "words fail me, no words", "a song I heard as a child", "at 90 I can still walk", "all that jazz", "the jazz bar where we met", "I listen to jazz", "jazz hands",
    "my heart rate went from 60 to 120 bpm", "our drummer quit, no drums any more", "a song like no other",
    "I died in C major surgery", "We met in E minor, our favourite bar", "He proposed in F# minor", "in C major surgery",
    "I waited half an hour for you", "a song about an hour in the rain",
    "I use drums to cope with my anger", "the band uses a lot of bass", "ABBA changed my life", "blood type AAB is rare",
    "the verse and the chorus of my life", "I want a modern house with a garden", "she was singing a lullaby",
    "she moved to Paris, slow, quiet, gone", "AC/DC and ABC", "my days start quiet",
    "she painted a nocturne of the city", "I add sugar to my coffee", "my standards are high", "intro to psychology",
    "bells rang all night long", "give it time", "a majro disaster", "I lost my guitr in the fire", "vitamin A-B-C",
    "We met a rock trio", "I cell phone my mother", "hello, yello, mello", "sooo lost", "the string quartet played on",
)  # fmt: skip


PACED = (
    ("a slow walk home", SLOW), ("a slow, lonely walk home", SLOW), ("my slow recovery", SLOW), ("walking slowly home", SLOW),
    ("a brisk walk along the river", (116, 138)), ("running fast through the rain", FAST), ("a slow train to nowhere", SLOW),
    ("a leisurely afternoon", SLOW), ("allegro ma non troppo, happy", (112, 128)), ("a sad song at a walking pace", (84, 104)),
    ("ein langsames Lied", SLOW), ("ein sehr langsames, trauriges Lied über den Regen", (50, 66)), ("ein Lied, schnell", FAST),
    ("une chanson lente", SLOW), ("une chanson très rapide", (150, 180)), ("una canción rápida", FAST), ("una canzone molto lenta", (50, 66)),
    ("uma música lenta", SLOW), ("een langzaam liedje", SLOW), ("langsam, traurig und leise", SLOW),
)  # fmt: skip
UNPACED = (
    "a fast car at night", "a quick question for you", "a medium rare steak", "the slow death of a city", "the train is slow today",
    "a slow dance with you", "she walked slowly home", "Ich gehe langsam nach Hause", "the service was slow and I was angry",
)  # fmt: skip


def said(wishes: Wishes) -> dict[str, Any]:
    """What isn't empty, without the words."""
    return {
        name: v
        for name, v in vars(wishes).items()
        if v and v != ("", "") and name not in ("words", "missing", "metres", "paced", "asks", "language")
    }


@pytest.mark.parametrize("text", ASKED)
def test_what_is_asked_for_in_musical_terms_is_read(text: str) -> None:
    assert said(read_sentence(text)) == ASKED[text]


@pytest.mark.parametrize(
    "text",
    [
        "no jazz please, anything but jazz",
        "a song, everything but jazz",
        "a sad song, no jazz",
        "a song, anything except jazz",
        "no jazz or rock, a slow song",
        "anything but rock or techno please",
    ],
)
def test_a_style_that_is_not_wanted_is_not_taken(text: str) -> None:
    assert read_sentence(text).style == ""


@pytest.mark.parametrize(
    ("text", "seconds", "bars"),
    [
        ("a techno track, 2:30 long", 150, None),
        ("a song, 4 minutes long, in F sharp minor", 240, None),
        ("a song about 90 seconds long", 90, None),
        ("a song 32 bars long", None, 32),
        ("half an hour of ambient drone", 1800, None),
        ("a song of about an hour", 3600, None),
        ("a song of 1:45 minutes", 105, None),
        ("two and a half minutes of jazz", 150, None),
        ("a long slow song", None, 64),
    ],
)
def test_a_length_in_figures_is_not_lost_to_the_word_long(text: str, seconds: float | None, bars: int | None) -> None:
    wishes = read_sentence(text)
    assert (wishes.seconds, wishes.bars) == (seconds, bars)


@pytest.mark.parametrize(("text", "tempo"), PACED)
def test_a_pace_of_what_a_text_describes_is_the_songs(text: str, tempo: tuple[int, int]) -> None:
    wishes = read_sentence(text)
    assert wishes.tempo is not None
    assert wishes.paced and wishes.tempo == tempo


@pytest.mark.parametrize("text", UNPACED)
def test_a_pace_of_other_things_is_not(text: str) -> None:
    assert read_sentence(text).tempo is None


@pytest.mark.parametrize("text", TRAPS)
def test_words_that_mean_something_else_ask_for_nothing(text: str) -> None:
    wishes = read_sentence(text)
    assert said(wishes) == {} and wishes.missing == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a reggae song about the sea", "no reggae: the styles are ballad, lofi"),
        ("a sad song with a choir", "no choir: "),
        ("a rock song, vocals, ukulele", "no ukulele: "),
        ("a song at 70 bpm and 140 bpm", "no second tempo (140 bpm): a song keeps one"),
        ("slow song, then fast", "no second tempo (fast): a song keeps one"),
        ("a song in C major, in F minor", "no second key (F minor): a song keeps one"),
        ("jazz, rock, slow", "no rock beside jazz: a song has one style"),
        ("a song with flute, violin, trumpet and clarinet", "no clarinet: no part is left for it"),
        ("half an hour of ambient drone", "no ambient: "),
    ],
)
def test_what_can_not_be_had_is_one_line(text: str, line: str) -> None:
    assert any(told.startswith(line) for told in read_sentence(text).missing)


@pytest.mark.parametrize(
    ("text", "kinds", "bars"),
    [
        ("AABA jazz standard, 32 bars", "verse verse bridge verse", [8, 8, 8, 8]),
        ("rock in ABABCB form", "verse chorus verse chorus bridge chorus", [8] * 6),
        ("a song, A-A-B-A", "verse verse bridge verse", [8] * 4),
        ("a slow song in ABA form, 20 bars", "verse bridge verse", [8, 4, 8]),
        ("intro, verse, chorus, verse, refrain and then a coda. fast", "intro verse chorus verse chorus outro", [4, 8, 8, 8, 8, 4]),
        ("verse - pre-chorus - chorus, sad, 10 bars", "verse pre-chorus chorus", [4, 2, 4]),
    ],
)  # fmt: skip
def test_a_form_that_is_written_out_is_played(text: str, kinds: str, bars: list[int]) -> None:
    request = SongRequest(text)
    assert request.form and [s.kind for s in request.form] == kinds.split()
    assert [s.bars for s in request.form] == bars and request.form_by == "the text"
    assert any(line.startswith(("form verse", "form intro")) for line in told_of(request, brief_of(request, None, 1)))
    typed = SongRequest(text, sections="verse 4, chorus 4")
    assert typed.form and len(typed.form) == 2 and typed.form_by == "typed"
    assert any("is not used: compose.sections=" in line for line in told_of(typed, brief_of(typed, None, 1)))


@pytest.mark.parametrize(
    ("text", "typed", "bars", "says"),
    [
        ("verse, pre-chorus, chorus", 4, 4, "4 bars are too few for 3 sections of 4 bars: they have 1, 1, 2"),
        (
            "intro verse chorus verse chorus verse chorus bridge chorus chorus outro",
            15,
            15,
            "15 bars are too few for 11 sections of 4 bars: they have 1, 1, 1, 1, 2, 1, 2, 1, 2, 2, 1",
        ),
        (
            "verse chorus verse chorus",
            34,
            34,
            "34 bars do not make 4 sections of 4, 8, 12 … bars, so the last chorus has 10",
        ),
        (
            "verse chorus verse chorus bridge chorus",
            4,
            6,
            "the song has 6 bars: each of the form's 6 sections has 1 to 64",
        ),
        ("verse chorus bridge " * 18, None, 400, None),
        ("verse chorus bridge, half an hour", None, 192, "the song has 192 bars"),
        ("verse chorus " * 70, None, 32, "a form of 140 sections is not used: a song has 64 at most"),
    ],
)
def test_a_form_is_as_long_as_is_asked_or_says_why_not(
    text: str, typed: int | None, bars: int, says: str | None
) -> None:
    request = SongRequest(text, bars=typed)
    assert request.length == bars
    lines = [line for line in told_of(request, brief_of(request, None, 1)) if " sections " in line]
    assert len(lines) == bool(says) and (not says or lines[0].startswith(says))


def song(text: str, tmp_path: Path, **settings: Any) -> Song:
    """By the fallbacks: quick."""
    return composed(SongRequest(text, **settings), Players(None, tmp_path), 1)


def test_a_song_has_what_the_sentence_asks_for_and_says_so(tmp_path: Path) -> None:
    made = song("slow sad waltz in D minor at 70 bpm without drums, jazz", tmp_path, bars=8)
    assert (made.brief.tempo, str(made.brief.spelling), made.brief.band.name) == (70, "D minor", "jazz")
    assert made.arrangement.part("drums") is None and made.arrangement.part("bass")
    assert [line for line in made.remarks if "stood in" not in line] == [
        "tempo 70 from the text", "key D minor from the text", "style jazz from the text", "without drums from the text",
        "metre 3/4 from the text (waltz)",
    ]  # fmt: skip
    assert made.trace["from_text"][0] == {"what": "tempo", "value": "70", "words": "", "unused": ""}
    assert made.trace["intent"]["technical_constraints"]["technical_key"] == "D minor"


def test_what_is_typed_comes_first_and_that_is_said(tmp_path: Path) -> None:
    text = "jazz in D minor at 70 bpm, 16 bars"
    made = song(text, tmp_path, tempo=90, key="G", style="pop", sections="verse 4, chorus 4")
    assert (made.brief.tempo, str(made.brief.spelling), made.brief.band.name) == (90, "G major", "pop")
    assert {
        "tempo 70 from the text is not used: compose.tempo=90 was typed",
        "key D minor from the text is not used: compose.key=G was typed",
        "style jazz from the text is not used: compose.style=pop was typed",
        "length 16 bars from the text is not used: compose.sections=verse 4, chorus 4 was typed",
    } <= set(made.remarks)
    assert (
        "tempo 500 from the text is not used: tempos are 30 to 300"
        in song("sad song, 500 bpm", tmp_path, bars=4).remarks
    )


def test_instruments_and_a_length_in_minutes_are_those_of_the_sentence(tmp_path: Path) -> None:
    made = song("one minute of solo piano at 64 bpm", tmp_path)
    assert {p.program for p in made.arrangement.parts} == {0} and made.arrangement.part("drums") is None
    assert made.brief.bars == 16 and "length 16 bars from the text (one minute)" in made.remarks
    alone = song("only drums, 120 bpm", tmp_path, bars=4).arrangement
    assert [p.role for p in alone.parts] == ["drums"] and alone.parts[0].notes
    programs = song("a rock song with no guitar", tmp_path, bars=4).brief.band.programs
    assert not any(program // 8 == 3 for program in programs.values())


def test_why_a_part_is_left_out_and_what_a_length_or_a_range_became_is_said(tmp_path: Path) -> None:
    made = song("a rock song with a string quartet at a tempo of 95", tmp_path, bars=4)
    assert "without drums from the text (a string quartet plays alone)" in made.remarks
    request = SongRequest("200 minutes of slow jazz with a jazz trio, without bass, 120-130 bpm")
    lines = told_of(request, brief_of(request, None, 1))
    assert "length 400 bars from the text (200 minutes, but no song is longer)" in lines
    assert "tempo 125 from the text (120-130 bpm)" in lines
    assert "without bass from the text" in lines and "without pad from the text (a jazz trio plays alone)" in lines


def test_a_part_lies_where_its_instrument_can_play_it() -> None:
    low = [Note(i, 1.0, 33 + i, 80) for i in range(6)]
    assert [n.pitch for n in within(low, 25)] == [45 + i for i in range(6)], "a guitar has no note below E2"
    assert within(low, 32) == low and within([*low[-1:], *(n._replace(pitch=50) for n in low)], 25)[0].pitch == 38


def test_one_player_plays_no_note_that_the_instrument_lacks_and_no_two_at_once() -> None:
    flute, tune = 73, [Note(i, 1.5, p, 80) for i, p in enumerate((72, 74, 59, 76, 79, 77, 100, 76, 74, 72, 74, 76))]
    assert [n.pitch for n in playable(tune, flute, "lead")] == [72, 74, 71, 76, 79, 77, 88, 76, 74, 72, 74, 76]
    assert [n.duration for n in playable(tune, flute, "lead")][:-1] == [1.0] * 11, "no tone sounds into the next"
    chord = [Note(start, 4.0, p, 60) for start in (0.0, 4.0) for p in (62, 65, 69)]
    assert [n.pitch for n in playable(chord, flute, "pad")] == [69, 69]
    assert [n.pitch for n in playable(chord, flute, "comp")] == [62, 65], "broken"
    assert playable(chord, 0, "comp") == chord
    oboe = [Note(0.0, 4.0, p, 60) for p in (45, 57, 60, 67)]
    assert [n.pitch for n in playable(oboe, 68, "pad")] == [67], "where its one voice lies, not where all would fit"


def test_an_instrument_that_is_plucked_holds_no_chords(tmp_path: Path) -> None:
    asked = {"chords": "Am F", "sections": "intro 2, verse 2"}
    made = song("a slow ballad with harp", tmp_path, **asked)
    harp = next(p for p in made.arrangement.parts if p.program == 46)
    assert len({n.start for n in harp.notes if n.start < 8}) > 10, "broken"
    held = next(p for p in song("a slow ballad", tmp_path, **asked).arrangement.parts if p.role == "comp")
    assert {n.start for n in held.notes if n.start < 6} == {0, 4}, "the bar before the verse leads on"


def test_who_plays_alone_plays_from_the_first_bar(tmp_path: Path) -> None:
    made = song("flute only, sad", tmp_path, sections="intro 4, verse 4, outro 4")
    [flute] = made.arrangement.parts
    assert (flute.role, flute.program) == ("lead", 73)
    assert {int(n.start // 16) for n in flute.notes} == {0, 1, 2}
    two = song("a song for double bass and vibraphone only, swing", tmp_path, sections="intro 4, verse 4, chorus 4")
    bass = two.arrangement.part("bass")
    assert bass and {int(n.start // 16) for n in bass.notes} == {0, 1, 2}, "nobody else plays in the intro"


def test_a_trio_is_three_players(tmp_path: Path) -> None:
    made = song("jazz trio: piano, bass and drums, 140 bpm in Bb major", tmp_path, sections="verse 4, chorus 4")
    assert made.brief.band.name == "jazz" and made.brief.without == ("pad",)
    assert {p.role: p.program for p in made.arrangement.parts} == {"lead": 0, "comp": 0, "bass": 32, "drums": 0}


def test_degrees_are_in_the_key_of_the_sentence(tmp_path: Path) -> None:
    made = song("jazz in G", tmp_path, chords="ii V I", bars=8)
    assert made.arrangement.chords[0].chord.root == 9 and str(made.brief.spelling) == "G major"


def test_a_text_that_leaves_out_everything_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves out every part"):
        SongRequest("no melody, no chords, no pads, no bass, no drums")


def test_a_long_title_ends_with_a_whole_word() -> None:
    text = "I am lost and hit the road again and again until the morning came and went"
    title = brief_of(SongRequest(text), None, 1).title
    assert title == "I am lost and hit the road again and again until the…"


@pytest.mark.parametrize(
    "part",
    [
        "a ",
        "in A ",
        "without ",
        "very slow ",
        "one hundred and twenty ",
        "( ",
        "key of ",
        "verse, ",
        "A",
        "starts quiet ",
    ],
)
def test_the_longest_text_is_read_at_once(part: str) -> None:
    begun = time.process_time()
    read_sentence(part * (4000 // len(part)))
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "text", ["a jazz ballad", "a ballad in jazz style", "a sad rock ballad", "a fast jazz ballad at 150 bpm"]
)
def test_a_ballad_of_another_style_is_slow(text: str) -> None:
    wishes = read_sentence(text)
    assert wishes.style in ("jazz", "rock") and wishes.tempo
    assert wishes.tempo == (150, 150) if "150" in text else wishes.tempo[1] < 90
    assert read_sentence("a ballad").tempo is None and read_sentence("a ballad").style == "ballad"


def test_guitars_that_slide_are_guitars() -> None:
    blues = read_sentence("slow blues in G minor with harmonica and slide guitar")
    assert blues.programs == {"lead": 22, "chords": 25} and blues.blues == 12 and blues.style == "jazz"
    country = read_sentence("country two-step with pedal steel and fiddle")
    assert country.style == "folk" and country.programs == {"lead": 110, "chords": 25}
