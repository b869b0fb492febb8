"""Baselines of feel: a constant; librosa's beat tracker; the autocorrelation of the onsets with the model's own decoder.

All hear the same mel frames. Values are those of ridge regression on statistics of MFCCs and of the onsets.
"""

from __future__ import annotations

import functools
import getpass
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from kmidi_lab.audio.mel import FRAME_S, HOP, RATE
from kmidi_lab.models.feel.features import BINS, FASTEST, SLOWEST, Excerpt, bin_of
from kmidi_lab.models.feel.heuristic import USUAL, beats_by_onsets, onset_strength, tempo_by_onsets
from kmidi_lab.scoring.mfcc import mfcc_statistics

Array = NDArray[np.float64]
_SURE, _SPREAD = 0.9, 0.7
_STRENGTH = 10.0


class TempoEstimate(NamedTuple):
    """What is said of an excerpt: how likely each tempo is `[32]`, the tempo, and seconds of the beats."""

    shares: Array
    tempo: float
    beats: Array


Track = Callable[[NDArray[np.floating]], TempoEstimate]


def trackers(train: Sequence[Excerpt]) -> dict[str, Track]:
    """Every baseline of tempo and beats by name: from frames `[T, 128]` of `mel128-v1`."""
    tempos = [tempo for song in train if (tempo := song.tempo) is not None and SLOWEST <= tempo <= FASTEST]
    usual = float(np.median(tempos)) if tempos else USUAL
    counts = np.bincount([round(bin_of(t)) for t in tempos], minlength=BINS) + 1.0

    def constant(frames: NDArray[np.floating]) -> TempoEstimate:
        return TempoEstimate(counts / counts.sum(), usual, np.arange(0, len(frames) * FRAME_S, 60 / usual))

    return {"constant": constant, "autocorrelation": by_autocorrelation, "librosa": by_librosa}


def by_autocorrelation(frames: NDArray[np.floating]) -> TempoEstimate:
    """The lab's own rule, which also stands in where there is no model; beats are found as the model's are."""
    tempo = tempo_by_onsets(frames)
    return TempoEstimate(_bell(tempo), tempo, beats_by_onsets(frames, tempo))


def by_librosa(frames: NDArray[np.floating]) -> TempoEstimate:
    """Librosa's onset strength and dynamic programming (D. Ellis, 2007) on the same mel frames."""
    tempo, beats = _track(_librosa(), frames)
    return TempoEstimate(_bell(tempo), tempo, beats)


def _bell(tempo: float) -> Array:
    place = bin_of(min(max(tempo, SLOWEST), FASTEST))
    p = np.exp(-((np.arange(BINS) - place) ** 2) / (2 * _SPREAD**2))
    return np.asarray(_SURE * p / p.sum() + (1 - _SURE) / BINS)


@functools.cache
def _librosa() -> ModuleType:
    """Librosa with its beat tracker compiled, by one process of this user at a time.

    Numba keeps what it compiles on disk, and processes that do so side by side overwrite each other's.
    """
    with FileLock(Path(tempfile.gettempdir()) / f"kmidi_lab-numba-{getpass.getuser()}.lock"):
        import librosa
        import librosa.beat
        import librosa.onset

        _track(librosa, np.random.default_rng(0).random((300, 128)))
    return librosa


def _track(librosa: ModuleType, frames: NDArray[np.floating]) -> tuple[float, Array]:
    decibels = np.asarray(frames, np.float32).T * (10 / np.log(10))
    envelope = librosa.onset.onset_strength(S=decibels, sr=RATE, hop_length=HOP, center=False)
    tempo, beats = librosa.beat.beat_track(onset_envelope=envelope, sr=RATE, hop_length=HOP)
    middle = 512 / RATE
    return max(1.0, float(np.atleast_1d(tempo)[0])), np.asarray(beats, np.float64) * FRAME_S + middle


class Regression(NamedTuple):
    """Ridge regression from statistics of a stretch of frames."""

    model: Pipeline

    @classmethod
    def fit(cls, statistics: Array, values: Array) -> Regression:
        """On statistics `[N, F]` with values `[N, K]`, NaN where one is unknown: such rows are left out."""
        labelled = ~np.isnan(values).any(1)
        model = make_pipeline(StandardScaler(), Ridge(_STRENGTH))
        return cls(model.fit(statistics[labelled], values[labelled]))

    def __call__(self, statistics: Array) -> Array:
        """Values `[N, K]`."""
        return np.asarray(self.model.predict(statistics), np.float64).reshape(len(statistics), -1)


def statistics_of(stretches: Sequence[NDArray[np.floating]]) -> Array:
    """`[N, F]`: of the MFCCs and of the onsets of stretches `[T_i, 128]` of `mel128-v2`."""
    onsets = [onset_strength(frames) for frames in stretches]
    own = [[o.mean(), o.std(), *np.percentile(o, (50, 90, 99)), (o > 2 * o.mean()).mean()] for o in onsets]
    return np.concatenate([mfcc_statistics(stretches), np.array(own)], 1)
