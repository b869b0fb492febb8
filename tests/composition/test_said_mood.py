"""A plain word for a mood counts in other languages, too: a glad waltz is in major, a sad song in minor."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.languages import language_of
from kmidi_lab.composition.said_mood import said_mood


@pytest.mark.parametrize(
    ("text", "mood", "words"),
    [
        ("ein fröhlicher Walzer", "happy", "fröhlicher"), ("ein Lied, traurig und langsam", "sad", "traurig"),
        ("ein Lied, nicht traurig", "", ""), ("une chanson joyeuse", "happy", "joyeuse"), ("une valse triste en ré mineur", "sad", "triste"),
        ("una canción triste que se apaga", "sad", "triste"), ("una musica calma e lenta", "calm", "calma"),
        ("uma canção triste", "sad", "triste"), ("een vrolijk liedje", "happy", "vrolijk"), ("ein Lied über den Regen", "", ""),
        ("una canción de rock con un solo de guitarra", "", ""), ("un pezzo per pianoforte solo", "", ""),
        ("una sola canzone veloce", "", ""), ("une valse pour piano seul", "", ""), ("uma canção para piano sozinho", "", ""),
        ("una canción solitaria", "sad", "solitaria"), ("une chanson solitaire", "sad", "solitaire"), ("ein einsames Lied", "sad", "einsames"),
        ("ein Lied, das alles andere als traurig ist", "", ""), ("une chanson tout sauf triste", "", ""),
        ("una canzone tutt’altro che triste", "", ""), ("una canción nada triste", "", ""), ("ein anderes trauriges Lied", "sad", "trauriges"),
    ],
)  # fmt: skip
def test_a_plain_mood_is_read_in_its_language(text: str, mood: str, words: str) -> None:
    assert language_of(text) != "English"
    assert said_mood(text, language_of(text)) == (mood, words)


@pytest.mark.parametrize(("text", "mode"), [("ein fröhlicher Walzer", 1), ("una canción triste", -1)])
def test_it_is_the_songs(make, text: str, mode: int) -> None:
    song = make(text=text, bars=4, models=False)
    assert song.brief.key.mode == mode
    assert [line for line in song.remarks if line.startswith("mood ") and " from the text (" in line]
    assert not [line for line in song.remarks if "not sure" in line]
    typed = make(text=text, bars=4, emotion="calm", models=False)
    assert not [line for line in typed.remarks if line.startswith("mood ")], "what is typed comes first"
