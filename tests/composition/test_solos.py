"""A solo that a sentence asks for is a section, played by who is named."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.change import Change
from kmidi_lab.composition.form import read_form
from kmidi_lab.composition.said_places import Place
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.soloing import soloist_of, solos

SOLO = Place("solo")


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("a rock song with a guitar solo after the second chorus", "guitar"), ("solo over 8 bars guitar", "guitar"), ("a rock song with an 8-bar sax solo", "sax"),
        ("jazz with flute and a trumpet solo", "trumpet"), ("the violin takes a solo in the bridge, folk song", "violin"), ("power ballad, guitar solo after the bridge", "guitar"),
        ("Gitarrensolo nach dem zweiten Refrain", "guitar"), ("haz una canción de rock con solo de guitarra", "guitar"), ("un solo de saxophone après le deuxième refrain", "saxophone"),
        ("solo de violín en el puente", "violin"), ("solo guitarra, triste", ""), ("una canción para guitarra solo", ""),
        ("a piano solo, sad", ""), ("guitar solo, rock, 120", ""), ("a song about my dad's guitar solo", ""), ("trumpet solo over a walking bass", ""),
    ],
)  # fmt: skip
def test_a_solo_is_read(text: str, who: str) -> None:
    wishes = read_sentence(text)
    assert [(c.what, c.value, c.place) for c in wishes.changes] == ([("solo", who, SOLO)] if who else [])
    assert not who or (wishes.bars is None and who not in (wishes.words.get(f"program {r}") for r in wishes.programs))


def test_its_bars_are_told() -> None:
    def told(words: str, form: str) -> str:
        change = Change("solo", "sax", SOLO, words)
        return str(solos(read_form(form), [change])[change])

    form = "verse 4, chorus 4, solo 4, chorus 4"
    assert told("a sax solo after the chorus", form).startswith("solo sax in bars 9-12 from")
    assert told("a sax solo after the verse", form).startswith("solo sax in bars 9-12, where the form has room from")
    assert told("a sax solo over 8 bars", form).startswith("solo sax in bars 9-12, not 8 bars from")
    assert told("a sax solo", "verse 4, chorus 4").endswith("is not used: the song has no such place")


def test_a_guitar_is_the_one_of_the_style() -> None:
    change = Change("solo", "guitar", SOLO, "a guitar solo")
    assert [soloist_of([change], style) for style in ("rock", "folk")] == [29, 25] and soloist_of([], "rock") is None


def test_who_is_named_plays_it(sketch) -> None:
    song = sketch(text="a folk song with flute and a trumpet solo", bars=20, models=False)
    solo = next(s for s in song.arrangement.sections if s.name == "solo")
    part = next(p for p in song.arrangement.parts if p.name == "Solo")
    assert part.program == 56 and part.notes and all(solo.start <= n.start < solo.start + 4 * 20 for n in part.notes)
    assert song.arrangement.part("lead").program == 73
