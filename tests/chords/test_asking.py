"""What a person may call a feeling."""

from __future__ import annotations

import pytest

from kmidi_lab.chords.asking import affect_of, lexicon, parse_affect
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.emotion_node.features import SUBS, load_thesaurus
from kmidi_lab.song.vocabularies import MOODS


def test_every_word_of_the_thesaurus_is_known_and_lies_where_the_thesaurus_has_it() -> None:
    first = {}
    for node in load_thesaurus():
        first.setdefault(node.name.replace("_", " "), (node.valence, node.arousal))
    for name, place in first.items():
        if name not in lexicon():
            assert parse_affect(name) == pytest.approx(place, abs=0.006), name
    for names in SUBS.values():
        assert all(parse_affect(name.replace("_", " ")) for name in names)


@pytest.mark.parametrize(
    ("noun", "word"),
    [("happiness", "happy"), ("sadness", "sad"), ("Loneliness", "lonely"), ("anger", "angry"), ("joy", "joyful")],
)
def test_a_noun_means_what_its_adjective_means(noun: str, word: str) -> None:
    assert parse_affect(noun) == pytest.approx(parse_affect(word), abs=0.25)


def test_moods_of_one_word_are_known() -> None:
    for mood in MOODS:
        if " " not in mood and mood != "Bittersweet":
            place = parse_affect(mood)
            assert place == pytest.approx(affect_of(MOODS[mood]), abs=0.45), mood


def test_several_words_are_their_mean_and_what_is_unknown_is_left_out() -> None:
    assert parse_affect("happy, brrgl") == parse_affect("happy")
    mixed = parse_affect("joy, sad")
    assert mixed and -0.2 < mixed[0] < 0.3


@pytest.mark.parametrize("word", ["brrgl", "ness", "brrglness", "1,2,3", "2,0", 5, ("a",)])
def test_what_is_not_known_is_one_line(word: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_affect(word)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value) and "predict.emotion=" in str(caught.value)


@pytest.mark.parametrize(
    ("word", "line"), [("zzz", "is not known; give happy,"), ("jooy", "did you mean joy? Give happy,")]
)
def test_a_sentence_behind_a_semicolon_goes_on_small(word: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_affect(word, "compose.emotion")
    assert line in str(caught.value)
