"""Whatever a sentence asks for is done, or gets a line: feels, chords, other languages, and what no song has."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.telling import told_of
from kmidi_lab.song import SongIntent, answer

_ONE_TEMPO = "a song keeps one tempo, or gets faster or slower from its start to its end"


def told(text: str, **settings: object) -> list[str]:
    request = SongRequest(text, **settings)  # type: ignore[arg-type]
    return told_of(request, brief_of(request, None, 1))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("speed up, then slow down", "no change of tempo (slow down): "),
        ("jazz, rubato please", "no rubato (rubato): "),
        ("a folk tune that fades in before the chorus", "no fade (fades in): "),
        ("a song with a fermata in the intro", "no such fermata (fermata): "),
        ("double-time feel, lofi", "no such feel (double-time feel): "),
        ("a melody with vibrato", "no articulation (vibrato): "),
        ("make it sforzando", "no loudness (sforzando): "),
        (
            "a pop song where the chorus has handclaps",
            "nothing is done there (pop song where the chorus has handclaps): ",
        ),
        ("a slow song and then a fast one", "not understood as a wish (fast): "),
        ("a game theme that loops seamlessly", "no loop (loops seamlessly): "),
        ("a piano solo like Chopin", "no style of its own (like chopin): "),
        ("strings, dissonant, horror music", "no dissonance of its own (dissonant): "),
        ("a song with a false ending", "no false ending (false ending): "),
        ("a song without a chorus", "no choice of sections (without a chorus): "),
        ("a song with an intro of 8 bars", "no choice of sections (intro of 8 bars): "),
        ("a pentatonic melody", "no scale of its own (pentatonic): "),
        ("a song with polyrhythms", "no rhythm of its own (polyrhythms): "),
        ("a canon for two violins", "no counterpoint (canon): "),
        ("more reverb", "no effects (more reverb): "),
        ("a song with a high melody", "no such place (high melody): "),
        ("lots of bass please", "no amount of a part (lots of bass): "),
        ("less waltz, more rock", 'no less of it (less waltz): say "no", or what instead'),
        ("a ballad that ends on the dominant", "no open end (ends on the dominant): "),
        (
            "something that sounds like Radiohead",
            "no style of its own (sounds like radiohead): the styles are ballad, lofi",
        ),
        ("minimal piano, Einaudi vibes", "no style of its own (einaudi vibe"),
        ("Hans Zimmer style epic", "no style of its own (hans zimmer style): "),
        ("Debussy-like piano piece", "no style of its own (debussy-like): "),
        ("something between Coldplay and U2", "no style of its own (something between"),
        ("a song à la Daft Punk, robotic", "no style of its own (à la daft punk): "),
        ("like Chopin's nocturnes but happier", "no style of its own (like chopin"),
        ("slow and fast at the same time", "no two tempos at once (slow and fast at the same time): say where"),
        ("loud and quiet at the same time", "no two loudnesses at once (loud and quiet at the same time): say where"),
        ("epic trailer music, 808 bass, choir, braams", "no choir: "),
        ("a pop song, risers and 808 bass", "no such kit (808 bass): "),
        ("modulate to the relative major in the chorus", "no change of key (modulate): "),
        ("a tango about my ex", "no tango: the styles are ballad, lofi"),
        ("a zouk song", "no zouk: the styles are ballad, lofi"),
        ("a guitar ballad, strummed", "no such accompaniment (strummed): "),
        ("jazz, brushed drums", "no such kit (brushed drums): "),
        ("a song with only three chords", "no such harmony (three chords): type chords with compose.chords"),
    ],
)
def test_what_no_song_has_gets_a_line(text: str, line: str) -> None:
    assert [one for one in told(text) if one.startswith(line)], told(text)


@pytest.mark.parametrize(
    "text",
    [
        "I heard a song that slows down", "time slows down when you look at me", "a song about a train that slows down",
        "a loud city at night", "loud voices in the street", "the canon was fired at dawn", "a delay at the airport",
        "echoes of the past", "we have triplets now", "she plays the piano louder than me", "the fade of old photographs",
        "I work like a mechanical doll", "the swing feels empty", "I love swinging in the park", "I got grades A B C",
        "A B C, easy as 1 2 3", "our relationship is laid back these days", "I am less than nothing", "3/4 of my life is over",
        "she was waltzing through the door", "I ate Thai style noodles", "we walked slow and fast through the rain", "he runs like Forrest Gump",
        "the rising tempo of my days", "she has the style of Marilyn", "a fight over strings", "I got 3/4 and 4/4 of the pie", "we drank salsa and danced",
    ],
)  # fmt: skip
def test_what_tells_of_something_else_gets_none(text: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.missing, wishes.feel, wishes.chords, wishes.metres) == ((), "", "", ())


@pytest.mark.parametrize(
    ("text", "metre", "lines"),
    [
        ("a waltzing song", "3/4", ["metre 3/4 from the text (waltzing)"]),
        ("alternate 3/4 and 4/4", "3/4", ["metre 3/4 from the text", "a song has one metre, so 4/4 is not used"]),
        ("a song that alternates between 4/4 and 7/8", "4/4", ["songs are in 4/4, 3/4 or 6/8, so this is no 7/8"]),
        ("a sad song, not a waltz", "4/4", []),
        ("less waltz", "4/4", []),
    ],
)
def test_metres_are_read_or_told(text: str, metre: str, lines: list[str]) -> None:
    assert SongRequest(text).metre.name == metre
    said = [line for line in told(text) if "metre" in line or "songs are in" in line]
    assert said == lines


@pytest.mark.parametrize(
    ("text", "feel"),
    [
        ("a pop song with a swing feel", "Swung"), ("swing it", "Swung"), ("a shuffle beat in G", "Swung"),
        ("a pop song, swung, 110 bpm", "Swung"), ("straight eighths, jazz", "Straight/Driving"), ("a laid back lofi beat", "Laid Back"),
        ("a techno track with a mechanical beat", "Mechanical"), ("a syncopated groove, pop", "Syncopated"),
    ],
)  # fmt: skip
def test_a_feel_is_taken_up(text: str, feel: str) -> None:
    assert SongRequest(text).song.constraints.technical_groove_feel == feel
    assert [line for line in told(text) if line.startswith(f"feel {feel} from the text")]


def test_a_feel_moves_eighths_also_of_a_style_that_was_typed(tmp_path: Path) -> None:
    late = {text: brief_of(SongRequest(text, style="pop"), None, 1).band.swing for text in ("happy", "happy, swung")}
    assert late == {"happy": 0.0, "happy, swung": 0.16}
    plain, swung = (brief_of(SongRequest(f"jazz{feel}"), None, 1).band for feel in ("", ", straight eighths"))
    assert (plain.name, swung.name) == ("jazz", "jazz") and plain.swing > swung.swing == 0.0


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("a sad song with the chords C G Am F", "C G Am F"),
        ("chords: Am | F C | G, slow", "Am | F C | G"),
        ("Dm - G7 - Cmaj7, jazz", "Dm G7 Cmaj7"),
        ("a ballad over Bbmaj7, Gm7, Cm7, F7", "Bbmaj7 Gm7 Cm7 F7"),
    ],
)
def test_chords_that_are_written_out_are_played(text: str, chords: str) -> None:
    request = SongRequest(text)
    assert request.wishes.chords == chords and f"chords {chords} from the text" in told(text)
    assert brief_of(request, None, 1).own == brief_of(SongRequest(chords=chords), None, 1).own
    assert f"chords {chords} from the text is not used: compose.chords=Em D was typed" in told(text, chords="Em D")
    assert brief_of(SongRequest(text, chords="Em D"), None, 1).own.usual == ("Em", "D")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("a rock song at a tempo of 95", []), ("a rock song with a tempo of 95", []), ("rock, a tempo around 95", []),
        ("a slow song, ritardando, a tempo", ["no change of tempo (ritardando, a tempo): " + _ONE_TEMPO]),
        ("a rock song, a tempo", ["no change of tempo (a tempo): " + _ONE_TEMPO]),
    ],
)  # fmt: skip
def test_a_tempo_that_is_told_is_no_change_of_it(text: str, missing: list[str]) -> None:
    assert list(read_sentence(text).missing) == missing


def test_a_genre_of_an_intent_that_no_style_plays_is_told() -> None:
    song = answer(SongIntent(), "technical_genre", "Zydeco")
    request = SongRequest(song=song)
    lines = [line for line in told_of(request, brief_of(request, None, 1)) if "Zydeco" in line]
    assert lines and lines[0].startswith("no style for the intent's genre Zydeco, so ")
    typed = SongRequest(song=song, style="folk")
    assert not [line for line in told_of(typed, brief_of(typed, None, 1)) if line.startswith("no style")]


def test_a_free_feel_is_told_to_be_steady() -> None:
    request = SongRequest(song=answer(SongIntent(), "technical_groove_feel", "Rubato/Free"))
    assert "the feel Rubato/Free is played straight: a song keeps a steady tempo" in told_of(
        request, brief_of(request, None, 1)
    )


def test_a_feel_an_arc_and_a_folk_dance_are_not_told_twice() -> None:
    assert not [line for line in told("a song that starts quiet and ends huge") if "loudness" in line]
    blues = SongRequest("a shuffle blues in E with harmonica, 96 bpm")
    assert (blues.wishes.style, blues.wishes.feel) == ("jazz", "Swung")
    assert "style folk from the text (folk dance)" in told("a folk dance in 6/8, fiddle")
    assert not [line for line in told("a folk dance in 6/8, fiddle") if "no dance" in line]


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("16 bars of sadness", 16), ("sixteen bars about rain", 16), ("8 bars for a film", 8),
        ("I lost my dog today, 8 bars", 8), ("I hope, 16 bars", 16), ("two violins, 2 bars", 2),
        ("4 bars of the prison window", None), ("5 bars of cell service", None), ("10 bars of pressure", None),
        ("two bars of signal", None), ("12 bars of chocolate", None), ("I waited 16 bars of rest", None), ("16 bars of nothing", 16),
    ],
)  # fmt: skip
def test_bars_are_counted_of_what_a_song_is_of(text: str, bars: int | None) -> None:
    assert read_sentence(text).bars == bars


@pytest.mark.parametrize(
    ("text", "marches"),
    [
        ("a march for brass", True), ("a slow march in D minor", True),
        ("she left in March", False), ("we march on", False), ("the long march home", False), ("on March 3", False),
        ("we went on a march", False), ("the march of time", False), ("a march of time", False),
        ("a song in march tempo", True), ("a march through the mountains", True), ("a march of triumph", True),
        ("a long march for brass", True), ("soldiers who march home", False), ("boys march home from war", False),
        ("march comes in like a lion", False), ("a 3/4 march", True), ("on 8 march", False),
    ],
)  # fmt: skip
def test_a_march_is_no_month(text: str, marches: bool) -> None:
    wishes = read_sentence(text)
    assert (("march" in " ".join(wishes.words.values())), bool(wishes.metres)) == (marches, marches)


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("chords Am / F / C / G in a slow ballad", "Am F C G"), ("Dm7 / G7 / Cmaj7", "Dm7 G7 Cmaj7"),
        ("C/E / F / G/B", "C/E F G/B"), ("the chords C/E and G", "C/E G"),
    ],
)  # fmt: skip
def test_a_stroke_with_room_around_it_divides_chords(text: str, chords: str) -> None:
    assert read_sentence(text).chords == chords


def test_several_of_an_instrument_are_that_instrument() -> None:
    one, several = (
        read_sentence(text) for text in ("a song with trumpet and flute", "a song with trumpets and flutes")
    )
    assert several.programs == one.programs != {}
    assert read_sentence("a march with trumpets and snare drum").programs == {"lead": 56}


def test_bars_that_a_text_begins_with_tell_no_mood() -> None:
    assert SongRequest("16 bars of hope").unread == SongRequest("hope").unread == "hope"
    assert SongRequest("16 bars").unread == "16 bars"
    assert SongRequest("[chorus] we rise").unread == "[chorus] we rise"


@pytest.mark.parametrize(
    ("text", "bars", "seconds"),
    [
        ("a happy rock song that fades out and has 8 bars", 8, None), ("a rock song that has 8 bars", 8, None),
        ("a song that builds up and fades out and is two minutes long", None, 120),
        ("a sad song. It should be 2 minutes long", None, 120),
        ("a song about a town that has 8 bars", None, None), ("my town has 8 bars", None, None),
    ],
)  # fmt: skip
def test_a_length_that_a_song_has_is_its_length(text: str, bars: int | None, seconds: float | None) -> None:
    wishes = read_sentence(text)
    assert (wishes.bars, wishes.seconds) == (bars, seconds)


@pytest.mark.parametrize(
    ("text", "programs", "without"),
    [
        ("a jazz trio of a trumpet, a piano and a double bass", {"lead": 56, "chords": 0, "bass": 32}, ("pad", "drums")),
        ("a string quartet of two violins, a viola and a cello", {"lead": 40, "pad": 41, "bass": 42}, ("chords", "drums")),
        ("a jazz quartet of old friends", {"lead": 66, "chords": 0, "bass": 32}, ("pad",)),
    ],
)  # fmt: skip
def test_players_of_a_group_who_are_named_play_what_suits_them(
    text: str, programs: dict[str, int], without: tuple[str, ...]
) -> None:
    wishes = read_sentence(text)
    assert (wishes.programs, wishes.without, wishes.missing) == (programs, without, ())
