"""Sections of a form that a text names are of whole phrases, so that no round of chords is cut where the next begins."""

from __future__ import annotations

from itertools import product

import pytest

from kmidi_lab.composition.lengths import lengths
from kmidi_lab.composition.request import SongRequest

_SIX = "verse chorus verse chorus bridge chorus"


@pytest.mark.parametrize(
    ("kinds", "whole", "bars"),
    [
        (_SIX, 80, [12, 16, 12, 16, 8, 16]),
        (_SIX, 48, [8] * 6),
        (_SIX, 64, [8, 12, 8, 12, 12, 12]),
        (_SIX, 82, [12, 16, 12, 16, 8, 18]),
        ("intro verse chorus verse chorus outro", 44, [4, 8, 8, 8, 8, 8]),
        ("verse bridge verse", 20, [8, 4, 8]),
        ("verse pre-chorus chorus", 10, [4, 2, 4]),
        ("intro verse chorus outro", 256, [64] * 4),
        ("intro verse chorus", 190, [62, 64, 64]),
    ],
)
def test_sections_are_of_whole_phrases(kinds: str, whole: int, bars: list[int]) -> None:
    assert lengths(kinds.split(), whole) == bars


@pytest.mark.parametrize("kinds", [_SIX, "intro verse pre-chorus chorus outro", "verse bridge verse"])
def test_a_form_has_all_bars_and_is_of_phrases_but_for_one_section(kinds: str) -> None:
    names = kinds.split()
    for whole in range(len(names), 64 * len(names) + 1):
        bars = lengths(names, whole)
        assert sum(bars) == whole and all(1 <= own <= 64 for own in bars), (whole, bars)
        if whole >= 4 * len(names):
            assert sum(own % 4 != 0 for own in bars) == (whole % 4 != 0), (whole, bars)


def test_the_text_of_a_song_is_heard_so() -> None:
    form = SongRequest(f"{_SIX}, 80 bars, in B minor").form
    assert form and [s.bars for s in form] == [12, 16, 12, 16, 8, 16]
    assert not [(a, b) for a, b in product(form, form) if a.kind == b.kind and abs(a.bars - b.bars) > 4]
