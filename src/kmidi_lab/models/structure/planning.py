"""A song section by section: what is drawn from the model's answers, within bounds that end every song."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kmidi_lab.models.structure.decoding import Head, steered_probabilities
from kmidi_lab.models.structure.features import SongSoFar, context_vector
from kmidi_lab.models.structure.form import END, LENGTHS, TYPES, Section
from kmidi_lab.models.structure.rules import expressions
from kmidi_lab.scoring.ngram import Floats
from kmidi_lab.song.arcs import wanted_energy
from kmidi_lab.song.edges import longest_edge
from kmidi_lab.song.elements import Metre
from kmidi_lab.song.elements import Section as PlannedSection

MOST_SECTIONS, MOST_BARS = 24, 400
"""A song whose length is left open ends here at the latest."""
_FEWEST_SECTIONS, _SHORTEST, _LONGEST_OUTRO = 3, 2, 16
_USUAL_S = 220.0
"""Median length of the annotated songs: where the arc of a song stands whose length is left open."""
_COMMON = Metre()
_ENDS = np.zeros(END)
_ENDS[[TYPES.index(kind) for kind in ("outro", "chorus", "verse")]] = 0.803, 0.071, 0.015
"""How often a section of each kind is the last: of the 2,416 training songs 56 % end with an outro, 20 % with a chorus, 3 % with a
verse. Other kinds end fewer (solos 2.6 %), and no planned song; `other`, 16 %, is never drawn."""
_UNUSED = [TYPES.index("other"), TYPES.index("silence")]
_OUTRO, _INTRO = TYPES.index("outro"), TYPES.index("intro")


class Answer(NamedTuple):
    """`section` `[13]` probabilities with END last; `length` `[12, 8]` those of the length class of each type."""

    section: Floats
    length: Floats


Ask = Callable[[np.ndarray, Sequence[Section]], Answer]
"""From the contract vector and the sections so far."""


@dataclass(frozen=True)
class Wishes:
    """What a song shall be like.

    Args:
        bars: its length; None is left open.
        tempo: in quarter notes a minute.
        metre: of every bar.
        arc: place in `song.arcs.ARC_CURVES`; None is none.
        affect: valence and arousal, -1..1.
        start: sections that it begins with.
        temperature: of the draw; below 1 likelier sections, above 1 rarer ones.
    """

    bars: int | None = None
    tempo: float = 120.0
    metre: Metre = _COMMON
    arc: int | None = None
    affect: tuple[float, float] = (0.0, 0.0)
    start: tuple[tuple[int, int], ...] = ()
    temperature: float = 1.0

    @property
    def bar_seconds(self) -> float:
        return self.metre.quarters * 60 / self.tempo

    def place(self, bars: int) -> float:
        """The share of the song that is over after `bars`."""
        whole = self.bars if self.bars is not None else _USUAL_S / self.bar_seconds
        return min(1.0, bars / whole)


def plan(ask: Ask, head: Head, wishes: Wishes, rng: np.random.Generator) -> list[PlannedSection]:
    """Draws sections until END. With a length in bars the song has exactly that; `other` and `silence` are never drawn.

    The last one that is drawn is of a kind that songs end with: where it is not, its kind is drawn again among those.
    """
    song = SongSoFar()
    planned: list[PlannedSection] = []
    for kind, bars in wishes.start:
        _add(song, planned, kind, bars, head, wishes)
    while (left := _left(planned, wishes)) > 0 and len(planned) < MOST_SECTIONS:
        answer = ask(_vector(song, wishes), song.sections)
        p = _sections(answer.section, planned, left, head, wishes)
        kind = int(rng.choice(END + 1, p=p))
        if kind == END:
            break
        last = kind == _OUTRO or len(planned) == MOST_SECTIONS - 1
        room = _intro_room(planned, wishes) if kind == _INTRO else MOST_BARS
        bars = left if wishes.bars is not None and last else _bars(answer.length[kind], left, room, wishes, rng)
        if (last or bars == left) and not _ENDS[kind]:
            ends = p[:END] * _ENDS
            ends[_OUTRO] *= bool(planned)  # nothing stands before the outro of a song of one section
            kind = int(rng.choice(END, p=ends / ends.sum()))
        _add(song, planned, kind, bars, head, wishes)
    return planned


def _left(planned: Sequence[PlannedSection], wishes: Wishes) -> int:
    return (wishes.bars if wishes.bars is not None else MOST_BARS) - sum(s.bars for s in planned)


def _vector(song: SongSoFar, wishes: Wishes) -> np.ndarray:
    target = None if wishes.bars is None else wishes.bars * wishes.bar_seconds
    return context_vector(song, target, wishes.tempo, wishes.metre.quarters, wishes.arc, wishes.affect)


def _sections(p: Floats, planned: Sequence[PlannedSection], left: int, head: Head, wishes: Wishes) -> Floats:
    """`[13]` to draw from: what can't be yet is 0."""
    if wishes.arc is not None:
        place = wishes.place(sum(s.bars for s in planned))
        p = steered_probabilities(p, head, wishes.arc, place, wishes.affect[1])
    p = np.maximum(p, 1e-9) ** (1 / wishes.temperature)
    p[_UNUSED] = 0.0
    if wishes.bars is not None:
        p[END] = 0.0  # the length that was asked for ends the song
        p[_OUTRO] *= left <= _LONGEST_OUTRO
        p[_INTRO] *= _intro_room(planned, wishes) >= _SHORTEST
    elif len(planned) < _FEWEST_SECTIONS:
        p[[END, _OUTRO]] = 0.0
    elif not _ENDS[TYPES.index(planned[-1].name)]:
        p[END] = 0.0
    return p / p.sum()


def _intro_room(planned: Sequence[PlannedSection], wishes: Wishes) -> int:
    """Bars that an intro may still have."""
    if wishes.bars is None:
        return MOST_BARS
    return longest_edge(wishes.bars) - sum(s.bars for s in planned if s.name == TYPES[_INTRO])


def _bars(p: Floats, left: int, room: int, wishes: Wishes, rng: np.random.Generator) -> int:
    """A length within `room` that leaves nothing or a section's worth; all that is left where none does."""
    fits = np.array([n <= room and (n == left or n <= left - _SHORTEST) for n in LENGTHS])
    p = np.maximum(p[: len(LENGTHS)], 1e-9) ** (1 / wishes.temperature) * fits
    return int(rng.choice(LENGTHS, p=p / p.sum())) if fits.any() else left


def _add(song: SongSoFar, planned: list[PlannedSection], kind: int, bars: int, head: Head, wishes: Wishes) -> None:
    at = sum(s.bars for s in planned)
    place = wishes.place(at)
    wanted = 0.5 if wishes.arc is None else wanted_energy(head["arc_weight"][wishes.arc], place)
    values = expressions(head["expression_weight"], place, wanted, wishes.affect[1])[kind]
    planned.append(PlannedSection(TYPES[kind], at, bars, *(round(float(v), 3) for v in values)))
    song.append(Section(kind, bars * wishes.bar_seconds, bars))
