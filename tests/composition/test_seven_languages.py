"""What a sentence asks for in any of seven languages is done, or told in one line: moods, courses, chords, keys, tempos."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_mood import pictured_mood, said_mood
from kmidi_lab.composition.sentence import read_sentence

MOOD = "no change of mood ("
TEMPO, FORM, KIT = "no change of tempo (", "no such form (", "no such kit ("
CHANGES = [
    ("a song about a happy day with a sad ending", "with a sad ending", "a song about a happy day"),
    ("about a happy day with a sad ending", "with a sad ending", "about a happy day"),
    ("a sad clown turning into happy rain", "", "a sad clown turning into happy rain"),
    ("ein Lied, das traurig beginnt und fröhlich endet", "traurig beginnt und fröhlich endet", "traurig"),
    ("ein Lied, am Anfang fröhlich, am Ende traurig", "am anfang fröhlich, am ende traurig", "fröhlich"),
    ("ein fröhliches Lied mit traurigem Ende", "traurigem ende", "fröhliches"),
    ("une chanson qui commence triste et finit joyeuse", "commence triste et finit joyeuse", "triste"),
    ("une chanson joyeuse avec une fin triste", "fin triste", "joyeuse"),
    ("una canción que empieza triste y termina alegre", "empieza triste y termina alegre", "triste"),
    ("una canción alegre, luego triste", "alegre, luego triste", "alegre"),
    ("una canzone che inizia triste e finisce allegra", "inizia triste e finisce allegra", "triste"),
    ("uma canção alegre que fica triste", "fica triste", "alegre"),
    ("een lied dat droevig begint en vrolijk eindigt", "droevig begint en vrolijk eindigt", "droevig"),
    ("een vrolijk lied met een droevig einde", "droevig einde", "vrolijk"),
]
NO_CHANGES = [
    "ein trauriges Lied mit traurigem Ende", "ich war traurig, dann fröhlich", "I had a happy day with a sad ending",
    "una canción triste con un final triste", "ein trauriges Lied",
]  # fmt: skip
LOUDNESS = [
    ("ein Lied, das im Refrain explodiert", ["loud chorus"]), ("une chanson qui explose au refrain", ["loud chorus"]),
    ("una canción que explota en el estribillo", ["loud chorus"]), ("una canzone che esplode nel ritornello", ["loud chorus"]),
    ("uma canção que explode no refrão", ["loud chorus"]), ("een lied dat in het refrein losbarst", ["loud chorus"]),
    ("ein Lied mit leisen Strophen und lautem Refrain", ["soft verse", "loud chorus"]), ("ein Lied, das im Refrain leise wird", ["soft chorus"]),
    ("una canción con estrofas suaves y estribillos fuertes", ["soft verse", "loud chorus"]),
    ("ein Lied, das in der Mitte ruhiger wird", ["soft middle"]), ("una canción que se calma en el medio", ["soft middle"]),
]  # fmt: skip
TOLD = [
    ("een lied met tempowisselingen in het refrein", TEMPO + "tempowisselingen"),
    ("rondo form, cheerful", FORM + "rondo form)"),
    ("a song that starts with the chorus", "no choice of sections (starts with the chorus)"),
    ("a song with a deceptive cadence", "no such harmony (deceptive cadence)"),
    ("a song with tambourine and shaker", KIT + "with tambourine, shaker)"),
    ("summer pop with handclaps", KIT + "with handclaps)"),
    ("a kazoo solo over a slow beat", "no kazoo: "),
    ("a song with a children's choir", "no choir: "),
]


@pytest.mark.parametrize(("text", "words", "read"), CHANGES)
def test_a_mood_that_changes_is_read_and_the_first_is_the_songs(text: str, words: str, read: str) -> None:
    request = SongRequest(text)
    assert {c.words for c in request.wishes.changes if c.share != (0, 2) or c.words == words} == (
        {words} if words else set()
    )
    assert not [line for line in request.wishes.missing if line.startswith(MOOD)]
    if request.wishes.language == ENGLISH:
        assert request.unread == read
    else:
        assert said_mood(request.unread, request.wishes.language)[1] == read


@pytest.mark.parametrize("text", NO_CHANGES)
def test_one_mood_and_what_people_lived_through_are_no_change(text: str) -> None:
    wishes = read_sentence(text)
    assert not wishes.changes and not [line for line in wishes.missing if line.startswith(MOOD)]


@pytest.mark.parametrize(("text", "changes"), LOUDNESS)
def test_the_loudness_of_a_place_is_read_in_each_language(text: str, changes: list[str]) -> None:
    wishes = read_sentence(text)
    assert [f"{c.value} {c.place.kind}" for c in wishes.changes if c.place] == changes and not wishes.missing


@pytest.mark.parametrize(("text", "line"), TOLD)
def test_what_no_song_does_is_told_in_each_language(text: str, line: str) -> None:
    assert [one for one in read_sentence(text).missing if one.startswith(line)], read_sentence(text).missing


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ein Lied, weder traurig noch fröhlich", "German"), ("weder ein trauriges, noch ein fröhliches Lied", "German"),
        ("une chanson ni triste ni joyeuse", "French"), ("una canción ni triste ni alegre", "Spanish"),
        ("una canzone né triste né allegra", "Italian"), ("uma canção nem triste nem alegre", "Portuguese"),
        ("een lied, noch droevig noch vrolijk", "Dutch"), ("ein Lied, nicht traurig oder wütend", "German"),
    ],
)  # fmt: skip
def test_two_moods_that_are_denied_together_are_none(text: str, language: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.language, said_mood(text, language)) == (language, ("", ""))


def test_one_of_two_words_that_look_like_a_denial_is_none() -> None:
    assert said_mood("ein Lied, noch trauriger als sonst", "German") == ("sad", "trauriger")
    assert said_mood("une chanson triste ni longue", "French") == ("sad", "triste")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a song neither sad nor happy", "a song"), ("neither sad nor happy", "a song"), ("not happy, not sad", "a song"),
        ("not sad or lonely", "not sad or lonely"), ("neither my mother nor my father is sad", "neither my mother nor my father is sad"),
    ],
)  # fmt: skip
def test_opposed_moods_that_are_denied_in_english_are_not_read(text: str, read: str) -> None:
    assert SongRequest(text).unread.strip() == read


@pytest.mark.parametrize(
    ("text", "chords", "others"),
    [
        ("a song with Am F C G in the verse, F G Am in the chorus", "verse: Am F C G; chorus: F G Am", ""),
        ("Am F C G in the verse and F G Am C in the chorus", "verse: Am F C G; chorus: F G Am C", ""),
        ("the verse goes Am F C G and the chorus F G Am", "verse: Am F C G; chorus: F G Am", ""),
        ("ein Lied mit Am F C G in der Strophe und F G Am im Refrain", "verse: Am F C G; chorus: F G Am", ""),
        ("una canción con Am F C G en la estrofa y F G Am en el estribillo", "verse: Am F C G; chorus: F G Am", ""),
        ("ein Lied in h-Moll mit den Akkorden H E Fis", "B E F#", ""),
        ("ein Lied mit Hm7, E7 und A", "Bm7 E7 A", ""),
        ("ein Lied, Akkorde a-Moll F-Dur C-Dur G-Dur", "Am F C G", ""),
        ("ein Lied mit den Akkorden Es As B", "Eb Ab Bb", ""),
        ("ein Lied mit den Akkorden Bb F Gm Eb", "Bb F Gm Eb", ""),
        ("eine Ballade in As-Dur, Es As B", "Eb Ab Bb", ""),
        ("una canción con los acordes La menor, Fa, Do y Sol", "Am F C G", ""),
        ("une chanson avec les accords Do Sol Lam Fa", "C G Am F", ""),
        ("canzone con gli accordi Do Sol La- Fa", "C G Am F", ""),
        ("I-V-vi-IV in G", "I V vi IV", ""),
        ("Am, G, F and E over and over", "Am G F E", ""),
        ("C major 7, A minor 7, D minor 7, G7", "Cmaj7 Am7 Dm7 G7", ""),
        ("World War I, II and III", "", ""),
        ("I, I, I", "", ""),
        ("the chords are I7 IV7 V7 in G, blues", "I7 IV7 V7", ""),
        ("chords ii7 V7 IM7 in C", "ii7 V7 IM7", ""),
        ("i7 computers, V8 engines and I6 of VI", "", ""),
        ("ein Lied, Akkorde Hm F#m G D", "Bm F#m G D", ""),
        ("ein Lied mit den Akkorden Bb F Gm H7", "Bb F Gm B7", ""),
        ("ein Lied mit den Akkorden Bm F#m G D", "Bm F#m G D", ""),
        ("ein Lied mit G/H C D", "G/B C D", ""),
        ("Uma música triste com os acordes Dó Lá menor Fá Sol", "C Am F G", ""),
        ("una canzone con Fa# Sib Do", "F# Bb C", ""),
    ],
)
def test_rows_of_chords_are_read_or_told(text: str, chords: str, others: str) -> None:
    wishes = read_sentence(text)
    assert wishes.chords == chords
    told = [line for line in wishes.missing if "second chords" in line]
    assert told == (
        [f"no second chords ({others}): name the section that plays them, as in chorus: F G C"] if others else []
    )


def test_roman_numerals_are_played_in_the_key_of_the_text() -> None:
    chart = SongRequest("a pop song over I V vi IV in G").chart
    assert chart is not None and [placed.name for placed in chart.placed] == ["G", "D", "Em", "C"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ein Walzer in Es", ("Eb", "")), ("ein Lied in H", ("B", "")), ("ein Lied in Fis-Moll", ("F#", "minor")),
        ("een lied in C majeur", ("C", "major")), ("een lied in d mineur", ("D", "minor")), ("the slowest blues in E", ("E", "")),
        ("Eu quero uma música em Dó maior", ("C", "major")), ("uma canção em Lá bemol maior", ("Ab", "major")), ("uma música em lá menor", ("A", "minor")),
        ("Een liedje in Es groot op 140 bpm", ("Eb", "major")), ("een droevig lied in a klein", ("A", "minor")), ("een lied in fis kleine terts", ("F#", "minor")),
        ("een lied in Bes majeur", ("Bb", "major")), ("een groot lied in een klein huis", ("", "")), ("we live in a klein house", ("", "")),
        ("una canzone in Fa# minore", ("F#", "minor")), ("una canzone in Sib maggiore", ("Bb", "major")), ("una canción en Mib mayor", ("Eb", "major")),
        ("une chanson en Do# mineur", ("C#", "minor")), ("une chanson en Sib", ("Bb", "")), ("una canción en la mayor parte del mundo", ("", "")),
        ("eine Ballade in F#-Moll", ("F#", "minor")),
        ("eine Ballade in As-Dur, Es As B", ("Ab", "major")),
    ],
)  # fmt: skip
def test_keys_are_read_as_they_are_named(text: str, key: tuple[str, str]) -> None:
    assert read_sentence(text).key == key


def test_a_key_tells_portuguese_from_spanish() -> None:
    assert read_sentence("uma música em lá menor").language == "Portuguese"
    assert read_sentence("una canción en la menor").language == "Spanish"


@pytest.mark.parametrize(
    ("text", "metre"), [("uma valsa triste", "3/4"), ("een vrolijke wals", "3/4"), ("ein Marsch in B-Dur", "4/4")]
)
def test_dances_have_their_metre_in_each_language(text: str, metre: str) -> None:
    wishes = read_sentence(text)
    assert [name for _, name in wishes.metres] == [metre] and wishes.tempo is not None


@pytest.mark.parametrize(
    ("text", "tempo", "style"),
    [
        ("the slowest blues in E", (50, 66), "jazz"), ("the fastest jig", (181, 208), "folk"), ("the fastest rock in the river", None, ""),
        ("the slowest dance of my life was with you", None, ""), ("I heard the slowest blues", None, ""),
        ("ein Lied mit 72 Schlägen pro Minute", (72, 72), ""), ("summer pop with handclaps", None, "pop"),
        ("summer house with a garden", None, ""), ("the loudest punk song ever", None, "rock"), ("een snel lied", (126, 150), ""),
        ("uma música nem rápida nem lenta", None, ""), ("a beat at 140 with piano", (140, 140), ""), ("late night house with synths", None, "dance"),
    ],
)  # fmt: skip
def test_the_most_of_a_tempo_and_a_genre_with_players_are_asked_for(text: str, tempo: object, style: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.tempo, wishes.style) == (tempo, style)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("ein Lied mit Strophe, Refrain, Strophe, Refrain", ("verse", "chorus") * 2),
        ("une chanson: couplet, refrain, couplet, refrain, pont, refrain", ("verse", "chorus", "verse", "chorus", "bridge", "chorus")),
        ("una canción con intro, estrofa, estribillo y final", ("intro", "verse", "chorus", "outro")),
        ("verse, chorus, bridge, final chorus", ("verse", "chorus", "bridge", "chorus")),
    ],
)  # fmt: skip
def test_sections_are_read_in_each_language(text: str, kinds: tuple[str, ...]) -> None:
    form = read_sentence(text).form
    assert form is not None and form.kinds == kinds


@pytest.mark.parametrize(
    ("text", "ending", "arc"),
    [
        ("une chanson qui ralentit à la fin", "slower", ""), ("ein Lied, das am Ende langsamer wird", "slower", ""),
        ("una balada con un ritardando al final", "slower", ""), ("ein Lied mit Fermate am Ende", "held", ""),
        ("ein Lied, das leise beginnt, laut wird und wieder leise endet", "", "Rise and Fall"),
        ("it starts with a whisper and ends with a scream", "", "Climb-to-Climax"),
    ],
)  # fmt: skip
def test_how_a_song_ends_is_read_in_each_language(text: str, ending: str, arc: str) -> None:
    wishes = read_sentence(text)
    assert [kind for kind, said in wishes.ending._asdict().items() if said] == ([ending] if ending else [])
    assert (wishes.arc, wishes.course) == (arc, "")


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("the violin plays the melody, the organ plays the chords", {"lead": 40, "chords": 16}),
        ("melody on the flute, slow", {"lead": 73}), ("a rock song, bass played by a tuba", {"bass": 58}),
        ("I remember how the piano plays the melody", {}), ("my sister's violin plays the tune of my heart", {}),
        ("a song with a children's choir and church bells", {"lead": 14}),
    ],
)  # fmt: skip
def test_who_plays_which_part_is_taken_up(text: str, programs: dict[str, int]) -> None:
    assert read_sentence(text).programs == programs


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("a quiet evening", "calm"), ("a still lake", "calm"), ("music to fall asleep to", "calm"), ("summer pop", "cheerful"),
        ("a rainy day", "gloomy"), ("not a quiet evening", ""), ("I still wait for the bus", ""), ("a table", ""),
        ("summer nights by the sea", "cheerful"), ("music for a wedding", "cheerful"), ("a birthday song for my mum", "cheerful"),
        ("a walk through the cemetery", "gloomy"), ("a quiet evening with you", "calm"), ("rain falling quietly on the roof", "calm"),
    ],
)  # fmt: skip
def test_a_scene_tells_its_mood(text: str, mood: str) -> None:
    assert pictured_mood(text)[0] == mood


@pytest.mark.parametrize(
    "text",
    [
        "The holidays without my dad", "They called off the wedding", "A fairground ride crashed", "The carnival left town", "last summer",
        "The funeral is over and we can dance again", "my first birthday without you", "a song about summer without you", "A wedding ruined",
        "a song about the wedding that never was", "The party is over and everybody has gone home", "silence after the gunshot", "a carnival of lies", "birthday at the cemetery", "summer of the drought",
        "Christmas holidays in the hospice",
    ],
)  # fmt: skip
def test_what_happens_in_a_scene_tells_no_mood_of_its_own(text: str) -> None:
    assert pictured_mood(text) == ("", "")


def test_a_scene_tells_no_mood_against_what_a_model_reads() -> None:
    assert pictured_mood("a summer song", 0.05)[0] == pictured_mood("a summer song", -0.09)[0] == "cheerful"
    assert pictured_mood("a summer song", -0.12) == pictured_mood("a rainy day", 0.12) == ("", "")
    assert pictured_mood("a quiet evening", -0.19)[0] == pictured_mood("a quiet evening", 0.19)[0] == "calm"


def test_grief_is_no_cheerful_song(make) -> None:
    song = make(text="The holidays without my dad", bars=4)
    assert song.brief.mood.valence <= 0 and not [line for line in song.remarks if line.startswith("mood cheerful")]


def test_a_quiet_evening_is_slow_and_says_why(make) -> None:
    song = make(text="a quiet evening", bars=4)
    assert song.brief.tempo < 90 and song.brief.mood.arousal < -0.3
    assert "mood calm from the text (quiet)" in song.remarks
    assert "mood calm" not in "".join(make(text="quiet verses and loud choruses", bars=4).remarks)
