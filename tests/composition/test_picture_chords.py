"""Chords in a song's picture: none is printed over another, and all of a usual song are there."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib import pyplot as plt

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.picture import drawn
from kmidi_lab.composition.picture_chords import names_in_rows
from kmidi_lab.song import Arrangement, Metre, Note, Part, PlacedChord, Section, Tempo


@pytest.mark.parametrize(("bars", "printed"), [(16, 16), (80, 80), (400, None)])
def test_no_name_of_a_chord_lies_over_another(bars: int, printed: int | None) -> None:
    chords = [parse_jazz(("Bm", "C#m7b5", "Bm7", "F#m")[bar % 4]) for bar in range(bars)]
    song = Arrangement(
        "", Key(2, 1), (Metre(),) * bars, (Tempo(0.0, 100.0),),
        (Section("verse", 0, bars, 0.5, 0.5, 0.3),),
        tuple(PlacedChord(4.0 * bar, 4.0, chord) for bar, chord in enumerate(chords)),
        (Part("Lead", "lead", 0, 0, (Note(0.0, 4.0, 60, 90), Note(4.0, 4.0, 84, 90))),),
    )  # fmt: skip
    figure = drawn(song, "title", Spelling(Key(2, 1), "D"))
    figure.canvas.draw()
    texts = [t for t in figure.axes[0].texts if t.get_weight() != "bold"]
    boxes = [t.get_window_extent(figure.canvas.get_renderer()) for t in figure.axes[0].texts]
    plt.close(figure)
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    assert len(texts) > 60 if printed is None else len(texts) == printed


def test_of_two_names_in_one_place_the_first_is_printed() -> None:
    """A name of four letters is about 20 dots wide, so a row has room for one in four quarters of five dots, not in one."""
    names = names_in_rows([(float(place), "Bm7x") for place in range(8)], 5.0)
    assert [(name.start, name.row) for name in names][:3] == [(0.0, 0), (1.0, 1), (2.0, 2)]
    assert len(names) < 8 and names == sorted(names, key=lambda name: name.start)
    assert [name.row for name in names_in_rows([(0.0, "C"), (4.0, "F")], 20.0)] == [0, 0]
