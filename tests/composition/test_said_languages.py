"""Which language a text is in, and musicians' words, keys and tempos of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.languages import language_of, with_keys
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.song import composed
from kmidi_lab.composition.telling import told_of
from kmidi_lab.inference.published import release_root


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
    request = SongRequest(text)
    brief = brief_of(request, None, 1)
    assert (brief.tempo, brief.metre.name) == (tempo, metre)
    assert key is None or str(brief.spelling) == key
    told = told_of(request, brief)
    assert [line for line in told if "not English: its words for music" in line or "not English: only tempo" in line]


@pytest.mark.slow
def test_words_of_another_language_are_not_read_as_english(tmp_path: Path) -> None:
    """`war` is `was`, `solo` is `alone`: neither an instrument alone nor a war is meant, and no mood is made of them."""
    wishes = read_sentence("Ich war so allein, das Lied war ein Solo mit Bass")
    assert (wishes.programs, wishes.without, wishes.style) == ({}, (), "")
    song = composed(SongRequest("Es war drei Uhr und ich war im Haus", bars=4), Players(release_root(), tmp_path), 1)
    assert (song.brief.mood.valence, song.brief.mood.arousal) == (0.0, 0.0)
    assert "the text's mood is not sure (not English); set it by compose.emotion" in song.remarks
    assert "intent" not in {model["model"] for model in song.trace["models"]}
