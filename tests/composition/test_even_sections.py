"""What returns in a form is as long as the first time, or half as long."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.choosing import chosen_form, with_even_sections
from kmidi_lab.composition.evening import even, evened
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import _drawn
from kmidi_lab.inference.published import release_root


def form_of(text: str) -> list[Stretch]:
    return [Stretch(kind, int(bars), 0.5, 0.3) for kind, bars in (part.split() for part in text.split(", "))]


def said(form: list[Stretch]) -> str:
    return ", ".join(f"{s.kind} {s.bars}" for s in form)


@pytest.mark.parametrize(
    ("drawn", "heard"),
    [
        ("intro 4, verse 8, chorus 16, bridge 4, chorus 4", "intro 4, verse 8, chorus 8, bridge 8, chorus 8"),
        ("intro 2, verse 8, chorus 8, verse 4, chorus 2", "intro 4, verse 8, chorus 4, verse 4, chorus 4"),
        ("verse 8, chorus 8, bridge 16, chorus 4, outro 4", "verse 8, chorus 8, bridge 12, chorus 8, outro 4"),
        ("intro 2, verse 12, chorus 12, verse 4, chorus 10", "intro 4, verse 8, chorus 12, verse 4, chorus 12"),
        ("verse 8, chorus 8, verse 8, chorus 7", "verse 8, chorus 8, verse 4, chorus 8, outro 3"),
    ],
)
def test_what_returns_is_whole_or_half(drawn: str, heard: str) -> None:
    form, told, cost = with_even_sections(form_of(drawn), sum(s.bars for s in form_of(drawn)))
    assert even([s.kind for s in form], [s.bars for s in form]) and "became even" in told and cost > 0
    assert sum(s.bars for s in form) == sum(s.bars for s in form_of(drawn))
    assert said(form) == heard


@pytest.mark.parametrize(
    "drawn",
    [
        "intro 2, verse 8, chorus 8, verse 4, chorus 8", "verse 12, chorus 4, verse 12, chorus 4", "verse 8, chorus 4, bridge 4, chorus 8",
        "solo 8",
    ],
)  # fmt: skip
def test_a_form_that_is_even_stays(drawn: str) -> None:
    assert with_even_sections(form_of(drawn), sum(s.bars for s in form_of(drawn))) == (form_of(drawn), "", 0.0)


def test_a_song_does_not_begin_with_its_chorus() -> None:
    """Of 24 bars all forms that were drawn began so."""
    form, told = chosen_form(lambda number: form_of("intro 4, chorus 8, verse 4, chorus 8"), 24)
    assert said(form) == "intro 4, verse 4, chorus 4, verse 4, chorus 8"
    assert told.startswith("a verse was put before the first chorus; sections of 4, 4, 8, 4, 8 bars became even")


def test_the_shortest_section_is_halved() -> None:
    form, _, _ = with_even_sections(form_of("verse 8, chorus 8, verse 4, chorus 6, verse 8, chorus 10"), 44)
    assert said(form) == "verse 8, chorus 8, verse 4, chorus 8, verse 8, chorus 8"


def test_of_forms_as_good_one_that_needs_no_change_is_chosen() -> None:
    even_form, other = "intro 4, verse 8, chorus 8, verse 8, chorus 8", "intro 4, verse 8, chorus 8, verse 12, chorus 4"
    assert said(with_even_sections(form_of(other), 36)[0]) == even_form
    form, changed = chosen_form(lambda number: form_of(other if number == 1 else even_form), 36)
    assert said(form) == even_form and changed == ""


def test_a_last_chorus_is_whole_and_a_first_verse_too() -> None:
    assert even(["verse", "chorus", "verse", "chorus"], [8, 4, 4, 8])
    assert not even(["verse", "chorus", "verse", "chorus"], [4, 8, 8, 8])
    assert not even(["verse", "chorus", "verse", "chorus"], [8, 8, 8, 4])
    assert not even(["verse", "chorus"], [8, 6])


@given(
    st.lists(st.sampled_from(["intro", "verse", "chorus", "bridge", "solo"]), min_size=1, max_size=8),
    st.integers(2, 24),
)
def test_even_sections_have_all_bars(kinds: list[str], phrases: int) -> None:
    near = [8] * len(kinds)
    if found := evened(kinds, near, 4 * phrases):
        bars, cost = found
        assert sum(bars) == 4 * phrases and even(kinds, bars) and cost >= 0 and min(bars) > 0


@pytest.mark.slow
@pytest.mark.parametrize("bars", [24, 28, 32, 36, 40, 48, 64])
def test_forms_of_songs_are_even(bars: int, tmp_path: Path) -> None:
    players = Players(release_root(), tmp_path)
    for seed in (1, 2):
        brief = brief_of(SongRequest(emotion="joyful", bars=bars), None, seed)
        plan, _ = chosen_form(lambda number, brief=brief: _drawn(players, brief, number), bars)
        kinds, own = [s.kind for s in plan], [s.bars for s in plan]
        assert sum(own) == bars and even(kinds, own), said(plan)
        assert kinds.index("verse") < kinds.index("chorus") and kinds.count("chorus") > 1, said(plan)
