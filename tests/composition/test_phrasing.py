"""A tune that breathes, comes early and makes for one high point."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.bar_chords import Sounding
from kmidi_lab.composition.metres import COMMON, METRES
from kmidi_lab.composition.peaks import crested
from kmidi_lab.composition.phrasing import breathing, early, early_places, longest_stretch, sung_bars
from kmidi_lab.composition.tunes import Singer, merit, section_tune
from kmidi_lab.song import Note


def line(*pitches: int, every: float = 1.0) -> list[Note]:
    return [Note(every * at, every, pitch, 90) for at, pitch in enumerate(pitches)]


@pytest.mark.parametrize(
    ("bars", "sung"),
    [
        (4, [4]), (8, [4, 3]), (12, [4, 4, 3]), (16, [4, 3, 4, 3]), (20, [4, 3, 4, 4, 3]), (6, [4, 2]), (2, [2]),
    ],
)  # fmt: skip
def test_the_band_has_the_last_bar_of_every_other_phrase_and_of_a_section(bars: int, sung: list[int]) -> None:
    assert sung_bars(bars) == sung


def test_a_phrase_breathes_and_its_last_note_is_held_into_a_bar_of_the_band() -> None:
    short, long = [*line(60, 62), Note(2.0, 1.0, 64, 90), Note(3.0, 1.0, 65, 90)], [Note(0.0, 4.0, 60, 90)]
    assert [n.stop for n in breathing(short, 4.0, 4.0)] == [1.0, 2.0, 3.0, 3.5]
    assert breathing(long, 4.0, 4.0)[-1].stop == 3.0
    assert breathing(long, 4.0, 8.0)[-1].stop == 5.0
    assert breathing([], 4.0, 4.0) == []


def test_a_note_comes_an_eighth_early_where_there_is_room_and_it_is_of_the_chord_to_come() -> None:
    chord_at = Sounding(["C", "F"], 4.0).at
    tune = [Note(2.0, 2.0, 64, 90), Note(4.0, 1.0, 65, 90), Note(5.0, 0.5, 67, 90), Note(5.5, 0.5, 69, 90)]
    out = early(tune, chord_at, {4.0, 6.0}, COMMON)
    assert out[:2] == [Note(2.0, 1.5, 64, 90), Note(3.5, 1.5, 65, 90)] and out[2:] == tune[2:]
    foreign = [tune[0], tune[1]._replace(pitch=67), *tune[2:]]
    assert early(foreign, chord_at, {4.0}, COMMON) == foreign, "G is not of F"
    crowded = [Note(2.0, 1.5, 64, 90), Note(3.5, 0.5, 64, 90), *tune[1:]]
    assert early(crowded, chord_at, {4.0}, COMMON) == crowded
    first = [Note(0.0, 4.0, 60, 90)]
    assert early(first, chord_at, {0.0}, COMMON) == first, "nothing comes before a section"
    assert early(line(60, 62, 64, 65, 65), chord_at, {0.0}, COMMON)[-1].start == 3.5 + 0.5, (
        "an eighth is left of a quarter only"
    )


def test_a_stretch_ends_where_a_singer_pauses_or_with_the_phrase() -> None:
    """From one note to the last before the next comes two quarters later; what nothing ends goes on to the next bar line."""
    assert longest_stretch(line(60, 62, 64, 65), 4.0) == 4.0
    assert longest_stretch(line(60, 62, 64, 65), 5.0) == 3.0, "a half note ends it"
    assert longest_stretch([Note(at, 0.5, 60, 90) for at in (0, 1, 3, 4, 4.5, 6.5)], 8.0) == 1.5


def test_of_tunes_that_are_as_good_the_one_that_pauses_is_kept() -> None:
    singing, pausing = (
        [Note(n + 0.5 + (late if n > 4 else 0), 0.5, 60 + 4 * (n % 2), 90) for n in range(10)] for late in (0, 1)
    )
    worth = [merit(tune, Sounding(["C"] * 3, 4.0), Key(0, 1), 0.5, COMMON) for tune in (singing, pausing)]
    assert worth[0] < worth[1]


def test_places_are_bar_lines_and_strong_beats() -> None:
    rng = np.random.default_rng(1)
    assert early_places(1.0, COMMON, rng) == {2.0 * n for n in range(8)}
    assert early_places(1.0, METRES["3/4"], rng) == {0.0, 3.0, 6.0, 9.0}
    assert early_places(0.0, COMMON, rng) == set()


def test_a_section_has_one_highest_note_behind_its_middle() -> None:
    chord_at = Sounding(["C"] * 4, 4.0).at
    tune = line(60, 64, 67, 74, 67, 64, 67, 64, 62, 69, 71, 69, 62, 60, 62, 60)
    out = crested(tune, chord_at, 16.0, 81)
    [peak] = [n for n in out if n.pitch == max(n.pitch for n in out)]
    assert 0.6 <= peak.start / 16 < 0.8 and peak.pitch % 12 in (0, 4, 7)
    assert all(abs(a.pitch - b.pitch) <= 7 for a, b in pairwise(out))
    assert [n._replace(pitch=0) for n in out] == [n._replace(pitch=0) for n in tune]
    assert crested(out, chord_at, 16.0, 81) == out, "what has its peak there stays"


def test_where_the_range_ends_what_is_as_high_elsewhere_falls() -> None:
    chord_at = Sounding(["C"] * 4, 4.0).at
    tune = line(60, 64, 67, 72, 67, 64, 67, 64, 67, 67, 72, 64, 62, 60, 62, 60)
    out = crested(tune, chord_at, 16.0, 72)
    assert [n.pitch for n in out if n.start != 3.0] == [n.pitch for n in tune if n.start != 3.0]
    assert out[3].pitch == 67


def test_what_no_neighbour_leaves_room_for_stays() -> None:
    flat = line(*[60] * 16)
    far = [n._replace(pitch=80) if n.start == 1 else n for n in flat]
    assert crested(far, Sounding(["C"] * 4, 4.0).at, 16.0, 81) == far


def test_a_section_leaves_its_last_bar_to_the_band() -> None:
    def draw(chords: str, bars: int, seed: int) -> list[tuple[float, float, int]]:
        return [(float(beat), 1.0, 60 + (beat * seed) % 5) for beat in range(4 * bars)]

    singer = Singer(draw, Key(0, 1), np.random.default_rng(1), COMMON)
    bars = {int(n.start // 4) for n in section_tune(singer, ["C"] * 16, 0.5)}
    assert bars == {*range(16)} - {7, 15}
