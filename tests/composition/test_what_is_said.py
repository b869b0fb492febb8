"""Whatever a sentence asks for is done, or gets a line: feels, chords, other languages, and what no song has."""

from __future__ import annotations

import io
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.closing import closed
from kmidi_lab.composition.languages import language_of, with_keys
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_ending import SaidEnding
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.song import composed
from kmidi_lab.composition.telling import told_of
from kmidi_lab.inference.published import release_root
from kmidi_lab.midi.sound import wav_bytes
from kmidi_lab.song import Arrangement, Metre, Note, Part, SongIntent, Tempo, answer, midi_bytes

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
    ("text", "language"),
    [
        ("Ich fühle mich einsam und verloren", "German"), ("ein langsamer Walzer in a-Moll", "German"), ("traurig, 80 bpm", "German"),
        ("Je me sens perdu", "French"), ("une valse lente en ré mineur", "French"), ("me siento perdido y solo", "Spanish"),
        ("una canción triste a 80 bpm", "Spanish"), ("una canzone triste in la minore", "Italian"), ("een verdrietig lied over de zee", "Dutch"),
        ("Eu não sei o que fazer sem você", "Portuguese"), ("грустная песня", "a language in Cyrillic letters"),
        ("悲しい歌", "Chinese or Japanese"), ("슬픈 노래", "Korean"),
        ("I feel lost and searching", "English"), ("drum solo", "English"), ("a chanson triste for Paul", "English"), ("70", "English"),
        ("C'mon, over, please", "English"), ("asdf qwer", "English"), ("no sé por qué no", "Spanish"), ("la mayor parte de mi vida", "Spanish"),
        ("um samba lento e triste", "Portuguese"), ("samba enredo rápido", "Portuguese"), ("samba alegre", "Portuguese"),
        ("un samba triste con piano", "Spanish"), ("Popsong, 110 bpm, weibliche Stimme", "German"), ("chanson pop, voix féminine, 120 bpm", "French"),
        ("reguetón triste, 90 bpm", "Spanish"), ("rustig couplet, luid refrein", "Dutch"), ("I love samba and bossa nova", "English"),
    ],
)  # fmt: skip
def test_a_language_is_told_apart(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("d-Moll", "in D minor"), ("in fis-Moll", "in F# minor"), ("Es-Dur", "in Eb major"), ("h-Moll", "in B minor"), ("B-Dur", "in Bb major"),
        ("en ré mineur", "in D minor"), ("si bémol majeur", "in Bb major"), ("la menor", "in A minor"), ("in do diesis minore", "in C# minor"),
        ("en re menor triste", "in D minor triste"), ("en la menor, lento", "in A minor, lento"), ("la menor 80 bpm", "in A minor 80 bpm"),
        *((text, text) for text in ("la mayor parte de mi vida", "mi mayor miedo", "en la mayor parte de mi vida", "la menor duda")),
    ],
)  # fmt: skip
def test_keys_of_other_languages(text: str, key: str) -> None:
    assert with_keys(text) == key


@pytest.mark.parametrize(
    ("text", "tempo", "key", "metre"),
    [
        ("ein trauriges Lied im 3/4-Takt, allegro, d-Moll", 132, "D minor", "3/4"),
        ("une valse lente en ré mineur, 70 bpm", 70, "D minor", "3/4"),
        ("una canción triste, adagio", 67, None, "4/4"),
        ("грустная песня, 70 bpm, 6/8", 70, None, "6/8"),
    ],
)
def test_musicians_words_are_read_in_every_language(text: str, tempo: float, key: str | None, metre: str) -> None:
    brief = brief_of(SongRequest(text), None, 1)
    assert (brief.tempo, brief.metre.name) == (tempo, metre)
    assert key is None or str(brief.spelling) == key
    assert [
        line for line in told(text) if "not English: its words for music" in line or "not English: only tempo" in line
    ]


@pytest.mark.slow
def test_words_of_another_language_are_not_read_as_english(tmp_path: Path) -> None:
    """`war` is `was`, `solo` is `alone`: neither an instrument alone nor a war is meant, and no mood is made of them."""
    wishes = read_sentence("Ich war so allein, das Lied war ein Solo mit Bass")
    assert (wishes.programs, wishes.without, wishes.style) == ({}, (), "")
    song = composed(SongRequest("Es war drei Uhr und ich war im Haus", bars=4), Players(release_root(), tmp_path), 1)
    assert (song.brief.mood.valence, song.brief.mood.arousal) == (0.0, 0.0)
    assert "the text's mood is not sure (not English); set it by compose.emotion" in song.remarks
    assert "intent" not in {model["model"] for model in song.trace["models"]}


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


RISES, SINKS, BOTH = "Climb-to-Climax", "Descent", "Rise and Fall"


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
