"""What the lab says in settings, the page says in its own fields; and what it says of one model's answer."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.request import SongRequest
from kmidi_lab.errors import UserError, first_line
from kmidi_lab.serving.speech import NOTHING, page_line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("the text names no feeling, so the seed chooses key and style; set a mood by compose.emotion",
         "the text names no feeling, so the seed chooses key and style; choose the mood by hand if you like"),
        ("tempo 80 from the text is not used: compose.tempo=70 was typed", "tempo 80 from the text is not used: tempo 70 was typed"),
        ("no such harmony (rich chords): type chords with compose.chords", "no such harmony (rich chords): type them under own chords"),
        ('of your 4 bars verse the first 2; longer sections play all, as in compose.sections="verse 4, chorus 4"',
         "of your 4 bars verse the first 2; longer sections play all, as in the sections verse 4, chorus 4"),
        ("no choice of sections (no intro): name them in order, such as verse chorus, or type compose.sections",
         "no choice of sections (no intro): name them in order, such as verse chorus, or write them under sections"),
        ("predict.text is empty", "text is empty"),
    ],
)  # fmt: skip
def test_a_line_is_said_in_the_pages_words(line: str, said: str) -> None:
    assert page_line(line) == said


@pytest.mark.parametrize(
    "settings",
    [{"tempo": 3}, {"bars": 1}, {"key": "H#"}, {"chords": "Am Xyz"}, {"sections": "verse"}, {"style": "polka"}, {"metre": "5/4"},
     {"emotion": "zzz"}, {"text": "x" * 5000}],
)  # fmt: skip
def test_no_refusal_speaks_the_command_line(settings: dict) -> None:
    with pytest.raises(UserError) as refused:
        SongRequest(**({"text": "a song"} | settings))
    said = page_line(first_line(refused.value))
    assert "compose." not in said and "predict." not in said and "task=" not in said, said


def test_nothing_to_compose_from_is_said_by_the_page(client) -> None:
    for sent in ({}, {"text": "  "}, {"bars": 8, "answers": []}):
        refused = client.post("/api/compose", json=sent)
        assert refused.status_code == 400 and refused.json()["error"] == NOTHING
    long = client.post("/api/compose", json={"text": "a song", "sections": "verse 64, chorus 64, verse 8"})
    assert long.status_code == 400 and "136 bars is too long for the page: give at most 128" in long.json()["error"]


@pytest.mark.slow
def test_answers_have_rows_in_words(client) -> None:
    def rows(model: str, text: str) -> list[list[str]]:
        return client.post(f"/api/tell/{model}", json={"text": text}).json()["rows"]

    [key, first, *_] = rows("harmony", "Dm7 G7")
    assert key[0] == "key" and key[1].startswith("C major")
    assert first[0].startswith("C") and first[1].endswith("% likely to come next")
    feeling = dict(rows("intent", "I am so sad that she left"))
    assert feeling["feeling"].startswith("sad ") and feeling["sad to happy"].startswith("-0.")
    [unsure] = rows("intent", "the florb of a wug is not in zib")
    assert unsure[0] == "unsure" and "0% of its words are known" in unsure[1]
    assert rows("structure", "24")[0][0] == "bar 1"
