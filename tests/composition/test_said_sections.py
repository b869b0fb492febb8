"""What a sentence says of each section is read: behind its name, before it, or under a heading; what no section has alone is told."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.said_places import Place
from kmidi_lab.composition.sentence import read_sentence

VERSE, CHORUS, BRIDGE = Place("verse"), Place("chorus"), Place("bridge")
SAD_HAPPY = [("mood", "sad", VERSE), ("mood", "happy", CHORUS)]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("verses sad, chorus happy", SAD_HAPPY), ("a sad verse, then an angry bridge", [SAD_HAPPY[0], ("mood", "angry", BRIDGE)]),
        ("verse: sad and slow; chorus: happy and fast", [SAD_HAPPY[0], ("pace", "slow", VERSE), SAD_HAPPY[1], ("pace", "fast", CHORUS)]),
        ("country song, verses quiet, chorus big", [("level", "soft", VERSE), ("level", "loud", CHORUS)]),
        ("the first verse is sad, the last chorus is triumphant", [("mood", "sad", Place("verse", 1)), ("mood", "triumphant", Place("chorus", -1))]),
        ("verse one sad, verse two hopeful", [("mood", "sad", Place("verse", 1)), ("mood", "hopeful", Place("verse", 2))]),
        ("the first 8 bars solo piano, then the full band", [("alone", "piano", Place("bars", 1, 0, 8))]),
        ("quiet piano verse, loud guitar chorus", [("level", "soft", VERSE), ("level", "loud", CHORUS)]),
        ("intro: 8 bars, piano; verse: 16 bars, add bass", [("alone", "piano", Place("intro")), ("enter", "bass", VERSE)]),
        ("intro piano only, verse add bass, chorus everything", [("alone", "piano", Place("intro")), ("enter", "bass", VERSE), ("level", "loud", CHORUS)]),
        ("a string quartet. The first part is slow, the second part fast and furious",
         [("pace", "slow", Place("first half")), ("pace", "fast", Place("second half")), ("mood", "furious", Place("second half"))]),
        ("intro: piano, verse: piano and bass, chorus: full band",
         [("alone", "piano", Place("intro")), ("enter", "bass", VERSE), ("level", "loud", CHORUS)]),
        ("bars 1-8 quiet, bars 9-16 loud", [("level", "soft", Place("bars", 1, 0, 8)), ("level", "loud", Place("bars", 9, 0, 16))]),
        ("half-time chorus, double-time outro", [("feel", "half", CHORUS), ("pace", "double", Place("outro"))]),
        ("100 bpm verse, 140 bpm chorus", [("pace", "100", VERSE), ("pace", "140", CHORUS)]), ("the chorus at 140 bpm", [("pace", "140", CHORUS)]),
        ("verse in A minor, chorus in C major", [("in key", "a minor", VERSE), ("in key", "c major", CHORUS)]),
        ("minor verses and a major chorus", [("in key", "minor", VERSE), ("in key", "major", CHORUS)]),
        ("tempo 72, then 144 in the chorus", [("pace", "144", CHORUS)]), ("C major in the chorus", [("in key", "c major", CHORUS)]),
        ("ein Lied, zweite Strophe in a-Moll", [("in key", "a minor", Place("verse", 2))]), ("une chanson, refrain en do majeur", [("in key", "c major", CHORUS)]),
        ("una canción con el estribillo en do mayor", [("in key", "c major", CHORUS)]), ("Der Refrain soll in F-Dur sein", [("in key", "f major", CHORUS)]),
        ("una canzone con il ritornello in do maggiore", [("in key", "c major", CHORUS)]), ("uma canção com o refrão em dó maior", [("in key", "c major", CHORUS)]),
        ("couplet in a mineur, refrein in C majeur", [("in key", "a minor", VERSE), ("in key", "c major", CHORUS)]),
        ("une valse, le refrain à 140 bpm", [("pace", "140", CHORUS)]), ("Strophe in Moll, Refrain in Dur", [("in key", "minor", VERSE), ("in key", "major", CHORUS)]),
        ("a rock song that explodes in the chorus, 150 bpm", [("level", "loud", CHORUS)]), ("une chanson rock qui explose au refrain, 150 bpm", [("level", "loud", CHORUS)]),
    ],
)  # fmt: skip
def test_what_a_section_is_to_be_is_read(text: str, changes: list[tuple[str, str, Place]]) -> None:
    wishes = read_sentence(text)
    assert [(c.what, c.value, c.place) for c in wishes.changes] == changes and not wishes.missing


@pytest.mark.parametrize(
    ("text", "line", "style"),
    [
        ("a reggae verse and a rock chorus", "no style of one section (reggae verse, rock chorus): ", "pop"),
        ("rock song with a jazz bridge", "no style of one section (jazz bridge): ", "rock"),
        ("first half jazz, second half rock", "no style of one section (first half jazz, second half rock): ", "jazz"),
        ("classical intro then hip hop beat", "no style of one section (classical intro): ", "lofi"),
        ("a pop song with the bridge in 3/4", "no metre of one section (bridge in 3/4): ", "pop"),
        ("a waltz with a chorus in 4/4", "no metre of one section (chorus in 4/4): ", ""),
        ("ein Walzer, Bridge im 6/8-Takt", "no metre of one section (bridge im 6/8-takt): ", ""),
        ("a pop song, 3/4 in the bridge", "no metre of one section (3/4", "pop"),
        ("a pop song, swung verse", "no feel of one section (swung verse): ", "pop"),
    ],
)
def test_what_no_section_has_alone_is_told(text: str, line: str, style: str) -> None:
    wishes = read_sentence(text)
    assert [told for told in wishes.missing if told.startswith(line)] and wishes.style == style
    assert [metre for _, metre in wishes.metres] == (["3/4"] if "wal" in text.lower() else []), "the song keeps its own"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("[Verse 1] I walk alone [Chorus] come back [Bridge] we danced [Chorus] come back", "verse chorus bridge chorus"),
        ("[Intro] [Guitar Solo] [Outro]", "intro solo outro"),
        ("(Verse 1) walking (Chorus) hey (Verse 2) here we go (Chorus) hey", "verse chorus verse chorus"),
        ("Verse 1: the rain falls. Chorus: oh come back. Verse 2: the sun is up. Chorus: oh come back", "verse chorus verse chorus"),
        ("Verse 1 (quiet), Chorus (loud), Verse 2 (add drums), Chorus x2, Outro (fade)", "verse chorus verse chorus chorus outro"),
        ("Verse 1 (piano only), Chorus (full band), Verse 2 (add drums), Chorus, Outro", "verse chorus verse chorus outro"),
        ("Intro (piano), Verse 1 (add bass), Chorus (loud), Bridge (half-time), Outro (fade)", "intro verse chorus bridge outro"),
        ("verse 1 chorus 1 verse 2 chorus 2 bridge chorus 3", "verse chorus verse chorus bridge chorus"),
    ],
)  # fmt: skip
def test_headings_are_the_form(text: str, kinds: str) -> None:
    wishes = read_sentence(text)
    assert wishes.form and wishes.form.kinds == tuple(kinds.split()) and not wishes.missing
    assert bool(wishes.ending.faded) == ("fade" in text)


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("intro 4 verse 8 chorus 8 outro 4", (4, 8, 8, 4)), ("Strophe 8, Refrain 8, Strophe 8", (8, 8, 8)),
        ("verse 1 chorus 1 verse 2", ()), ("verse 2, chorus 2, bridge 4", ()), ("intro 4 bars, verse 8 bars", (4, 8)),
        ("intro: 8 bars, piano; verse: 16 bars, add bass; chorus: 16 bars, everyone", (8, 16, 16)),
    ],
)  # fmt: skip
def test_numbers_behind_sections_are_their_bars(text: str, bars: tuple[int, ...]) -> None:
    form = read_sentence(text).form
    assert form and form.bars == bars


@pytest.mark.parametrize(
    "text",
    [
        "we crossed the rock bridge in the country", "the chorus of birds was loud", "the house intro was nice and the bridge was closed",
        "the end is near", "the beginning is hard", "the middle part of my back hurts", "I heard a sad verse about the sea",
        "she read me the first verse, sad as ever", "my first half of the year was slow", "the bridge is quiet", "[sic] he said [laughs]",
        "Bridge: the river is high", "time goes by so slow and fast", "He has the style of a king", "melancholy of a town by the sea",
        "rock chorus line dancers", "the movie ends happy", "my story starts sad", "it was dark, then calm", "the last part is missing", "at the end it is quiet in the hall",
    ],
)  # fmt: skip
def test_stories_of_sections_ask_for_nothing(text: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.changes, wishes.missing, wishes.form, wishes.style) == ((), (), None, "")


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a rock song with a wild middle, then calm", [("loud", Place("middle")), ("soft", Place("end"))]),
        ("a piano ballad that builds to a loud chorus, then calm", [("loud", CHORUS), ("soft", Place("end"))]),
        ("a song for piano; in the middle it gets loud, and at the end it is calm again", [("loud", Place("middle")), ("soft", Place("end"))]),
        ("quiet-loud-quiet rock", [("soft", None), ("loud", None), ("soft", None)]),
        ("start with a lone piano, everything in the last chorus", [("loud", Place("chorus", -1))]),
        ("a song that begins quietly with solo piano; in the middle it gets loud and dark; and at the end it is calm",
         [("loud", Place("middle")), ("soft", Place("end")), ("soft", Place("start"))]),
    ],
)  # fmt: skip
def test_how_loud_it_is_at_last_is_read(text: str, changes: list[tuple[str, Place | None]]) -> None:
    assert [(c.value, c.place) for c in read_sentence(text).changes if c.what == "level"] == changes


@pytest.mark.parametrize(
    ("text", "moods"),
    [
        ("jazz trio, melancholy, 2 minutes, ends happy", [("melancholy", (0, 2)), ("happy", (1, 2))]),
        ("melancholy, ends happy", [("melancholy", (0, 2)), ("happy", (1, 2))]), ("sad, but ends hopeful", [("sad", (0, 2)), ("hopeful", (1, 2))]),
        ("a storm piece, loud and angry, then calm", [("angry", (0, 2)), ("calm", (1, 2))]),
        ("sad at first, then angry, then at peace", [("sad", (0, 3)), ("angry", (1, 3)), ("peaceful", (2, 3))]),
        ("a song that ends happy", [("happy", (1, 2))]), ("Ein Lied, traurig, endet fröhlich", [("sad", (0, 2)), ("happy", (1, 2))]),
        ("uma bossa nova triste que termina alegre", [("sad", (0, 2)), ("happy", (1, 2))]),
    ],
)  # fmt: skip
def test_a_mood_that_a_list_ends_with_is_turned_to(text: str, moods: list[tuple[str, tuple[int, int]]]) -> None:
    wishes = read_sentence(text)
    assert [(c.value, c.share) for c in wishes.changes if c.what == "mood"] == moods
    assert wishes.mood in ("", "angry", "sad"), "the rest of the text says how it begins"


@pytest.mark.parametrize(
    ("text", "parts", "begins"),
    [
        ("first part sad, second angry, third hopeful", "mood sad, mood angry, mood hopeful", "sad"),
        ("The first part is sad, the second part is angry and the last part is hopeful", "mood sad, mood angry, mood hopeful", "sad"),
        ("a piece in three parts: sad, angry, hopeful", "mood sad, mood angry, mood hopeful", "sad"),
        ("final boss phase 1 tense, phase 2 furious, phase 3 triumphant", "mood tense, mood furious, mood triumphant", "tense"),
        ("three moods: calm, tense, relieved", "mood calm, mood tense, mood calm", "calm"),
        ("3 movements: calm, wild, triumphant", "mood calm, mood wild, mood triumphant", "calm"),
        ("first part quiet, second part loud, last part quiet", "level soft, level loud, level soft", ""),
        ("erster Teil traurig, zweiter wütend, dritter hoffnungsvoll", "mood sad, mood angry, mood hopeful", "traurig"),
        ("Zuerst traurig, dann wütend, am Ende hoffnungsvoll", "mood sad, mood angry, mood hopeful", "traurig"),
        ("d'abord triste, ensuite en colère, enfin plein d'espoir", "mood sad, mood angry, mood hopeful", "triste"),
        ("empieza triste, luego se enfada y termina feliz", "mood sad, mood angry, mood happy", "triste"),
        ("eerst verdrietig, dan boos, dan hoopvol", "mood sad, mood angry, mood hopeful", "verdrietig"),
    ],
)  # fmt: skip
def test_parts_in_turn_share_the_song(text: str, parts: str, begins: str) -> None:
    wishes = read_sentence(text)
    assert ", ".join(f"{c.what} {c.value}" for c in wishes.changes) == parts and wishes.mood == begins
    assert [c.share for c in wishes.changes] == [(n, 3) for n in range(3)] and not wishes.missing


def test_parts_of_which_nothing_is_known_are_told() -> None:
    assert (
        read_sentence("a piece in three parts: morning, storm, sunset")
        .missing[0]
        .startswith("no choice of sections (three parts)")
    )
    assert not read_sentence("my first part of life was sad, the second happy, the third fine").changes


def test_a_song_that_ends_happy_begins_as_it_is_told(sketch) -> None:
    song = sketch(text="jazz trio, melancholy, ends happy", sections="verse 4, chorus 4", key=None, models=False)
    first, last = song.trace["form"]["sections"]
    assert first["mood"]["valence"] < 0 < last["mood"]["valence"]
    lines = [line for line in song.remarks if line.startswith("mood ")]
    assert [line.split(" in ")[0] for line in lines] == ["mood melancholy", "mood happy from bar 5 on,"], lines


@pytest.mark.parametrize(
    ("text", "key"),
    [("the bridge in D major", "B minor"), ("refrain en la mineur", "C major"), ("in F, the bridge in D major", "F ")],
)
def test_a_song_of_which_one_section_has_a_key_is_in_its_relative(text: str, key: str) -> None:
    assert " ".join(read_sentence(text).key) == key


def test_a_section_has_a_key_and_a_tempo_of_its_own(sketch) -> None:
    text = "a pop song, 100 bpm, verse in A minor, chorus in C major, chorus at 120 bpm"
    song = sketch(text=text, sections="verse 4, chorus 4, verse 4", models=False)
    assert [s["key"] for s in song.trace["form"]["sections"]] == ["A minor", "C major", "A minor"]
    assert [(t.start, t.tempo) for t in song.arrangement.tempos] == [(0, 100), (16, 120), (32, 100)]
