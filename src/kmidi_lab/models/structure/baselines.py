"""Baselines of structure prediction: what comes next, and how long it is, from counts and from boosted trees.

N-grams are smoothed by modified Kneser-Ney. The caches follow Kuhn and De Mori, *A cache-based natural language model*
(1990): what followed in this song where the last sections stood before. Weights are tuned on the validation split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.structure.features import UNKNOWN, EncodedForms, untold
from kmidi_lab.models.structure.form import OTHER_LENGTH, TOKENS, Form, length_class
from kmidi_lab.scoring.matches import cache_weights, every_match, longest_matches, with_cache
from kmidi_lab.scoring.ngram import NGram, mixture_weights

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Songs = Sequence[Form]
Prediction = tuple[Floats, Floats]
"""`[E, 13]` of the section, `[E, 8]` of the length of the section that came."""
Baseline = Callable[[Songs, EncodedForms], Prediction]
MOST_ORDER, CACHE_ORDER = 6, 8
_BLEND_ORDER = 5
_START, _CLASSES = TOKENS, OTHER_LENGTH + 1
_LATEST, _SPAN_S, _LAST_SPAN = 30, 20.0, 30
_FEWEST_FOR_TREES = 2000


class ColumnNGram:
    """An n-gram over columns that `columns` makes of songs, `[E, n]`, the most telling first."""

    def __init__(self, columns: Callable[[Songs], Ints], songs: Songs) -> None:
        self._columns = columns
        self._model = NGram(columns(songs), tokens_of(songs), TOKENS, "kneser-ney")

    def __call__(self, songs: Songs) -> Floats:
        """`[E, 13]`."""
        return self._model.predict(self._columns(songs), np.float64)


def fit_baselines(train: Songs, val: Songs, encoded: EncodedForms) -> dict[str, Baseline]:
    """Every baseline by name, fitted on `train`, whose vectors are `encoded`; weights tuned on `val`."""
    common, by_type, by_song = (LengthCounts(n, train) for n in (0, 1, 3))
    grams = {n: ColumnNGram(partial(before, n=n - 1), train) for n in range(1, MOST_ORDER + 1)}
    named: dict[str, tuple[Callable[[Songs], Floats], LengthCounts]] = {
        "majority": (grams[1], common),
        "position_majority": (ColumnNGram(_place, train), common),
        "bigram": (grams[2], by_type),
        **{f"{n}-gram": (grams[n], by_song) for n in range(3, MOST_ORDER + 1)},
    }
    best = grams[MOST_ORDER]
    named[f"{MOST_ORDER}-gram+cache"] = (_cached(best, val), by_song)
    timed = ColumnNGram(_timed, train)
    named["blend"] = (_blend([best, grams[3], timed, ColumnNGram(_place, train)], val), by_song)
    baselines: dict[str, Baseline] = {name: _pair(*parts) for name, parts in named.items()}
    return baselines | boosted_trees(train, encoded, by_song)


def tokens_of(songs: Songs) -> Ints:
    """`[E]`, song after song."""
    return np.array([token for song in songs for token in song.tokens], np.int64)


def before(songs: Songs, n: int) -> Ints:
    """`[E, n]` the types before each event, nearest first; a start token before the first."""
    rows = []
    for song in songs:
        padded = np.array((_START,) * n + song.tokens, np.int64)
        rows.append(
            np.stack([padded[n - k : len(padded) - k] for k in range(1, n + 1)], 1) if n else padded[:, None][:, :0]
        )
    return np.concatenate([np.zeros((0, n), np.int64), *rows])


def _place(songs: Songs) -> Ints:
    """`[E, 1]` how many sections there were."""
    places = [min(i, _LATEST) for song in songs for i in range(len(song.tokens))]
    return np.array(places, np.int64).reshape(-1, 1)


def _timed(songs: Songs) -> Ints:
    """`[E, 5]`: the last two types, how long the song has lasted, whether its bars are known, and the type before."""
    spans = []
    for song in songs:
        ends = np.concatenate([[0.0], np.cumsum([s.seconds for s in song.sections])])
        span = np.minimum(ends / _SPAN_S, _LAST_SPAN).astype(np.int64)
        spans.append(np.stack([span, np.full(len(span), int(song.tempo is not None))], 1))
    last, time = before(songs, 3), np.concatenate([np.zeros((0, 2), np.int64), *spans])
    return np.concatenate([last[:, :2], time, last[:, 2:]], 1)


class LengthCounts:
    """The length class of a section of a known type; `columns` of: its type, the last length of that type, the last length."""

    def __init__(self, columns: int, songs: Songs) -> None:
        self._n = columns
        contexts, lengths = self._columns(songs)
        has_length = lengths != UNKNOWN
        self._model = (
            NGram(contexts[has_length], lengths[has_length], _CLASSES, "kneser-ney") if has_length.any() else None
        )

    def __call__(self, songs: Songs) -> Floats:
        """`[E, 8]`; uniform where training held no length."""
        contexts, _ = self._columns(songs)
        if self._model is None:
            return np.full((len(contexts), _CLASSES), 1 / _CLASSES)
        return self._model.predict(contexts, np.float64)

    def _columns(self, songs: Songs) -> tuple[Ints, Ints]:
        rows, lengths = [], []
        for song in songs:
            of_type: dict[int, int] = {}
            last = _CLASSES
            for token, section in zip(song.tokens, (*song.sections, None), strict=True):
                own = length_class(section.bars) if section and section.bars else UNKNOWN
                rows.append([token, of_type.get(token, _CLASSES), last][: self._n])
                lengths.append(own)
                last = own if own != UNKNOWN else _CLASSES
                of_type[token] = last
        return np.array(rows, np.int64).reshape(len(rows), self._n), np.array(lengths, np.int64)


def _pair(sections: Callable[[Songs], Floats], lengths: LengthCounts) -> Baseline:
    return lambda songs, encoded: (sections(songs), lengths(songs))


def _cached(ngram: ColumnNGram, val: Songs) -> Callable[[Songs], Floats]:
    """The n-gram with what followed the longest match of up to eight sections, a weight for each length of match."""

    def cache(songs: Songs) -> tuple[Floats, Ints]:
        parts = [longest_matches(song.tokens, CACHE_ORDER, TOKENS, np.float64) for song in songs]
        p = np.concatenate([np.zeros((0, TOKENS)), *(p for p, _ in parts)])
        return p, np.concatenate([np.zeros(0, np.int64), *(n for _, n in parts)])

    rows, tokens = np.arange(len(tokens_of(val))), tokens_of(val)
    p, lengths = cache(val)
    weights = cache_weights(ngram(val)[rows, tokens], p[rows, tokens], lengths, CACHE_ORDER)
    return lambda songs: with_cache(ngram(songs), *cache(songs), weights)


def _blend(models: Sequence[ColumnNGram], val: Songs) -> Callable[[Songs], Floats]:
    """Several models and what followed matches of every length in the song; a weight each, by the longest match."""

    def parts(songs: Songs) -> tuple[Floats, Ints]:
        matches = [every_match(song.tokens, _BLEND_ORDER, TOKENS, np.float64) for song in songs]
        own = np.stack([model(songs) for model in models])
        cached = np.concatenate([np.zeros((_BLEND_ORDER + 1, 0, TOKENS)), *(p for p, _ in matches)], 1)
        return np.concatenate([own, cached]), np.concatenate([np.zeros(0, np.int64), *(n for _, n in matches)])

    p, longest = parts(val)
    tokens = tokens_of(val)
    weights = np.zeros((_BLEND_ORDER + 1, len(p)))
    for n in range(_BLEND_ORDER + 1):
        here, used = longest == n, len(models) + n + 1
        weights[n, :used] = mixture_weights(p[:used, np.arange(len(tokens)), tokens][:, here].T)

    def predict(songs: Songs) -> Floats:
        p, longest = parts(songs)
        shares = weights[longest]
        shares[:, 0] += 1 - np.einsum("tk,ktv->t", shares, p)  # what has no followers yet: the first model's
        return np.asarray(np.einsum("tk,ktv->tv", shares, p))

    return predict


def boosted_trees(train: Songs, encoded: EncodedForms, lengths: LengthCounts) -> dict[str, Baseline]:
    """Gradient-boosted trees on the network's inputs and the last five types; none where there are too few sections."""
    tokens = encoded.token
    if len(tokens) < _FEWEST_FOR_TREES:
        return {}
    from sklearn.ensemble import HistGradientBoostingClassifier  # prediction asks the rules beside it without sklearn

    def examples(songs: Songs, e: EncodedForms) -> Floats:
        return np.concatenate([untold(e.x), before(songs, 5).astype(np.float32)], 1)

    trees = HistGradientBoostingClassifier(
        learning_rate=0.08, max_iter=80, max_leaf_nodes=15, min_samples_leaf=30, l2_regularization=1.0, random_state=0
    )
    trees.fit(examples(train, encoded), tokens)

    def predict(songs: Songs, e: EncodedForms) -> Prediction:
        p = np.full((len(e.token), TOKENS), 1e-6)
        p[:, trees.classes_] = trees.predict_proba(examples(songs, e))
        return p / p.sum(1, keepdims=True), lengths(songs)

    return {"boosted_trees": predict}
