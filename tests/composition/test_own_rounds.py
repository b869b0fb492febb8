"""Sections are whole rounds of the chords that are given, where the form is the lab's to choose; else a line tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.composition.form import read_form
from kmidi_lab.composition.rounds import cut_off, in_rounds

DRAWN = "intro 4, verse 8, chorus 8, verse 8, chorus 8, bridge 8, chorus 12, outro 4"


def own(bars: int):
    """Rows of so many bars for all but a bridge."""
    return lambda kind: 0 if kind == "bridge" else bars


def told(form: str, bars: int, whole: int | None = None) -> str:
    return ", ".join(f"{s.kind} {s.bars}" for s in in_rounds(read_form(form), own(bars), whole))


@pytest.mark.parametrize(
    ("bars", "form"),
    [
        (4, DRAWN),
        (2, DRAWN),
        (8, "intro 4, verse 8, chorus 8, verse 8, chorus 8, bridge 8, chorus 16, outro 4"),
        (3, "intro 3, verse 9, chorus 9, verse 9, chorus 9, bridge 8, chorus 12, outro 3"),
        (5, "intro 5, verse 10, chorus 10, verse 10, chorus 10, bridge 8, chorus 10, outro 5"),
        (6, "intro 6, verse 6, chorus 6, verse 6, chorus 6, bridge 8, chorus 12, outro 6"),
        (12, "intro 4, verse 12, chorus 12, verse 12, chorus 12, bridge 8, chorus 12, outro 4"),
    ],
)
def test_sections_become_whole_rounds(bars: int, form: str) -> None:
    assert told(DRAWN, bars) == form


@pytest.mark.parametrize(
    ("form", "bars", "whole", "becomes"),
    [
        (DRAWN, 8, 60, "intro 4, verse 8, chorus 8, verse 8, chorus 8, bridge 12, chorus 8, outro 4"),
        ("verse 4, chorus 4, verse 4, chorus 4", 8, 16, "verse 8, chorus 8"),
        ("verse 8, chorus 8, verse 8, chorus 8", 5, 32, "verse 10, chorus 10, verse 5, chorus 7"),
        ("verse 16, verse 16, bridge 16, verse 16", 3, 64, "verse 15, verse 15, bridge 16, verse 18"),
        ("intro 4, verse 20, chorus 20, verse 20", 16, 64, "verse 16, chorus 16, verse 32"),
    ],
)
def test_a_length_that_is_asked_for_is_kept(form: str, bars: int, whole: int, becomes: str) -> None:
    assert told(form, bars, whole) == becomes


_SECTIONS = st.lists(
    st.tuples(st.sampled_from(["intro", "verse", "chorus", "bridge", "solo", "outro"]), st.integers(1, 24)), min_size=1, max_size=9
)  # fmt: skip


@given(_SECTIONS, st.integers(1, 20))
def test_any_form_keeps_its_length_and_cuts_off_one_section_at_most(sections: list, bars: int) -> None:
    form = read_form(", ".join(f"{kind} {own}" for kind, own in sections))
    whole = sum(s.bars for s in form)
    out = in_rounds(form, own(bars), whole)
    assert sum(s.bars for s in out) == whole and all(s.bars > 0 for s in out)
    odd = [s for s in out if s.kind not in ("bridge", "intro", "outro") and s.bars % bars]
    assert len(odd) <= 1
    free = in_rounds(form, own(bars), None)
    assert all(s.bars % bars == 0 for s in free if s.kind in ("verse", "chorus", "solo"))


def test_rounds_that_are_cut_off_are_told() -> None:
    [line] = cut_off(read_form("verse 12, chorus 8"), own(8), "your chords")
    assert line == (
        "your chords come round every 8 bars, so the verse of 12 cuts them off; 8 or 16 bars are whole rounds"
    )
    assert cut_off(read_form("intro 4, verse 8, chorus 16, bridge 6"), own(8), "your chords") == []


@pytest.mark.parametrize(
    ("asked", "bars"), [({"chords": "Am F C"}, 3), ({"chords": "C F G Am Dm"}, 5), ({"chords": "C Am F G Dm G"}, 6)]
)
def test_a_song_of_own_chords_plays_whole_rounds(make, asked: dict, bars: int) -> None:
    song = make(models=False, **asked)
    assert all(s.bars % bars == 0 for s in song.arrangement.sections if s.name in ("verse", "chorus", "intro"))
    assert len(song.arrangement.metres) == song.brief.bars
    assert not any("cuts them off" in line for line in song.remarks)
    typed = make(models=False, sections="verse 8, chorus 8", **asked)
    assert [s.bars for s in typed.arrangement.sections] == [8, 8]
    assert any(
        line.startswith(f"your chords come round every {bars} bars, so the verse of 8") for line in typed.remarks
    )
