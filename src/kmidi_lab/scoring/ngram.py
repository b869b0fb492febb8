"""Interpolated n-grams over columns of integers, in numpy: millions of events in seconds.

A context is a row of columns, the most telling first; order n uses the first n columns. Orders are interpolated down to
the uniform distribution, either after Witten and Bell (1991, method C) or by modified Kneser-Ney (S. Chen, J. Goodman,
*An empirical study of smoothing techniques for language modeling*, 1999).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.floating]
_BASE = 1024
"""Columns hold 0..1023."""
SMOOTHINGS = ("witten-bell", "kneser-ney")
_CHUNK = 8192


@dataclass
class _Order:
    """`keys` sorted: id of the shorter context × 1024 + column; rows `start[i]:start[i + 1]` of `token`, `share` are what
    follows context i, and `rest[i]` is left to the next shorter context.
    """

    keys: Ints
    start: Ints
    token: Ints
    share: Floats
    rest: Floats


class NGram:
    """Probabilities of `tokens` 0..vocabulary-1 given columns.

    Args:
        columns: `[E, n]` contexts, 0..1023 each.
        tokens: `[E]` what followed.
        vocabulary: number of tokens.
        smoothing: one of `SMOOTHINGS`.
    """

    def __init__(self, columns: Ints, tokens: Ints, vocabulary: int, smoothing: str = "witten-bell") -> None:
        self.vocabulary = vocabulary
        n = columns.shape[1]
        keys: list[Ints] = [np.zeros(1, np.int64)]
        context = np.zeros(len(tokens), np.int64)
        pairs, counts = np.unique(context * vocabulary + tokens, return_counts=True)
        held: list[tuple[Ints, Ints]] = [(pairs, counts)]
        for order in range(n):
            contexts, context = np.unique(context * _BASE + columns[:, order], return_inverse=True)
            keys.append(contexts)
            held.append(np.unique(context * vocabulary + tokens, return_counts=True))
        kneser_ney = smoothing == "kneser-ney"
        self._orders = []
        for order, (pairs, counts) in enumerate(held):
            if kneser_ney and order < n:
                # How many longer contexts it follows, not how often.
                longer = held[order + 1][0]
                shorter = (keys[order + 1] // _BASE)[longer // vocabulary] * vocabulary + longer % vocabulary
                counts = np.unique(shorter, return_counts=True)[1]
            self._orders.append(_smooth(keys[order], pairs, counts, vocabulary, kneser_ney))

    def predict(self, columns: Ints, dtype: type[np.floating] = np.float32) -> Floats:
        """`[E, vocabulary]` probabilities after each context `[E, n]`.

        Args:
            columns: as in the constructor.
            dtype: of the result; float32 halves the memory of millions of events.
        """
        out = np.full((len(columns), self.vocabulary), 1.0 / self.vocabulary, dtype)
        for at in range(0, len(columns), _CHUNK):
            self._fill(out[at : at + _CHUNK], columns[at : at + _CHUNK])
        return out

    def _fill(self, p: Floats, columns: Ints) -> None:
        rows, context = np.arange(len(p)), np.zeros(len(p), np.int64)
        for number, order in enumerate(self._orders):
            if number:
                wanted = context * _BASE + columns[rows, number - 1]
                place = np.searchsorted(order.keys, wanted)
                there = order.keys[np.minimum(place, len(order.keys) - 1)] == wanted
                rows, context = rows[there], place[there]
            p[rows] *= order.rest[context][:, None]
            lengths = order.start[context + 1] - order.start[context]
            within = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
            at = np.repeat(order.start[context], lengths) + within
            p[np.repeat(rows, lengths), order.token[at]] += order.share[at]


def _smooth(keys: Ints, pairs: Ints, counts: Ints, vocabulary: int, kneser_ney: bool) -> _Order:
    owner, token = pairs // vocabulary, pairs % vocabulary
    start = np.searchsorted(owner, np.arange(len(keys) + 1))
    total = np.bincount(owner, counts, len(keys))
    if not kneser_ney:
        types = np.diff(start)
        return _Order(keys, start, token, counts / (total + types)[owner], types / (total + types))
    discount = _discounts(counts)[np.minimum(counts, 3)]
    return _Order(
        keys, start, token, (counts - discount) / total[owner], np.bincount(owner, discount, len(keys)) / total
    )


def _discounts(counts: Ints) -> Floats:
    """Of counts 0, 1, 2, and 3 or more (Chen and Goodman, equation 17), kept within 0.05 and the count less 0.05."""
    n = np.array([(counts == c).sum() for c in range(1, 5)], float)
    y = n[0] / max(n[0] + 2 * n[1], 1.0)
    ratio = [n[c] / n[c - 1] if n[c - 1] else 0.0 for c in (1, 2, 3)]
    raw = [0.0, *(c - (c + 1) * y * ratio[c - 1] for c in (1, 2, 3))]
    return np.array([0.0, *(float(np.clip(raw[c], 0.05, c - 0.05)) for c in (1, 2, 3))])


def mixture_weights(own: Floats, iterations: int = 60) -> Floats:
    """Weights `[K]` of K models that make the probabilities they gave to what happened, `[E, K]`, most likely (EM)."""
    weights = np.full(own.shape[1], 1.0 / own.shape[1])
    for _ in range(iterations if len(own) else 0):
        shares = own * weights
        weights = (shares / np.maximum(shares.sum(1, keepdims=True), 1e-300)).mean(0)
    return weights
