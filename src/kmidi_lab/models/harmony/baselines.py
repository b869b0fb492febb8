"""Baselines of harmony prediction over the 96 joint classes (degree from the tonic, quality).

Sequences are lists of joint classes of whole songs, repeats merged. Each baseline gives a probability `[96]` for every
event. N-grams are smoothed by modified Kneser-Ney. The cache follows Kuhn and De Mori, *A cache-based natural language
model* (1990): what followed the longest match of up to eight chords, with a weight for each length. The blend mixes
what followed matches of every length and the song's own chords. Weights are tuned on the validation split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kmidi_lab.chords.chord import QUALITIES
from kmidi_lab.models.harmony.features import CLASSES
from kmidi_lab.models.harmony.memory import MEMORY_ORDER
from kmidi_lab.scoring.matches import cache_weights, longest_matches, match_weights, with_cache, with_matches
from kmidi_lab.scoring.ngram import NGram

START_MAJOR, START_MINOR = CLASSES, CLASSES + 1
_START_LENGTH = 3
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
        return (start,) * _START_LENGTH + self.tokens


class ChordNGram:
    """Interpolated n-gram of chords; `order` 1 is the unigram, smoothed to uniform."""

    def __init__(self, order: int, songs: Sequences, smoothing: str = "kneser-ney") -> None:
        self.order = order
        contexts = [self._contexts(song) for song in songs] or [np.zeros((0, order - 1), np.int64)]
        tokens = np.array([token for song in songs for token in song.tokens], np.int64)
        self._model = NGram(np.concatenate(contexts), tokens, CLASSES, smoothing)

    def predict(self, song: TokenSong) -> np.ndarray:
        """`[T, 96]` probabilities of every event given those before it."""
        return self._model.predict(self._contexts(song), np.float64)

    def _contexts(self, song: TokenSong) -> np.ndarray:
        """`[T, order - 1]` the chords before each event, nearest first; start tokens before the first."""
        padded = np.array(song.padded, np.int64)
        before = [padded[_START_LENGTH - n : len(padded) - n] for n in range(1, self.order)]
        return np.stack(before, 1) if before else np.zeros((len(song.tokens), 0), np.int64)


@dataclass
class CachedNGram:
    """An n-gram mixed with the song's own cache, `weights[k]` for a match of k chords."""

    ngram: ChordNGram
    weights: np.ndarray = field(default_factory=lambda: np.zeros(MEMORY_ORDER + 1))

    def tune(self, songs: Sequences, iterations: int = 30) -> CachedNGram:
        """Sets the weights by expectation maximisation on `songs` (the validation split)."""
        main, cached, orders = [np.zeros(0)], [np.zeros(0)], [np.zeros(0, np.int64)]
        for song in songs:
            tokens = np.array(song.tokens, int)
            rows = np.arange(len(tokens))
            cache, order = _cache_of(song)
            main.append(self.ngram.predict(song)[rows, tokens])
            cached.append(cache[rows, tokens])
            orders.append(order)
        own = np.concatenate(main), np.concatenate(cached)
        self.weights = cache_weights(*own, np.concatenate(orders), MEMORY_ORDER, iterations)
        return self

    def predict(self, song: TokenSong) -> np.ndarray:
        """`[T, 96]` probabilities of every event given those before it."""
        return with_cache(self.ngram.predict(song), *_cache_of(song), self.weights)


class BlendedCaches:
    """An n-gram, the song's own chords, and what followed its matches of every length; a weight each, by the longest."""

    def __init__(self, ngram: ChordNGram, songs: Sequences) -> None:
        """Tunes the weights by expectation maximisation on `songs` (the validation split)."""
        self.ngram = ngram
        own = [ngram.predict(s)[np.arange(len(s.tokens)), list(s.tokens)] for s in songs]
        self._weights = match_weights(np.concatenate([np.zeros(0), *own]), [s.tokens for s in songs], MEMORY_ORDER)

    def predict(self, song: TokenSong) -> np.ndarray:
        """`[T, 96]` probabilities of every event given those before it."""
        return with_matches(self.ngram.predict(song), song.tokens, self._weights)


def _cache_of(song: TokenSong) -> tuple[np.ndarray, np.ndarray]:
    return longest_matches(song.tokens, MEMORY_ORDER, CLASSES, np.float64)


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


def fit_baselines(
    train: Sequences, val: Sequences
) -> dict[str, ChordNGram | CachedNGram | BlendedCaches | CircleOfFifths]:
    """Every baseline by name, fitted on `train`, cache weights tuned on `val`."""
    four = ChordNGram(4, train)
    return {
        "majority": ChordNGram(1, train),
        "bigram": ChordNGram(2, train),
        "4-gram": four,
        "4-gram+cache": CachedNGram(four).tune(val),
        "4-gram+caches": BlendedCaches(four, val),
        "circle_of_fifths": CircleOfFifths(),
    }
