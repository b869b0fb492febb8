"""Players, genres, lengths and parts to leave out in six languages: asked for as in English, or told of and left alone."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest

from kmidi_lab.composition.gloss import glossed
from kmidi_lab.composition.glossary import words_in
from kmidi_lab.composition.languages import language_of
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.vocabulary import kinds

LANGUAGES = ("German", "French", "Spanish", "Italian", "Portuguese", "Dutch")
ASKED: dict[str, dict[str, Any]] = {
    "ein Lied mit Klavier und Flöte": {"programs": {"chords": 0, "lead": 73}},
    "une valse pour violon et piano": {"programs": {"lead": 40, "chords": 0}},
    "una canción sin batería": {"without": ("drums",)},
    "canzone triste senza basso": {"without": ("bass",)},
    "ein trauriges Lied, 16 Takte": {"bars": 16},
    "ein Lied von zwei Minuten": {"seconds": 120},
    "een liedje van drie minuten": {"seconds": 180},
    "una canción alegre para guitarra y flauta, dos minutos y medio": {"seconds": 150, "programs": {"chords": 25, "lead": 73}},
    "ein dreiminütiges Lied": {"seconds": 180},
    "une chanson d'une demi-minute": {"seconds": 30},
    "ein Blues in H": {"style": "jazz", "key": ("B", "")},
    "Schreib mir bitte eine langsame Klavierballade in d-Moll, ohne Schlagzeug": {
        "style": "ballad", "key": ("D", "minor"), "programs": {"chords": 0}, "without": ("drums",), "tempo": (66, 84)},
    "une chanson triste à la guitare acoustique, sans batterie ni basse": {"programs": {"chords": 25}, "without": ("bass", "drums")},
    "un quatuor à cordes en ré mineur": {"key": ("D", "minor"), "programs": {"lead": 40, "chords": 48, "pad": 48, "bass": 42}},
    "un tema de rock con guitarra eléctrica, sin teclados": {"style": "rock", "programs": {"chords": 27}, "no_family": (0, 2)},
    "uma música para violão e flauta, sem bateria": {"programs": {"chords": 25, "lead": 73}, "without": ("drums",)},
    "een vrolijk nummer met trekzak en viool, zonder drums": {"programs": {"chords": 21, "lead": 40}, "without": ("drums",)},
    "Ich will etwas mit zwei Geigen und Cello": {"programs": {"lead": 40, "bass": 42}, "second": 40},
    "nur Klavier": {"programs": {"lead": 0, "chords": 0, "bass": 0}, "without": ("pad", "drums")},
    "Die Geige spielt die Melodie, ein ruhiges Lied": {"programs": {"lead": 40}},
    "una canzone con la chitarra e il pianoforte": {"programs": {"chords": 25, "lead": 0}},
    "un pezzo jazz lento con tromba e contrabbasso": {"style": "jazz", "programs": {"lead": 56, "bass": 32}},
    "een rockballade zonder gitaar": {"style": "rock", "no_family": (3,)},
    "kein Klavier, sondern Gitarre, ein trauriges Lied": {"programs": {"chords": 25}, "no_family": (0,)},
    "Lass das Schlagzeug weg, ein Lied mit Harfe": {"programs": {"chords": 46}, "without": ("drums",)},
    "ein Lied mit Floete": {"programs": {"lead": 73}},
    "una cancion con violin": {"programs": {"lead": 40}},
    "una cancion de rock en mi menor a 120 con bateria": {"style": "rock", "key": ("E", "minor"), "tempo": (120, 120)},
    "un blues lent en mi avec harmonica": {"style": "jazz", "key": ("E", ""), "tempo": (66, 84), "programs": {"lead": 22}},
    "hazme un tema épico de dos minutos para mi videojuego": {"seconds": 120},
    "Necesito un jingle de 10 segundos para mi panadería": {"seconds": 10, "style": "pop"},
    "une musique joyeuse, 1 min 30": {"seconds": 90},
    "Lied für 2 Flöten": {"programs": {"lead": 73}, "second": 73},
    "un brano per archi e pianoforte, lentissimo": {"programs": {"pad": 48, "chords": 0}, "tempo": (66, 84)},
    "una canción mexicana de dos minutos": {"seconds": 120},
    "un truc doux au piano": {"programs": {"chords": 0}},
    "ne Ballade mit Klavir und Cello": {"style": "ballad", "programs": {"chords": 0, "lead": 42}},
}  # fmt: skip
TOLD = [
    "Ich höre gern Jazz und trinke Wein", "Das Klavier meiner Oma steht im Keller", "ein Lied über das Klavier meiner Oma",
    "Mein Vater hat Gitarre gespielt", "Wir tanzten zu Jazz", "Ich traf dich in einer Jazz Bar", "la batterie de mon téléphone est vide",
    "Ein Lied für meinen Bruder, der Schlagzeug spielt", "Une chanson pour mon frère qui joue de la batterie", "j'ai le blues ce soir",
    "una canción bajo la lluvia", "una canción para creer en mi", "una canzone che inizia piano e finisce", "Mein Bruder wartet seit zwei Stunden",
]  # fmt: skip


@pytest.mark.parametrize("text", ASKED)
def test_terms_of_six_languages_are_asked_for_as_in_english(text: str) -> None:
    wishes = read_sentence(text)
    assert wishes.language in LANGUAGES
    assert {name: getattr(wishes, name) for name in ASKED[text]} == ASKED[text]


@pytest.mark.parametrize("text", TOLD)
def test_what_a_text_tells_of_is_not_asked_for(text: str) -> None:
    wishes = read_sentence(text)
    asked = (wishes.programs, wishes.without, wishes.no_family, wishes.style, wishes.bars, wishes.seconds, wishes.key)
    assert asked == ({}, (), (), "", None, None, ("", "")) and wishes.language != "English"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("una bossa nova con chitarra", "no bossa nova: the styles are"), ("ein Lied mit Chor und Orchester", "no choir: "),
        ("um samba alegre com pandeiro", "no samba: "),
        ("maak iets in de stijl van Rammstein", "no style of its own (in de stijl van rammstein)"),
    ],
)  # fmt: skip
def test_what_can_not_be_had_is_told_in_each_language(text: str, line: str) -> None:
    assert any(told.startswith(line) for told in read_sentence(text).missing)


@pytest.mark.parametrize("text", ["una canción al estilo de jazz", "ein Lied über Berlin"])
def test_a_genre_is_nobodys_style(text: str) -> None:
    assert not read_sentence(text).missing


@pytest.mark.parametrize("text", ["ein Lied mit Flöte", "une chanson à l’accordéon", "una canción con violín"])
def test_letters_in_two_pieces_and_curled_apostrophes_are_read(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    assert apart.isascii() or read_sentence(apart) == read_sentence(text)
    assert read_sentence(text).programs


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("nur Klavier", "German"), ("chitarra e voce", "Italian"), ("Ti amo", "Italian"), ("Ik hou van je", "Dutch"), ("Mi manchi tantissimo", "Italian"),
        ("solo cello", "English"), ("come home", "English"), ("sin city", "English"), ("we met", "English"), ("broken pieces", "English"),
        ("trouble again", "English"), ("war zone", "English"), ("slow piano solo", "English"), ("allegro ma non troppo, happy", "English"),
    ],
)  # fmt: skip
def test_words_for_music_and_feelings_tell_a_language(text: str, language: str) -> None:
    assert language_of(text) == language


def test_the_glossary_names_terms_of_english() -> None:
    small = {"but", "play", "two", "three", "four", "in major", "in minor", "it is"}
    for language in LANGUAGES:
        assert {name for name in words_in(language)["terms"] if name.lower() not in kinds()} <= small


@pytest.mark.parametrize("language", [*LANGUAGES, "Korean"])
@pytest.mark.parametrize("part", ["mit Klavier ", "zwei ", "l'", "piano ", "sin ", "é "])
def test_the_longest_text_is_glossed_at_once(language: str, part: str) -> None:
    begun = time.process_time()
    glossed((part * 4000)[:4000], language)
    assert time.process_time() - begun < 1
