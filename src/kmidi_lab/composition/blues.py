"""A blues: the chords of its round, as `blues.yaml` writes them, its form of whole rounds, and the blue notes of its tune."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.form import Stretch, read_form
from kmidi_lab.own_yaml import table
from kmidi_lab.song.edges import PHRASE

TWELVE = 12
"""Bars of the usual round."""
_TONIC, _SUBDOMINANT = 0, 5
_BLUE = (3, 10)
"""Semitones above the tonic of the blue third and seventh, which are sung over I7 and IV7."""
TURNS = ("intro", "outro")
"""Kinds that lead into a round, or out of it."""
_SOLOS = 3
"""Of so many rounds one is a solo."""


def rounds_known() -> tuple[int, ...]:
    """Bars of the rounds that there are."""
    return tuple(bars for bars in _written() if isinstance(bars, int))


def blues_round(bars: int, spelling: Spelling, jazz: bool, beats: int, seed: int) -> tuple[str, ...]:
    """The chords of a round by bars, as a chart writes them.

    Args:
        bars: of `rounds_known`.
        spelling: of the song's key; its mode is the round's.
        jazz: as jazz plays it, where there is such a round.
        beats: of a bar.
        seed: chooses among several.
    """
    kinds = _written()[bars]["minor" if spelling.key.mode < 0 else "major"]
    rounds = kinds["jazz" if jazz and "jazz" in kinds else "plain"]
    chosen = rounds[int(np.random.default_rng([seed, 5]).integers(len(rounds)))]
    hold = " / " if beats == 3 else " "
    return tuple(hold.join(_moved(name, spelling) for name in bar.split()) for bar in chosen.split("|"))


def played(round_: Sequence[str], kind: str, bars: int) -> list[str]:
    """What a kind of section plays of a round; behind whole rounds, and where it leads in or out, the round's end."""
    rounds, left = divmod(bars, len(round_))
    ends = rounds > 0 or kind in TURNS
    return [*round_] * rounds + (list(round_[len(round_) - left :]) if ends else list(round_[:left]))


def last_chord(spelling: Spelling) -> str:
    """What a blues ends on: its tonic, with a seventh."""
    return _moved(_written()["ends"]["minor" if spelling.key.mode < 0 else "major"], spelling)


def blues_form(bars: int, whole: int, asked: bool) -> list[Stretch]:
    """Rounds of `whole` bars, verses with a solo among them; four bars more are an intro, eight an outro, too.

    A song shorter than a round is one section. Where nobody asks for so many bars, the nearest whole rounds have them.
    """
    if not asked:
        bars = max(1, int(bars / whole + 0.5)) * whole
    rounds, left = divmod(bars, whole)
    if not rounds:
        return read_form(f"verse {bars}")
    solos = rounds // _SOLOS
    before = (rounds - solos + 1) // 2
    kinds = ["verse"] * before + ["solo"] * solos + ["verse"] * (rounds - solos - before)
    lengths = [whole] * rounds
    for kind, place in (("intro", 0), ("outro", len(kinds) + 1)):
        if left >= PHRASE:
            kinds.insert(place, kind)
            lengths.insert(place, PHRASE)
            left -= PHRASE
    lengths[-1] += left
    return read_form(", ".join(f"{kind} {own}" for kind, own in zip(kinds, lengths, strict=True)))


def tune_key(spelling: Spelling) -> Spelling:
    """The key that a tune over a blues is asked in: minor, whose third and seventh are the blue ones, over major chords, too."""
    return Spelling(Key(spelling.key.tonic, -1), spelling.tonic)


def with_blue_notes(chord: Chord, tonic: int) -> Chord:
    """A chord as a blues tune hears it: over I7 and IV7 the blue third and seventh are sung as their own tones are."""
    if chord.quality != "dom7" or chord.degree(tonic) not in (_TONIC, _SUBDOMINANT):
        return chord
    return replace(chord, tones=chord.tones | {(tonic + above) % 12 for above in _BLUE})


def _moved(name: str, spelling: Spelling) -> str:
    """The name of a chord that is written with C as its tonic, in a key."""
    return spelling.chord(parse_jazz(name).transposed(spelling.key.tonic))


def _written() -> Any:
    return table(__name__, "blues.yaml")
