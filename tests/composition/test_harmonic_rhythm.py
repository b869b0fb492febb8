"""Chords do not change every bar in every song: some are held for two bars, some bars have two."""

from __future__ import annotations

import numpy as np
import pytest
from support.next_chords import FOLLOWS

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.bands import bands
from kmidi_lab.composition.harmonic_rhythm import HarmonicRhythm
from kmidi_lab.composition.progressions import Taste, progression


def changes(style: str, bar_s: float, songs: int = 200) -> np.ndarray:
    """Changes a bar of rounds of songs `[N]`."""
    return np.array([np.mean(HarmonicRhythm(style, bar_s, np.random.default_rng(n)).of_round(4)) for n in range(songs)])


@pytest.mark.parametrize("style", bands())
def test_songs_change_chords_about_every_bar_and_not_all_alike(style: str) -> None:
    found = changes(style, 2.3)
    assert 0.75 < found.mean() < 1.2 and found.std() > 0.2
    assert {float(pace) for pace in found} >= {0.5, 1.0, 1.25}


def test_long_bars_have_more_changes_and_short_ones_fewer() -> None:
    assert changes("pop", 3.6).mean() > changes("pop", 2.3).mean() + 0.1 > changes("pop", 1.4).mean() + 0.2


@pytest.mark.parametrize(
    ("beats", "bar_s", "divided"), [(3, 1.5, False), (3, 2.3, True), (2, 1.0, False), (4, 1.3, True)]
)
def test_a_bar_has_two_chords_where_the_second_is_heard(beats: int, bar_s: float, divided: bool) -> None:
    rhythms = [HarmonicRhythm("jazz", bar_s, np.random.default_rng(n), beats) for n in range(60)]
    assert {rhythm.divides for rhythm in rhythms} == {divided}
    assert (max(max(rhythm.of_round(4)) for rhythm in rhythms) > 1) is divided


def test_a_slow_round_has_as_many_chords_as_others() -> None:
    rounds = [HarmonicRhythm("rock", 1.4, np.random.default_rng(n)).of_round(4) for n in range(100)]
    assert {len(counts) for counts in rounds} == {4, 8}
    assert all(sum(counts) >= 3 for counts in rounds) and all(counts[0] for counts in rounds)


def drawn(rhythm: list[int], seed: int, beats: int = 4) -> tuple[list[str], list[str]]:
    """Bars of a round over a made-up model, and what this was asked."""
    heard: list[str] = []

    def ask(so_far: str) -> list[tuple[str, float]]:
        heard.append(so_far)
        last = [name for name in so_far.split() if name not in ("|", "/", "N.C.")]
        return sorted(FOLLOWS[last[-1] if last else ""].items(), key=lambda pair: -pair[1])

    kept = progression(ask, Taste(Key(0, 1), 0.0, 0.1, beats), rhythm, [], np.random.default_rng(seed))
    assert {so_far for so_far, _ in kept.drawn} <= {*heard}
    return kept.chords, [so_far for so_far, _ in kept.drawn]


def test_a_round_has_the_changes_that_are_asked_for() -> None:
    for seed in range(8):
        bars, told = drawn([1, 0, 1, 2], seed)
        assert [len(bar.split()) for bar in bars] == [1, 1, 1, 2] and bars[0] == bars[1]
        first, second = bars[3].split()
        assert told[-1] == f"{bars[0]} | {bars[0]} | {bars[2]} | {first} N.C.", "the model knows what the bar holds"
        assert second in ("G", "F", "Dm") and second != bars[0]


def test_a_bar_of_three_beats_is_shared_two_to_one() -> None:
    bars, told = drawn([1, 1, 1, 2], 3, beats=3)
    first, hold, second = bars[3].split()
    assert hold == "/" and told[-1].endswith(f"{first} / N.C.") and second != first


def test_the_second_chord_of_a_bar_leads_on() -> None:
    """The made-up model holds the tonic behind F for as likely as G; on a weak beat it is rarely played."""
    found = [bar.split() for seed in range(30) for bar in drawn([1, 2, 1, 2], seed)[0]]
    seconds = [bar[1] for bar in found if len(bar) == 2]
    assert seconds.count("C") < 0.1 * len(seconds) and seconds.count("G") > 0.3 * len(seconds)


@pytest.mark.slow
def test_songs_of_the_models_have_held_chords_and_bars_of_two(make) -> None:
    kinds = set()
    for seed in range(1, 7):
        song = make(text="a slow ballad about the sea", seed=seed, bars=16).arrangement
        lengths = {chord.length for chord in song.chords}
        held = any(a.chord == b.chord for a, b in zip(song.chords, song.chords[1:], strict=False))
        kinds |= {"two"} if 2.0 in lengths else {"held"} if held else {"even"}
    assert len(kinds) > 1
