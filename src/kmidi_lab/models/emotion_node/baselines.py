"""Baselines of emotion nodes: each gives, for N clips of mel frames, probabilities `[N, K]` for every head."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import BANDS, HIGHEST_HZ, LOWEST_HZ, hz_of, mel_of
from kmidi_lab.chords.key_finding import PROFILES
from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import HEADS, KEYS
from kmidi_lab.scoring.mfcc import MfccLogistic, mfcc_statistics

Frames = NDArray[np.floating]
Probabilities = dict[str, NDArray[np.float64]]
Predict = Callable[[Sequence[Frames]], Probabilities]
_LOWEST_PITCH, _HIGHEST_PITCH = 48, 96
_SHARPNESS = 8.0


def fit_baselines(
    train: Sequence[Frames], labels: NDArray[np.integer], val: Sequence[Frames], val_labels: NDArray[np.integer]
) -> dict[str, Predict]:
    """Every baseline by name, fitted on clips with classes `[N, 5]` in the order of the heads.

    `majority+krumhansl` is the commonest class, and for the key the correlation of the clip's chroma with key profiles;
    `mfcc+logistic` hears every head by logistic regression, `mfcc+logistic, krumhansl` all but the key.
    """
    sizes = {name: EMOTION_NODE.output(name).size for name in HEADS}
    shares = {name: _shares(labels[:, i], sizes[name]) for i, name in enumerate(HEADS)}
    x, val_x = mfcc_statistics(train), mfcc_statistics(val)
    fitted = {
        name: MfccLogistic.fit(x, labels[:, i], val_x, val_labels[:, i], sizes[name]) for i, name in enumerate(HEADS)
    }

    def keys(clips: Sequence[Frames]) -> Probabilities:
        return {"key": np.stack([key_probabilities(clip) for clip in clips])}

    def majority(clips: Sequence[Frames]) -> Probabilities:
        return {name: np.tile(share, (len(clips), 1)) for name, share in shares.items()} | keys(clips)

    def logistic(clips: Sequence[Frames]) -> Probabilities:
        statistics = mfcc_statistics(clips)
        return {name: model.probabilities(statistics) for name, model in fitted.items()}

    return {
        "majority+krumhansl": majority,
        "mfcc+logistic": logistic,
        "mfcc+logistic, krumhansl": lambda clips: logistic(clips) | keys(clips),
    }


def key_probabilities(frames: Frames) -> NDArray[np.float64]:
    """`[24]`, from the correlation of a clip's chroma with each key's profile (Krumhansl, Kessler)."""
    chroma = mel_chroma(frames)
    scores = [np.corrcoef(chroma, np.roll(PROFILES[-1 if key % 2 else 1], key // 2))[0, 1] for key in range(len(KEYS))]
    p = np.exp(_SHARPNESS * np.nan_to_num(np.array(scores)))
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
