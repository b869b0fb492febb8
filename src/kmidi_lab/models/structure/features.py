"""The song so far to the `structure` contract vector, and forms to training arrays.

One function, `context_vector`, builds the 64 floats for training, evaluation, prediction and the golden vectors alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kmidi_lab.models.structure.contract import STRUCTURE
from kmidi_lab.models.structure.form import TYPES, Form, Section, length_class
from kmidi_lab.models.structure.rules import EXPRESSION, expression

if TYPE_CHECKING:
    import torch

RECALL_ORDER = 8
"""Longest match, in sections, for the recalled section."""
UNKNOWN = -1
"""The length class of a section whose bars nobody counted, and of END."""
COUNTED = len(TYPES) - 1
"""Types that are counted: all but silence."""
_SCALE_S, _COUNT_SCALE, _MOST = 240.0, 4.0, 2.0
_LONGEST_BARS = 32
_IN = {s.name: s.index for s in STRUCTURE.inputs}


@dataclass
class SongSoFar:
    """The sections up to now, and which type followed where the same types stood in a row."""

    sections: list[Section] = field(default_factory=list)
    _followers: dict[tuple[int, ...], dict[int, tuple[int, int]]] = field(default_factory=dict)
    """How often each type followed these types, and where it did so last."""

    def append(self, section: Section) -> None:
        """Adds the section that came next."""
        kinds = [s.kind for s in self.sections[-RECALL_ORDER:]]
        for order in range(1, len(kinds) + 1):
            followers = self._followers.setdefault(tuple(kinds[-order:]), {})
            count, _ = followers.get(section.kind, (0, 0))
            followers[section.kind] = count + 1, len(self.sections)
        self.sections.append(section)

    def recall(self) -> tuple[int | None, int]:
        """(the type that most often followed the longest match, its order), or (None, 0); of equals the latest."""
        kinds = [s.kind for s in self.sections[-RECALL_ORDER:]]
        for order in range(len(kinds), 0, -1):
            followers = self._followers.get(tuple(kinds[-order:]))
            if followers:
                return max(followers, key=lambda kind: followers[kind]), order
        return None, 0

    @property
    def seconds(self) -> float:
        return sum(s.seconds for s in self.sections)


def context_vector(
    song: SongSoFar,
    target: float | None = None,
    tempo: float | None = None,
    quarters: float | None = None,
    arc: int | None = None,
    affect: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """The 64 floats before the coming section, float32. What is unknown stays zero.

    Args:
        song: the sections up to now.
        target: length that the song shall have, in seconds.
        tempo: in quarter notes a minute.
        quarters: length of a bar in quarter notes.
        arc: place of the narrative arc in `song.arcs.ARC_CURVES`.
        affect: valence and arousal, -1..1.
    """
    x = np.zeros(STRUCTURE.input_size, np.float32)
    for place, section in enumerate(reversed(song.sections[-2:]), 1):
        x[_IN["previous_sections"].stop - place * len(TYPES) + section.kind] = 1.0
    recalled, order = song.recall()
    if recalled is not None:
        x[_IN["recalled_section"].start + recalled] = order / RECALL_ORDER
    counts = np.bincount([s.kind for s in song.sections], minlength=len(TYPES))[:COUNTED]
    x[_IN["counts"]] = np.minimum(counts / _COUNT_SCALE, _MOST)
    if song.sections and song.sections[-1].bars:
        x[_IN["last_length"]] = min(song.sections[-1].bars / _LONGEST_BARS, 1.0)
    x[_IN["position"]] = min(song.seconds / _SCALE_S, _MOST)
    if target is not None:
        x[_IN["target"]] = min(target / _SCALE_S, _MOST)
    if tempo is not None:
        x[_IN["tempo"]] = min(max((tempo - 120) / 60, -2.0), 4.0)
    if quarters is not None:
        x[_IN["metre"]] = min(quarters / 8, _MOST)
    if arc is not None:
        x[_IN["arc"].start + arc] = 1.0
    x[_IN["mood"].start : _IN["mood"].start + 2] = affect
    return x


@dataclass(frozen=True)
class EncodedForms:
    """Arrays over the events of many songs, each ending with END.

    `x` `[E, 64]` with the song's true length as target, `token` `[E]` 0..12, `length` `[E]` class 0..7 or UNKNOWN,
    `rule` `[E, 3]` energy, density and tension by rule, `song` `[E]` which song an event is of, `wish` `[E]` a factor
    within a tenth of 1: what a person who wishes for a length is off by, the same for all events of a song.
    """

    x: np.ndarray
    token: np.ndarray
    length: np.ndarray
    rule: np.ndarray
    song: np.ndarray
    wish: np.ndarray


def encode_forms(forms: Sequence[Form]) -> EncodedForms:
    """Vectors and targets of every event; the wishes are drawn by a fixed seed and the place of the song."""
    x, token, length, rule, song, wish = [], [], [], [], [], []
    for index, form in enumerate(forms):
        so_far = SongSoFar()
        factor = float(np.random.default_rng([index, 13]).uniform(0.9, 1.1))
        for kind, section in zip(form.tokens, (*form.sections, None), strict=True):
            x.append(context_vector(so_far, form.seconds, form.tempo, form.quarters))
            token.append(kind)
            length.append(length_class(section.bars) if section and section.bars else UNKNOWN)
            rule.append(expression(kind, so_far.seconds / form.seconds) if section else (0.0,) * len(EXPRESSION))
            song.append(index)
            wish.append(factor)
            if section:
                so_far.append(section)
    return EncodedForms(
        np.array(x, np.float32).reshape(-1, STRUCTURE.input_size),
        np.array(token, np.int64),
        np.array(length, np.int64),
        np.array(rule, np.float32).reshape(-1, len(EXPRESSION)),
        np.array(song, np.int64),
        np.array(wish, np.float32),
    )


def told(x: np.ndarray, wish: np.ndarray) -> np.ndarray:
    """`[E, 64]`: the length of the song as a wish, off by up to a tenth."""
    x = x.copy()
    x[:, _IN["target"]] = np.minimum(x[:, _IN["target"]] * wish[:, None], _MOST)
    return x


def untold(x: np.ndarray) -> np.ndarray:
    """`[E, 64]`: nothing is known of how long the song shall be."""
    x = x.copy()
    x[:, _IN["target"]] = 0.0
    return x


def bare(x: np.ndarray) -> np.ndarray:
    """`[E, 64]`: nothing but the types of the sections so far is known, as for an n-gram."""
    x = untold(x)
    for name in ("last_length", "position", "tempo", "metre"):
        x[:, _IN[name]] = 0.0
    return x


class StructureBatch(NamedTuple):
    """`x` `[B, 64]`; `token`, `length` `[B]` classes, length -1 where unknown; `rule` `[B, 3]` in 0..1."""

    x: torch.Tensor
    token: torch.Tensor
    length: torch.Tensor
    rule: torch.Tensor
