"""Baselines of reading a feeling in a text: each gives label probabilities and, where it can, a rating."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.intent.features import LABELS, Sentence
from kmidi_lab.models.intent.reading import from_words

Texts = Sequence[str]
Said = tuple[NDArray[np.float64], NDArray[np.float64] | None]
Baseline = Callable[[Texts], Said]
Encode = Callable[[Texts], NDArray[np.floating] | None]
_STRENGTH, _RIDGE, _ENCODER_STRENGTH = 3.0, 2.0, 10.0
"""C of the logistic regressions and alpha of the ridges, chosen on validation."""


def fit_baselines(train: Sequence[Sentence], encode: Encode) -> dict[str, Baseline]:
    """Every baseline by name, fitted on `train`.

    Args:
        train: sentences with labels, ratings or both.
        encode: vectors of a sentence encoder; None from it leaves its baselines out.
    """
    labelled, rated = [s for s in train if s.labels], [s for s in train if s.affect]
    true = np.array([[label in s.labels for label in LABELS] for s in labelled]).reshape(-1, len(LABELS))
    affect = np.array([s.affect for s in rated]).reshape(-1, 3)
    share, mean = true.mean(0) if len(true) else np.zeros(len(LABELS)), affect.mean(0) if len(affect) else np.zeros(3)
    out: dict[str, Baseline] = {
        "majority": lambda texts: (np.tile(share, (len(texts), 1)), np.tile(mean, (len(texts), 1))),
        "word_list": word_list,
    }
    if len(labelled) and len(rated):
        out["tfidf+logistic"] = _tfidf([s.text for s in labelled], true, [s.text for s in rated], affect)
    vectors = encode([s.text for s in labelled])
    if vectors is not None:
        rated_vectors = encode([s.text for s in rated])
        assert rated_vectors is not None
        out |= _encoders(encode, vectors, true, rated_vectors, affect)
    return out


def word_list(texts: Texts) -> Said:
    """The feel lexicon alone: what stands in for the model."""
    feelings = [from_words(text) for text in texts]
    p = np.array([list(f.probabilities.values()) for f in feelings]).reshape(-1, len(LABELS))
    return p, np.array([[f.valence, f.arousal, f.dominance] for f in feelings]).reshape(-1, 3)


def _tfidf(texts: Texts, true: NDArray[np.bool_], rated: Texts, affect: NDArray[np.floating]) -> Baseline:
    """Words and pairs of words; a logistic regression a label, a ridge for the ratings."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge

    words, own = (TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True) for _ in range(2))
    logistic = _logistic(words.fit_transform(texts), true, _STRENGTH)
    ridge = Ridge(_RIDGE).fit(own.fit_transform(rated), affect)
    return lambda asked: (logistic(words.transform(asked)), np.asarray(ridge.predict(own.transform(asked))))


def _encoders(
    encode: Encode,
    vectors: NDArray[np.floating],
    true: NDArray[np.bool_],
    rated: NDArray[np.floating],
    affect: NDArray[np.floating],
) -> dict[str, Baseline]:
    """A sentence encoder with a logistic regression and a ridge, and with the nearest mean of each label."""
    from sklearn.linear_model import Ridge

    logistic, ridge = _logistic(vectors, true, _ENCODER_STRENGTH), Ridge(_RIDGE).fit(rated, affect)
    centres = np.stack([vectors[rows].mean(0) if rows.any() else np.zeros(vectors.shape[1]) for rows in true.T])
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)

    def of(texts: Texts) -> NDArray[np.floating]:
        own = encode(texts)
        assert own is not None
        return own

    def by_centre(texts: Texts) -> Said:
        scores = 12.0 * of(texts) @ centres.T
        p = np.exp(scores - scores.max(1, keepdims=True))
        return p / p.sum(1, keepdims=True), None

    return {
        "minilm+centroid": by_centre,
        "minilm+logistic": lambda texts: (logistic(of(texts)), np.asarray(ridge.predict(of(texts)))),
    }


def _logistic(x: Any, true: NDArray[np.bool_], strength: float) -> Callable[[Any], NDArray[np.float64]]:
    """A regression for each label; a label that is always or never true has a constant."""
    from sklearn.linear_model import LogisticRegression

    fitted = [
        LogisticRegression(C=strength, max_iter=200, solver="liblinear" if x.shape[1] > 1000 else "lbfgs").fit(x, rows)
        if 0 < rows.sum() < len(rows)
        else float(rows.mean())
        for rows in true.T
    ]

    def call(asked: Any) -> NDArray[np.float64]:
        own = [f.predict_proba(asked)[:, 1] if not isinstance(f, float) else np.full(asked.shape[0], f) for f in fitted]
        return np.stack(own, 1)

    return call
