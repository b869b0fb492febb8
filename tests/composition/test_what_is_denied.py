"""What a text denies, tells of or writes otherwise, in seven languages: dances, endings, sections, metres, moods that change."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_mood import pictured_mood
from kmidi_lab.composition.sentence import read_sentence

_SECTIONS = "no choice of sections ("


@pytest.mark.parametrize(
    "text",
    [
        "Das ist kein Walzer", "No es un vals", "Pas de valse, une chanson triste", "Ce n'est pas une valse, une chanson triste",
        "non è un valzer, una canzone triste", "não é uma valsa, uma canção triste", "het is geen wals, een lied",
        "Ich marschierte zum Marsch in Berlin", "La marcha por la paz, una canción alegre", "le menuet de ma grand-mère est mort",
    ],
)  # fmt: skip
def test_a_dance_that_is_denied_or_told_of_is_not_played(text: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.metres, wishes.tempo) == ((), None) and wishes.language != "English"


@pytest.mark.parametrize(
    "text",
    [
        "ein Walzer in Es",
        "une valse de Vienne",
        "un vals triste",
        "Das ist ein Walzer",
        "una canción a ritmo de vals",
        "una canción triste al ritmo del vals",
        "une chanson à tempo de valse",
        "een langzame wals",
    ],
)
def test_a_dance_that_is_asked_for_is(text: str) -> None:
    assert [metre for _, metre in read_sentence(text).metres] == ["3/4"]


@pytest.mark.parametrize(
    "text", ["Non voglio un ritardando alla fine", "Ich will kein Ritardando", "no quiero un ritardando al final"]
)
def test_an_ending_that_is_denied_is_none(text: str) -> None:
    assert not read_sentence(text).ending


@pytest.mark.parametrize(
    ("text", "kinds", "told"),
    [
        ("Une chanson sans refrain, couplet, couplet, pont", "verse verse bridge", "sans refrain"),
        ("Ein Lied: Strophe, kein Refrain, Bridge, Strophe", "verse bridge verse", "kein refrain"),
        ("a song without a chorus: verse, verse, bridge, verse", "verse verse bridge verse", "without a chorus"),
        ("a song: verse, chorus, verse, chorus, bridge, double chorus", "verse chorus verse chorus bridge chorus chorus", ""),
        ("a song: verse, chorus, verse, chorus, bridge, big chorus", "verse chorus verse chorus bridge chorus", ""),
        ("verse, chorus x2, bridge, chorus x2", "verse chorus chorus bridge chorus chorus", ""),
        ("ein Lied: eine Strophe, ein lauter Refrain, eine Strophe, ein lauter Refrain", "verse chorus verse chorus", ""),
        ("Une ballade triste, deux couplets et un refrain", "", "deux couplets"),
        ("een lied met twee coupletten", "", "twee coupletten"),
    ],
)  # fmt: skip
def test_each_section_is_played_or_told(text: str, kinds: str, told: str) -> None:
    wishes = read_sentence(text)
    assert " ".join(wishes.form.kinds if wishes.form else ()) == kinds
    assert [
        line for line in wishes.missing if line.startswith(f"{_SECTIONS}{told})" if told else _SECTIONS)
    ] != [] or not told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ein trauriges Lied, das fröhlich endet", "fröhlich endet"), ("una canción triste que termina alegre", "termina alegre"),
        ("une chanson triste qui finit joyeuse", "finit joyeuse"), ("a sad song that ends happily", "ends happily"),
        ("a happy song that ends happily", ""), ("ein trauriges Lied, das traurig endet", ""), ("ich war traurig, dann fröhlich", ""),
    ],
)  # fmt: skip
def test_a_mood_at_the_end_that_is_another_is_read(text: str, told: str) -> None:
    turned = {(c.what, c.words) for c in read_sentence(text).changes if c.share != (0, 2)}
    assert turned == ({("mood", told)} if told else set())


def test_a_dance_that_changes_its_mood_stays_one() -> None:
    assert [metre for _, metre in read_sentence("ein fröhlicher Walzer, der traurig endet").metres] == ["3/4"]


@pytest.mark.parametrize(
    "text", ["ein Lied, das im Refrain nicht explodiert", "una canción que en el estribillo no explota"]
)
def test_a_course_that_is_denied_inside_gets_no_line(text: str) -> None:
    assert not read_sentence(text).missing


@pytest.mark.parametrize(
    ("text", "key", "chords"),
    [
        ("Verse: Am F C G, chorus: F G Em Am, in A minor", ("A", "minor"), "verse: Am F C G; chorus: F G Em Am"),
        ("A song with verse Dm Gm A Dm and chorus F C Gm A", ("", ""), "verse: Dm Gm A Dm; chorus: F C Gm A"),
        ("Chords Am F C G in the verse and F G Em Am in the chorus", ("", ""), "verse: Am F C G; chorus: F G Em Am"),
    ],
)
def test_a_second_row_of_chords_is_no_key(text: str, key: tuple[str, str], chords: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.key, wishes.chords) == (key, chords)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ein Lied im Dreivierteltakt", {"metres": ["3/4"]}), ("un vals en tres por cuatro", {"metres": ["3/4", "3/4"]}),
        ("une chanson à 100 à la noire", {"tempo": (100, 100)}), ("une chanson en ut mineur", {"key": ("C", "minor")}),
        ("Ich war in H, mein Hund starb", {"key": ("", "")}), ("ein Lied in H", {"key": ("B", "")}),
        ("A slow blues shuffle in E, 60 bpm", {"style": "jazz", "feel": "Swung", "key": ("E", "")}),
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_read(text: str, found: dict[str, object]) -> None:
    wishes = read_sentence(text)
    read = {name: getattr(wishes, name) for name in found}
    assert {name: [m for _, m in what] if name == "metres" else what for name, what in read.items()} == found


def test_what_stands_between_hides_no_change_of_key() -> None:
    wishes = read_sentence("A rock track in E with double kick and a key change at the end")
    assert [c.what for c in wishes.changes] == ["shift"] and "no such kit (double kick)" in " ".join(wishes.missing)


@pytest.mark.parametrize("text", ["a jolly tune", "A merry little dance in 6/8", "a gleeful march in B flat"])
def test_plain_words_for_gladness_are_moods(text: str) -> None:
    assert pictured_mood(text)[0] == "cheerful"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("an angry song with chords bII V i in A", "A minor"), ("chords i iv V7 i, a song in A", "A minor"),
        ("a song with I V vi IV in A", "A major"), ("a song in A", "A major"), ("a song in A minor with the chords i iv V7", "A minor"),
    ],
)  # fmt: skip
def test_numerals_tell_the_mode_of_a_key_without_one(text: str, key: str) -> None:
    assert str(brief_of(SongRequest(text), None, 1).spelling) == key


@pytest.mark.parametrize(
    ("text", "kit", "tempo"),
    [
        ("a song with shaker but no tambourine", "with shaker", None), ("the quickest way to lose a friend", "", None),
        ("the fastest rock song", "", (150, 180)),
    ],
)  # fmt: skip
def test_what_is_left_out_is_not_complained_of(text: str, kit: str, tempo: object) -> None:
    wishes = read_sentence(text)
    assert [line.partition(")")[0] for line in wishes.missing] == ([f"no such kit ({kit}"] if kit else [])
    assert wishes.tempo == tempo
