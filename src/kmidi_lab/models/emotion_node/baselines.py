"""Baselines of emotion nodes: each gives, for N clips of mel frames, probabilities `[N, K]` for every head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from kmidi_lab.audio.mel import BANDS, HIGHEST_HZ, LOWEST_HZ, hz_of, mel_of
from kmidi_lab.chords.key_finding import profile_correlations
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import HEADS, QUADRANTS
from kmidi_lab.scoring.mfcc import MfccLogistic, mfcc_statistics

Frames = NDArray[np.floating]
Probabilities = dict[str, NDArray[np.float64]]
Predict = Callable[[Sequence[Frames]], Probabilities]
_LOWEST_PITCH, _HIGHEST_PITCH = 48, 96
_SHARPNESS = 8.0


def fit_baselines(
    train: Sequence[Frames], labels: NDArray[np.integer], val: Sequence[Frames], val_labels: NDArray[np.integer]
) -> dict[str, Predict]:
    """Every baseline by name, fitted on clips with classes `[N, 6]`: the heads in their order, then the quadrant, -1 unknown.

    `majority+krumhansl` is the commonest class, and for the key the correlation of the clip's chroma with key profiles;
    `mfcc+logistic` hears every head by logistic regression, `mfcc+logistic, krumhansl` all but the key;
    `mfcc+chroma+boosted trees` hears the quadrant by gradient boosting, and all else as `mfcc+logistic`.
    """
    sizes = {name: EMOTION_NODE.output(name).size for name in HEADS} | {"quadrant": len(QUADRANTS)}
    known = {name: labels[:, i] >= 0 for i, name in enumerate(sizes)}
    names = [name for i, name in enumerate(sizes) if known[name].any() and (val_labels[:, i] >= 0).any()]
    shares = {name: _shares(labels[known[name], i], sizes[name]) for i, name in enumerate(sizes) if name in names}
    x, val_x = mfcc_statistics(train), mfcc_statistics(val)
    fitted = {}
    for i, name in enumerate(sizes):
        if name in names:
            there, held = known[name], val_labels[:, i] >= 0
            fitted[name] = MfccLogistic.fit(x[there], labels[there, i], val_x[held], val_labels[held, i], sizes[name])

    def keys(clips: Sequence[Frames]) -> Probabilities:
        return {"key": np.stack([key_probabilities(clip) for clip in clips])}

    def majority(clips: Sequence[Frames]) -> Probabilities:
        return _all({name: np.tile(share, (len(clips), 1)) for name, share in shares.items()} | keys(clips), len(clips))

    def logistic(clips: Sequence[Frames]) -> Probabilities:
        statistics = mfcc_statistics(clips)
        return _all({name: model.probabilities(statistics) for name, model in fitted.items()}, len(clips))

    rivals: dict[str, Predict] = {
        "majority+krumhansl": majority,
        "mfcc+logistic": logistic,
        "mfcc+logistic, krumhansl": lambda clips: logistic(clips) | keys(clips),
    }
    if "quadrant" in names:
        there = known["quadrant"]
        trees = _trees((clip for clip, one in zip(train, there, strict=True) if one), labels[there, -1])
        rivals["mfcc+chroma+boosted trees"] = lambda clips: logistic(clips) | {"quadrant": trees(clips)}
    return rivals


def _all(p: Probabilities, size: int) -> Probabilities:
    """With even chances for what nothing was learnt of."""
    return {"quadrant": np.full((size, len(QUADRANTS)), 1 / len(QUADRANTS)), **p}


def _trees(clips: Iterable[Frames], labels: NDArray[np.integer]) -> Callable[[Sequence[Frames]], NDArray[np.float64]]:
    model = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, min_samples_leaf=20, random_state=0)
    model.fit(_statistics(clips), labels)

    def predict(some: Sequence[Frames]) -> NDArray[np.float64]:
        out = np.zeros((len(some), len(QUADRANTS)))
        out[:, model.classes_] = model.predict_proba(_statistics(some))
        return out

    return predict


def _statistics(clips: Iterable[Frames]) -> NDArray[np.float64]:
    """MFCC statistics, chroma, correlations with the major and minor profiles, and how much the level rises, in quantiles."""
    rows = []
    for clip in clips:
        mfcc = mfcc_statistics([clip])[0]
        chroma, keys = mel_chroma(clip), key_probabilities(clip)
        rises = np.diff(np.asarray(clip, np.float64).mean(1)).clip(0)
        rows.append(
            [*mfcc, *np.sort(chroma / max(chroma.sum(), 1e-9)), keys[::2].sum(), *np.quantile(rises, (0.5, 0.9, 0.97))]
        )
    return np.array(rows)


def key_probabilities(frames: Frames) -> NDArray[np.float64]:
    """`[24]`, from the correlation of a clip's chroma with each key's profile (Krumhansl, Kessler)."""
    p = np.exp(_SHARPNESS * profile_correlations(mel_chroma(frames)))
    return np.asarray(p / p.sum())


def mel_chroma(frames: Frames) -> NDArray[np.float64]:
    """`[12]` from C: magnitude of the mel bands that hold each pitch from C3 to B6, where bands are narrow enough to tell."""
    centres = hz_of(np.linspace(mel_of(LOWEST_HZ), mel_of(HIGHEST_HZ), BANDS + 2))[1:-1]
    level = np.exp(np.asarray(frames, np.float64) / 2).mean(0)
    pitches = np.arange(_LOWEST_PITCH, _HIGHEST_PITCH)
    magnitudes = np.interp(440 * 2 ** ((pitches - 69) / 12), centres, level)
    return np.array([magnitudes[pitches % 12 == pc].sum() for pc in range(12)])


def _shares(labels: NDArray[np.integer], size: int) -> NDArray[np.float64]:
    counts = np.bincount(labels, minlength=size).astype(np.float64)
    return np.asarray(counts / counts.sum())
