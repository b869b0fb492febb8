"""The strongest baseline of melody prediction: an n-gram blended with what the piece itself did after like contexts.

Contexts are keyed by the pitches before, by the coming rhythm, and by both, in eight lengths up to sixteen notes; each
has a weight for every length of the longest match (Kuhn and De Mori, *A cache-based natural language model*, 1990).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kmidi_lab.models.melody.features import POSITIONS
from kmidi_lab.scoring.ngram import Floats, Ints, mixture_weights

LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16)
_LEAD = LENGTHS[-1] - 1
_PARTS = 2 + 3 * len(LENGTHS)
_BLOCK = 1024
"""Notes whose matches are looked for together."""


@dataclass(frozen=True)
class Piece:
    """What is known of every note of a piece, `[T]` each: its pitch in a frame, the one before, its rhythm's classes."""

    pitch: Ints
    before: Ints
    position: Ints
    duration: Ints

    @property
    def keys(self) -> list[Ints]:
        rhythm = self.duration * POSITIONS + self.position
        return [self.before, rhythm, self.before * POSITIONS + self.duration]


def _matches(key: Ints, first: int, last: int) -> Iterator[np.ndarray]:
    """For each of `LENGTHS`, `[last - first, T]`: whether so many keys up to a note equal those up to an earlier note."""
    lead = max(0, first - _LEAD)
    rows = np.arange(lead, last)
    runs = {1: (key[lead:last, None] == key) & (np.arange(len(key)) < rows[:, None])}
    for n in LENGTHS:
        if n > 1:
            half = max(m for m in runs if 2 * m <= n)
            runs[n] = np.zeros_like(runs[1])
            runs[n][half:, half:] = runs[half][half:, half:] & runs[n - half][:-half, :-half]
        yield runs[n][first - lead :]


def piece_caches(piece: Piece) -> Iterator[tuple[slice, np.ndarray, Ints]]:
    """What followed like contexts, for some notes after the others.

    Yields:
        (notes, `[25, N, D]` distributions over the piece's distinct pitches, zeros where nothing matches, and `[N]` in
        0..8 which length the longest match of both pitch and rhythm has); the first distribution is of the pitches so
        far.
    """
    distinct, places = np.unique(piece.pitch, return_inverse=True)
    one_hot = np.eye(len(distinct), dtype=np.float32)[places]
    for first in range(0, len(piece.pitch), _BLOCK):
        last = min(len(piece.pitch), first + _BLOCK)
        so_far = np.arange(len(piece.pitch)) < np.arange(first, last)[:, None]
        flags = [so_far, *(m for key in piece.keys for m in _matches(key, first, last))]
        counts = np.stack([flag.astype(np.float32) @ one_hot for flag in flags])
        total = counts.sum(-1, keepdims=True)
        longest = (total[-len(LENGTHS) :, :, 0] > 0).sum(0)
        yield slice(first, last), counts / np.maximum(total, 1), longest


@dataclass
class CacheBlend:
    """Weights `[9, 26]` by the longest match: of the n-gram, of the pitches so far, then of each kind's lengths."""

    weights: Floats

    @classmethod
    def fit(cls, own: Floats, pieces: list[Piece]) -> CacheBlend:
        """Sets the weights by expectation maximisation.

        Args:
            own: `[E]` the probability that the n-gram gave to every note, piece after piece.
            pieces: of the validation split.
        """
        given, rows = [np.zeros((0, _PARTS - 1))], [np.zeros(0, np.int64)]
        for piece in pieces:
            _, places = np.unique(piece.pitch, return_inverse=True)
            for notes, parts, longest in piece_caches(piece):
                given.append(parts[:, np.arange(len(longest)), places[notes]].T.astype(np.float64))
                rows.append(longest)
        everything = np.column_stack([own, np.concatenate(given)])
        longest = np.concatenate(rows)
        weights = np.tile(np.eye(_PARTS)[0], (len(LENGTHS) + 1, 1))
        for row in range(len(weights)):
            if (longest == row).any():
                weights[row] = mixture_weights(everything[longest == row])
        return cls(weights)

    def predict(self, p: Floats, pieces: list[Piece]) -> Floats:
        """`[E, 128]` of the n-gram, blended."""
        out, at = np.array(p, np.float32), 0
        for piece in pieces:
            distinct = np.unique(piece.pitch)
            for notes, parts, longest in piece_caches(piece):
                share = self.weights[longest].astype(np.float32)
                cached = np.einsum("tk,ktd->td", share[:, 1:], parts)
                rows = slice(at + notes.start, at + notes.stop)
                # What nothing followed is the n-gram's.
                out[rows] *= (1 - cached.sum(1))[:, None]
                block = out[rows]
                block[:, distinct] += cached
            at += len(piece.pitch)
        return out
