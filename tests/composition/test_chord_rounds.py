"""Rounds of chords differ from seed to seed, and stay good ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from support.next_chords import FOLLOWS

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition import progressions
from kmidi_lab.composition.progressions import Taste, progression

_IN_THREES = {
    "": {"Am": 1.0},
    "Am": {"F": 0.9, "Dm": 0.1},
    "F": {"G": 0.9, "C": 0.1},
    "G": {"Am": 0.9, "C": 0.1},
    "C": {"F": 0.5, "Dm": 0.5},
    "Dm": {"G": 1.0},
}
"""One that says Am F G again and again."""


def ask(so_far: str, follows: dict[str, dict[str, float]] = FOLLOWS) -> list[tuple[str, float]]:
    last = so_far.replace("|", " ").split()
    return sorted(follows[last[-1] if last else ""].items(), key=lambda pair: -pair[1])


def drawn(count: int = 60) -> list[tuple[str, ...]]:
    taste = Taste(Key(0, 1), 0.0, 0.1)
    return [tuple(progression(ask, taste, [1] * 4, [], np.random.default_rng(seed)).chords) for seed in range(count)]


def test_no_round_is_most_songs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Counter(drawn())
    assert found.most_common(1)[0][1] < 20 and len(found) > 8
    monkeypatch.setattr(progressions, "_CHANCE", 0.0)
    assert Counter(drawn()).most_common(1)[0][1] > 30, "the likeliest alone is nearly always the same"


def test_rounds_are_good_ones_and_the_same_for_a_seed() -> None:
    rounds = drawn()
    assert rounds == drawn()
    for chords in rounds:
        assert chords[0] in ("C", "F", "Am") and chords[-1] in ("G", "F", "Dm")
    assert np.mean([len({*chords}) >= 3 for chords in rounds]) > 0.9


def test_a_round_that_a_dominant_leads_to_begins_on_the_tonic() -> None:
    taste = Taste(Key(0, 1), 0.0, 0.1, home=True)
    firsts = {progression(ask, taste, [1] * 4, [], np.random.default_rng(seed)).chords[0] for seed in range(20)}
    assert firsts == {"C"}


def test_eight_bars_are_no_round_of_three_that_is_cut_off() -> None:
    taste = Taste(Key(9, -1), 0.0, 0.1)
    for seed in range(20):
        chords = progression(
            lambda so_far: ask(so_far, _IN_THREES), taste, [1] * 8, [], np.random.default_rng(seed)
        ).chords
        assert chords[3:] != chords[:-3], chords


_BOTH_MODES = {
    "": {"D": 0.5, "Dm": 0.5},
    "Dm": {"D": 0.5, "Bb": 0.3, "Gm": 0.2},
    "D": {"Dm": 0.5, "Bb": 0.3, "Gm": 0.2},
    "Bb": {"D": 0.5, "A": 0.3, "Gm": 0.2},
    "Gm": {"D": 0.4, "A": 0.3, "Bb": 0.3},
    "A": {"D": 0.4, "Dm": 0.4, "Bb": 0.2},
}
"""One that does not care whether D minor or D major is the tonic."""


def test_the_tonic_of_the_other_mode_stands_only_where_it_leads_on() -> None:
    """D major in D minor is the dominant of G minor, and else a mistake."""
    taste = Taste(Key(2, -1), 0.0, 0.35)
    found = 0
    for seed in range(40):
        chords = progression(
            lambda so_far: ask(so_far, _BOTH_MODES), taste, [1] * 8, [], np.random.default_rng(seed)
        ).chords
        places = [n for n, chord in enumerate(chords) if chord == "D"]
        assert 0 not in places and {chords[(n + 1) % 8] for n in places} <= {"Gm"}, chords
        found += len(places)
    assert found, "as a dominant it is played"
