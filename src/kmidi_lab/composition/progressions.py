"""Chords of a section: many are drawn from the harmony model, and those that make the best round are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.bar_chords import bar_of
from kmidi_lab.composition.functions import borrowed, in_key, leading, led, other_tonic

_CANDIDATES, _CHOICES = 16, 14
_BEGINNINGS = {1: (0, 9, 5), -1: (0, 8, 5)}
"""Degrees that a round may begin on: I, vi, IV; i, VI, iv; none diminished or augmented, which give no rest."""
_ENDINGS = {1: (7, 5, 2, 10), -1: (7, 10, 8, 5)}
"""Degrees that lead back to the beginning."""
_SEVENTHS = ("dom7", "maj7", "min7", "dim7")
_RARE = ("dim", "aug", "dim7")
_ENOUGH, _DULL = 4, 0.9
"""Roots that a round should have, and what each that is missing costs."""
_LIMPING = 2.0
"""What it costs that chords come again after a number of bars that does not divide the round, as three in eight."""
_CHANCE = 0.25
"""What chance adds to a round's worth, as the scale of Gumbel's distribution: 1 more worth is taken 50 times as often."""
_SHORT = 4
_TRIADS = {"maj7": "", "min7": "m"}

_UNKNOWN = "N.C."
"""What stands for a chord that is still to come."""
_TONIC, _FIFTH = 0, 7
_AT_HOME, _EARLY, _FALLING = 0.02, 0.3, 3.0
"""Factors on chords of a bar that has two: the tonic as the second, the dominant as the first, a second that falls by a fifth."""
_STRANGE = 0.7
"""What a chord from outside of the key costs that has no function there."""

Ask = Callable[[str], Sequence[tuple[str, float]]]
"""Chords so far, with `|` between bars and no chord for what is open, to (symbol, probability) of the likeliest next ones."""


@dataclass(frozen=True)
class Taste:
    """What kind of chords are wanted: `sevenths` 0..1 is the share that may have one, `colour` 0..1 how rare they may be.

    `beats` are a bar's: two chords of a bar share them. `home` says that a round begins on the tonic, as what its dominant leads to.
    """

    key: Key
    sevenths: float
    colour: float
    beats: int = 4
    home: bool = False


class Round(NamedTuple):
    """Chords that can be repeated.

    `chords` are by bars, as a chart writes them; `probability` is the mean of the model's of them, 0..1; `worth` how good
    it is, higher is better; `drawn` has what the model was asked for each chord that it drew, and the chord.
    """

    chords: list[str]
    probability: float
    worth: float
    drawn: list[tuple[str, str]]


class Place(NamedTuple):
    """Which chord of a round, from 0, of how many, and which of how many in its bar."""

    number: int
    whole: int
    inside: int = 0
    shares: int = 1

    @property
    def last(self) -> bool:
        return self.number == self.whole - 1


def progression(
    ask: Ask, taste: Taste, rhythm: Sequence[int], others: Sequence[Sequence[str]], rng: np.random.Generator
) -> Round:
    """Chords that can be repeated and are unlike `others`, the rounds of other sections; `rhythm` has how many begin in each bar.

    The model draws; a rule chooses among what was drawn: a round begins on a chord of rest, ends on one that leads back
    to its beginning, and has several roots. Of good ones chance takes one, since the likeliest is the same in each song.
    """
    drawn = {tuple(r.chords): r for r in (_draw(ask, taste, rhythm, rng) for _ in range(_CANDIDATES))}
    worth = [r.worth - _likeness(r.chords, others) + _CHANCE * float(rng.gumbel()) for r in drawn.values()]
    return list(drawn.values())[int(np.argmax(worth))]


def asked(chords: Sequence[str]) -> str:
    """Chords by bars, as the model is told them."""
    return " | ".join(chords) + " |" if chords else ""


def _likeness(chords: Sequence[str], others: Sequence[Sequence[str]]) -> float:
    """What it costs to be like another section's round: the same place by place, or the same beginning."""
    same = [np.mean([a == b for a, b in zip(chords, other, strict=False)]) for other in others]
    return 2 * float(max(same, default=0.0)) + sum(chords[0] == other[0] for other in others)


def _draw(ask: Ask, taste: Taste, rhythm: Sequence[int], rng: np.random.Generator) -> Round:
    """One round; its worth is the mean logarithm of its probabilities, and what the rule gives."""
    bars: list[str] = []
    so_far: list[Chord] = []
    drawn: list[tuple[str, str]] = []
    likely: list[float] = []
    last, strange = "", 0
    for count in rhythm:
        inside: list[str] = []
        for _ in range(count):
            before = " ".join(filter(None, (asked(bars), _begun(inside, taste.beats) if inside else "")))
            options = ask(before)[:_CHOICES]
            place = Place(len(so_far), sum(rhythm), len(inside), count)
            weights = np.array([p * _fit(symbol, place, so_far, taste) for symbol, p in options])
            if not weights.sum():
                weights = np.array([p * in_key(parse_jazz(symbol), taste.key) for symbol, p in options])
            if not weights.sum():
                weights = np.array([p for _, p in options])
            choice = int(rng.choice(len(options), p=weights / weights.sum()))
            last = _plain(options[choice][0], taste, rng)
            inside.append(last)
            chord = parse_jazz(last)
            strange += not in_key(chord, taste.key) and not _explained(chord, place, so_far, taste.key)
            so_far.append(chord)
            drawn.append((before, last))
            likely.append(options[choice][1])
        bars.append(bar_of([(n / count, name) for n, name in enumerate(inside)], taste.beats)[0] if inside else last)
    halves = len(bars) > _SHORT and bars[: len(bars) // 2] == bars[len(bars) // 2 :]
    missing = max(0, min(_ENOUGH, sum(rhythm)) - len({chord.root for chord in so_far}))
    mean = float(np.mean(np.log(np.maximum(likely, 1e-6))))
    costs = _STRANGE * strange + _DULL * (missing + halves) + _LIMPING * _limps(bars)
    return Round(bars, float(np.mean(likely)), mean - costs, drawn)


def _begun(inside: Sequence[str], beats: int) -> str:
    """A bar whose second chord is still to come, as the model is told it."""
    return bar_of([(n / 2, name) for n, name in enumerate([*inside, _UNKNOWN])], beats)[0]


def _limps(chords: Sequence[str]) -> bool:
    """Whether the chords are a shorter cycle that the section's end cuts off: a listener counts in twos and fours."""
    bars = len(chords)
    return any(chords[n:] == chords[:-n] for n in range(2, bars // 2 + 1) if bars % n)


def _fit(symbol: str, place: Place, so_far: Sequence[Chord], taste: Taste) -> float:
    """A factor on the model's probability."""
    chord, key = parse_jazz(symbol), taste.key
    degree = chord.degree(key.tonic)
    mode = key.mode or 1
    beginnings = (_TONIC,) if taste.home else _BEGINNINGS[mode]
    if place.number == 0 and (degree not in beginnings or chord.quality in _RARE):
        return 0.0
    if place.last and degree not in _ENDINGS[mode]:
        return 0.0
    explained = _explained(chord, place, so_far, key)
    if not explained and (other_tonic(chord, key) or (so_far and other_tonic(so_far[-1], key))):
        return 0.0
    if so_far and chord.root in (so_far[-1].root, so_far[0].root if place.last else None):
        return 0.0 if place.inside else 0.15
    plain = chord.quality not in _SEVENTHS
    colour = 1.0 if explained else taste.colour
    return _in_bar(chord, degree, place, so_far) * colour * (1.0 - 0.9 * taste.sevenths if plain else 1.0)


def _in_bar(chord: Chord, degree: int, place: Place, so_far: Sequence[Chord]) -> float:
    """A factor on one of two chords of a bar, which lead on: the tonic rather comes on a first beat, and V behind ii."""
    if place.shares == 1:
        return 1.0
    if not place.inside:
        return _EARLY if degree == _FIFTH else 1.0
    falls = (so_far[-1].root - chord.root) % 12 == _FIFTH
    return _AT_HOME if degree == _TONIC else _FALLING if falls else 1.0


def _explained(chord: Chord, place: Place, so_far: Sequence[Chord], key: Key) -> bool:
    """Whether a chord has its function in the key, so that it is as likely as the model says.

    One from outside has it where it is borrowed or leads on; so have no more than half of a round. What the last one leads
    to is the only one that has it.
    """
    if so_far and leading(so_far[-1], key) and not led(so_far[-1], chord, key):
        return False
    if in_key(chord, key):
        return chord.quality not in _RARE
    outside = sum(not in_key(c, key) for c in so_far)
    if place.number == 0 or outside >= place.whole // 2:
        return False
    leads = leading(chord, key) and (not place.last or led(chord, so_far[0], key))
    return leads or borrowed(chord, key)


def _plain(symbol: str, taste: Taste, rng: np.random.Generator) -> str:
    """The chord, without its seventh where the style seldom has one. A dominant seventh on the fifth degree stays."""
    chord = parse_jazz(symbol)
    if chord.quality not in _SEVENTHS or rng.random() < taste.sevenths or chord.quality in ("dom7", "dim7"):
        return symbol
    return symbol[: _root_length(symbol)] + _TRIADS[chord.quality]


def _root_length(symbol: str) -> int:
    return 2 if len(symbol) > 1 and symbol[1] in "#b" else 1
