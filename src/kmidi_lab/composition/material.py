"""What a section is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kmidi_lab.song import Note


@dataclass(frozen=True)
class Material:
    """What a kind of section is made of: chords by bars, the tune over them, and the song's theme where nobody sings."""

    chords: tuple[str, ...]
    tune: tuple[Note, ...]
    theme: tuple[Note, ...] = ()


def beginning(whole: Material, bars: int, bar: float) -> Material:
    """The first bars, of `bar` quarters each; a note that sounds beyond them ends with them."""
    end = bars * bar
    tune = [n for n in whole.tune if n.start < end]
    if tune:
        tune[-1] = tune[-1]._replace(duration=min(tune[-1].duration, end - tune[-1].start))
    return Material(whole.chords[:bars], tuple(tune))


def top_of(made: Sequence[Material]) -> int:
    """The highest pitch of the tunes, 0 without any."""
    return max((n.pitch for material in made for n in material.tune), default=0)
