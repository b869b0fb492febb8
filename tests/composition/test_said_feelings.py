"""Feelings in other languages than English: by a list of words, with what denies them, told in one line."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.glossary import words_in
from kmidi_lab.composition.said_feelings import said_feelings, signed_mood
from kmidi_lab.song.vocabularies import mood_affect

FELT = [
    ("German", "Ich vermisse meine Oma", "mood longing from the text (vermisse)"),
    ("Spanish", "Estoy perdido y buscando", "mood searching from the text (perdido)"),
    ("Spanish", "sin ti lloro", "mood longing and sad from the text (sin ti, lloro)"),
    ("French", "J’ai le cafard", "mood sad from the text (cafard)"),
    ("Italian", "Mi manchi tantissimo", "mood longing from the text (mi manchi)"),
    ("Portuguese", "O cachorro morreu ontem", "mood grieving from the text (morreu)"),
    ("Dutch", "Ik ben zo verliefd", "mood loving from the text (verliefd)"),
    ("German", "ein FROEHLICHES Lied", "mood happy from the text (froehliches)"),
    ("German", "Ich hab keinen Bock mehr", "mood frustrated from the text (keinen bock)"),
    ("German", "Wiegenlied für meine Tochter", "mood soothing from the text (wiegenlied)"),
    ("Portuguese", "saudade da minha terra", "mood longing from the text (saudade)"),
    # denied
    ("German", "Ich bin nicht mehr traurig", "mood hopeful from the text (nicht mehr traurig)"),
    ("German", "Ich freue mich nicht", "mood melancholy from the text (freue mich nicht)"),
    ("German", "alles andere als traurig", "mood hopeful from the text (alles andere als traurig)"),
    ("French", "Je ne suis pas heureux", "mood melancholy from the text (ne suis pas heureux)"),
    ("French", "je t'aime pas", "mood melancholy from the text (aime pas)"),
    ("Italian", "non ho paura", "mood hopeful from the text (non ho paura)"),
    ("Dutch", "ik ben niet bang meer", "mood hopeful from the text (niet bang)"),
    # not denied
    ("German", "Ich kann nicht aufhören zu weinen", "mood sad from the text (weinen)"),
    ("German", "nicht nur traurig, sondern wütend", "mood sad and angry from the text (traurig, wütend)"),
    ("Spanish", "no puedo dejar de llorar", "mood sad from the text (llorar)"),
    ("French", "je ne fais que pleurer", "mood sad from the text (pleurer)"),
]
NONE = [
    ("German", "weder traurig noch fröhlich"),
    ("German", "ein Lied über einen Zug"),
    ("Dutch", "alleen piano en cello"),
    ("Spanish", "solo guitarra"),
    ("French", "pour harpe seule"),
    ("Spanish", "ni triste ni alegre"),
    ("Korean", "슬픈 노래"),
]


@pytest.mark.parametrize(("language", "text", "line"), FELT)
def test_feelings_are_read_in_each_language(language: str, text: str, line: str) -> None:
    felt = said_feelings(text, language)
    assert felt is not None and felt.line == line


@pytest.mark.parametrize(("language", "text"), NONE)
def test_no_feeling_is_none(language: str, text: str) -> None:
    assert said_feelings(text, language) is None


@pytest.mark.parametrize(
    ("text", "word", "sign"),
    [
        ("a tune for my dog :)", "happy", ":)"),
        ("😭 and 🙂", "sad", "😭"),
        ("I <3 you", "loving", "<3"),
        ("3:4, (a) x<30", "", ""),
    ],
)
def test_signs_tell_a_mood(text: str, word: str, sign: str) -> None:
    assert signed_mood(text) == (word, sign)


def test_several_feelings_are_their_mean() -> None:
    felt = said_feelings("traurig und wütend", "German")
    assert felt is not None and (felt.valence, felt.arousal) == pytest.approx((-0.6, 0.15))


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("German", "Ein Lied über meinen Opa, der gestorben ist, aber es soll fröhlich sein", ("happy",)), ("Dutch", "een vrolijk lied voor mijn overleden oma", ("happy",)),
        ("Spanish", "una canción para mi abuela que murió, pero alegre", ("happy",)), ("French", "une chanson triste pour ma grand-mère décédée", ("sad", "grieving")),
        ("German", "traurig, aber fröhlich", ("sad", "happy")), ("Italian", "una canzone per mia nonna che è morta, ma allegra", ("happy",)),
    ],
)  # fmt: skip
def test_what_a_song_is_about_is_not_against_what_it_is_to_be(language: str, text: str, words: tuple[str, ...]) -> None:
    felt = said_feelings(text, language)
    assert felt and felt.words == words


def test_every_word_is_one_of_the_feel_lexicon() -> None:
    for language in ("German", "French", "Spanish", "Italian", "Portuguese", "Dutch"):
        feelings = words_in(language)["feelings"]
        assert feelings and all(mood_affect(name) is not None for name in feelings)


@pytest.mark.parametrize(
    ("text", "mode", "line"),
    [
        ("Ich vermisse meine Oma", -1, "mood longing from the text (vermisse)"),
        ("Estoy muy contento hoy", 1, "mood joyful from the text (contento)"),
        ("ein Lied über einen Zug 🙂", 1, "mood happy from the text (🙂)"),
        ("ein Lied über einen Zug", 0, "the text's mood is not sure (not English); set it by compose.emotion"),
    ],
)
def test_a_song_has_the_feeling_and_says_so(make, text: str, mode: int, line: str) -> None:
    song = make(text=text, bars=4, models=False)
    assert line in song.remarks and (not mode or song.brief.key.mode == mode)
