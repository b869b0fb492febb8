"""Baselines of harmony prediction over the 96 joint classes (degree from the tonic, quality).

Sequences are lists of joint classes of whole songs, repeats merged. Each baseline gives a probability
`[96]` for every event. Interpolation is Witten and Bell's (1991, method C); the cache follows Kuhn and
De Mori, *A cache-based natural language model* (1990), with a weight for each length of match, tuned
on the validation split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kmidi_lab.chords.chord import QUALITIES
from kmidi_lab.models.harmony.features import CLASSES
from kmidi_lab.models.harmony.memory import RECALL_ORDER

START_MAJOR, START_MINOR = CLASSES, CLASSES + 1
Sequences = Sequence["TokenSong"]


@dataclass(frozen=True)
class TokenSong:
    """One song as joint classes; `mode` as in Key, -1 for minor; `source` names its data set."""

    tokens: tuple[int, ...]
    mode: int
    source: str

    @property
    def padded(self) -> tuple[int, ...]:
        start = START_MINOR if self.mode < 0 else START_MAJOR
        return (start,) * 3 + self.tokens


class NGram:
    """Interpolated n-gram with Witten-Bell weights; `order` 1 is the unigram, smoothed to uniform."""

    def __init__(self, order: int, songs: Sequences) -> None:
        self.order = order
        self._counts: list[dict[tuple[int, ...], np.ndarray]] = [
            defaultdict(lambda: np.zeros(CLASSES)) for _ in range(order)
        ]
        for song in songs:
            padded = song.padded
            for at in range(3, len(padded)):
                for n in range(order):
                    self._counts[n][padded[at - n : at]][padded[at]] += 1

    def distribution(self, context: tuple[int, ...]) -> np.ndarray:
        """Probabilities `[96]` after `context` (the last tokens, padded with start tokens)."""
        p = np.full(CLASSES, 1.0 / CLASSES)
        for n in range(self.order):
            counts = self._counts[n].get(context[len(context) - n :])
            if counts is None:
                break
            total, types = counts.sum(), np.count_nonzero(counts)
            p = (counts + types * p) / (total + types)
        return p

    def predict(self, song: TokenSong) -> np.ndarray:
        """`[T, 96]` probabilities of every event given those before it."""
        padded = song.padded
        return np.array([self.distribution(padded[:at][-3:]) for at in range(3, len(padded))])


def cache_distributions(song: TokenSong) -> tuple[np.ndarray, np.ndarray]:
    """Within-song counts after the longest matching context: (`[T, 96]` distributions, `[T]` match order)."""
    followers: dict[tuple[int, ...], np.ndarray] = {}
    out, orders = np.zeros((len(song.tokens), CLASSES)), np.zeros(len(song.tokens), np.int64)
    for at, token in enumerate(song.tokens):
        contexts = [song.tokens[at - n : at] for n in range(1, min(at, RECALL_ORDER) + 1)]
        for context in reversed(contexts):
            if context in followers:
                counts = followers[context]
                out[at], orders[at] = counts / counts.sum(), len(context)
                break
        for context in contexts:
            followers.setdefault(context, np.zeros(CLASSES))[token] += 1
    return out, orders


@dataclass
class CachedNGram:
    """An n-gram mixed with the song's own cache, `weights[k]` for a match of k chords."""

    ngram: NGram
    weights: np.ndarray = field(default_factory=lambda: np.zeros(RECALL_ORDER + 1))

    def tune(self, songs: Sequences, iterations: int = 30) -> CachedNGram:
        """Sets the weights by expectation maximisation on `songs` (the validation split)."""
        main, cached, orders = [], [], []
        for song in songs:
            tokens = np.array(song.tokens, int)
            rows = np.arange(len(tokens))
            cache, order = cache_distributions(song)
            main.append(self.ngram.predict(song)[rows, tokens])
            cached.append(cache[rows, tokens])
            orders.append(order)
        p, c, o = (np.concatenate(v) if v else np.zeros(0) for v in (main, cached, orders))
        for k in range(1, RECALL_ORDER + 1):
            at = o == k
            weight = 0.5
            for _ in range(iterations if at.any() else 0):
                share = weight * c[at] / np.maximum(weight * c[at] + (1 - weight) * p[at], 1e-300)
                weight = float(share.mean())
            self.weights[k] = weight if at.any() else 0.0
        return self

    def predict(self, song: TokenSong) -> np.ndarray:
        cache, order = cache_distributions(song)
        weight = self.weights[order][:, None]
        return (1 - weight) * self.ngram.predict(song) + weight * cache


_DIATONIC = {
    1: {0: "maj7", 2: "min7", 4: "min7", 5: "maj7", 7: "dom7", 9: "min7", 11: "dim7"},
    -1: {0: "minor", 2: "dim7", 3: "maj7", 5: "min7", 7: "dom7", 8: "maj7", 10: "dom7"},
}
_TRIADS = {
    1: {0: "major", 2: "minor", 4: "minor", 5: "major", 7: "major", 9: "minor", 11: "dim"},
    -1: {0: "minor", 2: "dim", 3: "major", 5: "minor", 7: "major", 8: "major", 10: "major"},
}
_MOTION = {5: 0.40, 7: 0.14, 2: 0.12, 9: 0.08, 10: 0.06, 8: 0.05, 3: 0.04, 4: 0.03, 1: 0.03, 11: 0.03, 6: 0.02}


def circle_of_fifths(last: int | None, mode: int) -> np.ndarray:
    """The heuristic that needs no training: roots fall by a fifth most of all, qualities are diatonic.

    Root motion follows the ranking of root progressions in W. Piston, *Harmony* (1941), ch. 3. `last` is
    the joint class of the previous chord or None at the start. Triads follow triads, sevenths sevenths.
    """
    p = np.full(CLASSES, 0.02 / CLASSES)
    sevenths = last is not None and last % len(QUALITIES) >= QUALITIES.index("dom7")
    scale = (_DIATONIC if sevenths else _TRIADS)[-1 if mode < 0 else 1]
    moves = (
        {0: 0.75, 5: 0.15, 7: 0.10}
        if last is None
        else {(last // len(QUALITIES) + m) % 12: w for m, w in _MOTION.items()}
    )
    total = sum(moves.values())
    for degree, weight in moves.items():
        if degree in scale:
            p[degree * len(QUALITIES) + QUALITIES.index(scale[degree])] += 0.98 * weight / total
        else:
            p[degree * len(QUALITIES) + QUALITIES.index("dom7" if sevenths else "major")] += 0.98 * weight / total
    return p / p.sum()


class CircleOfFifths:
    """`circle_of_fifths` over whole songs."""

    def predict(self, song: TokenSong) -> np.ndarray:
        return np.array([circle_of_fifths(t, song.mode) for t in (None, *song.tokens[:-1])]).reshape(-1, CLASSES)


def fit_baselines(train: Sequences, val: Sequences) -> dict[str, NGram | CachedNGram | CircleOfFifths]:
    """Every baseline by name, fitted on `train`, cache weights tuned on `val`."""
    four = NGram(4, train)
    return {
        "majority": NGram(1, train),
        "bigram": NGram(2, train),
        "4-gram": four,
        "4-gram+cache": CachedNGram(four).tune(val),
        "circle_of_fifths": CircleOfFifths(),
    }
