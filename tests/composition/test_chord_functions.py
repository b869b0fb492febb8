"""Chords from outside of the key are as likely as the model says where they have a function, and no more of them than half."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.functions import borrowed, in_key, leading, led
from kmidi_lab.composition.progressions import Taste, progression

C_MAJOR, A_MINOR = Key(0, 1), Key(9, -1)


@pytest.mark.parametrize("name", ["Fm", "Ab", "Bb", "Eb", "Gm", "Bb7"])
def test_a_major_key_borrows_from_its_minor(name: str) -> None:
    assert borrowed(parse_jazz(name), C_MAJOR) and not in_key(parse_jazz(name), C_MAJOR)


@pytest.mark.parametrize(("name", "key"), [("Cm", C_MAJOR), ("A", A_MINOR), ("F#", C_MAJOR), ("F", C_MAJOR)])
def test_another_tonic_and_strangers_are_not_borrowed(name: str, key: Key) -> None:
    assert not borrowed(parse_jazz(name), key)


def test_a_minor_key_borrows_a_bright_fourth_and_the_neapolitan() -> None:
    assert borrowed(parse_jazz("D"), A_MINOR) and borrowed(parse_jazz("Bb"), A_MINOR)


@pytest.mark.parametrize(
    ("name", "after", "so"),
    [
        ("E7", "Am", True),
        ("E", "F", True),
        ("A7", "Dm", True),
        ("A7", "Em", False),
        ("D7", "G7", True),
        ("Db7", "C", True),
        ("C#dim7", "Dm", True),
        ("C#dim7", "F", False),
        ("E7", "A", False),
    ],
)
def test_a_dominant_of_another_chord_leads_there(name: str, after: str, so: bool) -> None:
    assert leading(parse_jazz(name), C_MAJOR)
    assert led(parse_jazz(name), parse_jazz(after), C_MAJOR) is so


def test_a_chord_of_the_key_asks_for_none() -> None:
    assert not leading(parse_jazz("G7"), C_MAJOR) and not leading(parse_jazz("F#"), C_MAJOR)


def test_what_the_model_draws_from_outside_stays_where_it_has_a_function() -> None:
    """Behind C the made-up model always wants E7, then says that all chords are as likely."""
    even = [(name, 0.1) for name in ("C", "Am", "F", "G", "Dm", "Em", "F#", "Bb")]

    def ask(so_far: str) -> list[tuple[str, float]]:
        last = so_far.replace("|", " ").split()
        return [("E7", 0.9), *even] if last and last[-1] == "C" else even

    taste = Taste(C_MAJOR, 0.0, 0.0)
    rounds = [progression(ask, taste, [1] * 4, [], np.random.default_rng(seed)).chords for seed in range(30)]
    after = [b for chords in rounds for a, b in zip(chords, chords[1:], strict=False) if a == "E7"]
    assert len(after) > 5 and {*after} <= {"Am", "F"}
    assert not any("F#" in chords for chords in rounds)
    outside = [sum(not in_key(parse_jazz(c), C_MAJOR) for c in chords) for chords in rounds]
    assert 1 <= max(outside) <= 2 and all(in_key(parse_jazz(chords[0]), C_MAJOR) for chords in rounds)
