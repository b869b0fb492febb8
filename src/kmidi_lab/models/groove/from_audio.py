"""Groove of a recording: beats, and in three bands what sounds on each sixteenth, how strong and how early or late.

Beats come from librosa's tracker (Ellis, Beat Tracking by Dynamic Programming, 2007). Onsets are peaks of the spectral
flux (Bello et al., A Tutorial on Onset Detection in Music Signals, 2005) in a low, a middle and a high band, which
stand for bass drum, snare and hi-hat: real mixes hold other things there, too. How exact that is on rendered drums
whose truth is known stands in docs/groove.md.
"""

from __future__ import annotations

import functools
import getpass
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from kmidi_lab.models.groove.features import FASTEST, SLOWEST
from kmidi_lab.models.groove.grid import STEPS, STEPS_PER_BEAT, Bars

RATE = 22_050
"""Hz that recordings are read at."""
_BEAT_HOP, _HOP, _WINDOW = 256, 64, 512
_BANDS_HZ = ((30, 110), (200, 3000), (7000, 11_000))
_LEAST = (0.4, 0.25, 0.1)
"""Share of a band's strongest flux that counts as an onset; the best F-measures on rendered validation takes."""
_BETWEEN_S = 0.06
_EARLY_S = (0.0, 0.0025, 0.0)
"""By band, how much the flux peaks before the onset: the medians on rendered validation takes."""
_STEADY_BEATS = 8
_FEWEST_BEATS = 16
Array = NDArray[np.float64]


@dataclass(frozen=True)
class AudioGroove:
    """The beats of a recording and what sounds on them.

    `beats` seconds, the first a downbeat; `bars` as a performance's, timing and velocity by band; `bpm`;
    `swing` 0 even eighths to 1 triplets, None where too few off-beats sound.
    """

    beats: Array
    bars: Bars
    bpm: float
    swing: float | None


def groove_of(samples: NDArray[np.float32]) -> AudioGroove | None:
    """The groove of mono samples at `RATE`, in 4/4; None where no steady beat is found."""
    beats = _steady(_beats(samples))
    if len(beats) < _FEWEST_BEATS:
        return None
    bpm = 60 / float(np.median(np.diff(beats)))
    if not SLOWEST <= bpm <= FASTEST:
        return None
    onsets = band_onsets(samples)
    beats = beats + _lag(beats, onsets)
    beats = beats[_downbeat(beats, onsets) :]
    beats = beats[: len(beats) - (len(beats) - 1) % 4]
    return AudioGroove(beats, _bars(beats, onsets), bpm, _swing(beats, onsets))


def fluxes(samples: NDArray[np.float32]) -> Array:
    """Spectral flux `[3, frames]` of the low, middle and high band, a frame every `_HOP` samples."""
    librosa = _librosa()
    spectrum = np.sqrt(np.abs(librosa.stft(samples, n_fft=_WINDOW, hop_length=_HOP)))
    frequencies = librosa.fft_frequencies(sr=RATE, n_fft=_WINDOW)
    out = []
    for low, high in _BANDS_HZ:
        band = spectrum[(frequencies >= low) & (frequencies <= high)]
        rise = np.maximum(0, band[:, 4:] - band[:, :-4]).sum(0)
        out.append(np.pad(rise, 2))
    return np.array(out, np.float64)


def band_onsets(samples: NDArray[np.float32]) -> list[Array]:
    """Of the low, middle and high band `[E, 2]`: seconds and strength 0..1 of each onset, 60 ms apart or more."""
    band_peaks = [_peaks(flux, least) for flux, least in zip(fluxes(samples), _LEAST, strict=True)]
    return [onsets + np.array([early, 0.0]) for onsets, early in zip(band_peaks, _EARLY_S, strict=True)]


def _peaks(flux: Array, least: float) -> Array:
    top = np.percentile(flux, 99.7)
    nearby = maximum_filter1d(flux, 2 * int(_BETWEEN_S / 2 * RATE / _HOP) + 1)
    peaks = np.flatnonzero((flux == nearby) & (flux > least * top) & (top > 0))
    peaks = peaks[(peaks > 0) & (peaks < len(flux) - 1)]
    before, at, after = flux[peaks - 1], flux[peaks], flux[peaks + 1]
    curve = before - 2 * at + after
    shift = np.divide(0.5 * (before - after), curve, out=np.zeros_like(at), where=curve != 0)
    return np.stack([(peaks + shift) * _HOP / RATE, np.clip(at / top, 0, 1)], 1)


@functools.cache
def _librosa() -> ModuleType:
    """Returns librosa with its beat tracker compiled, by one process of this user at a time.

    Numba compiles some of it at the import and some at the first call and keeps the result on disk; processes that do
    so side by side overwrite each other's functions there, and the next call of one ends in a segmentation fault.
    """
    with FileLock(Path(tempfile.gettempdir()) / f"kmidi_lab-numba-{getpass.getuser()}.lock"):
        import librosa
        import librosa.beat
        import librosa.onset

        clicks = np.zeros(4 * RATE, np.float32)
        clicks[:: RATE // 2] = 1.0
        _track(librosa, clicks)
    return librosa


def _beats(samples: NDArray[np.float32]) -> Array:
    return _track(_librosa(), samples)


def _track(librosa: ModuleType, samples: NDArray[np.float32]) -> Array:
    envelope = librosa.onset.onset_strength(y=samples, sr=RATE, hop_length=_BEAT_HOP, aggregate=np.median)
    _, beats = librosa.beat.beat_track(onset_envelope=envelope, sr=RATE, hop_length=_BEAT_HOP, units="time", trim=False)
    return np.asarray(beats, np.float64)


def _steady(beats: Array) -> Array:
    """Each beat where a line through its neighbours puts it, so that an early or late beat stays so on the grid."""
    out = beats.copy()
    for i in range(len(beats)):
        first, last = max(0, i - _STEADY_BEATS), min(len(beats), i + _STEADY_BEATS + 1)
        if last - first >= 4:
            at = np.arange(first, last)
            out[i] = np.polyval(np.polyfit(at, beats[first:last], 1), i)
    return out


def _lag(beats: Array, onsets: list[Array]) -> float:
    """How far low and middle onsets lie behind the beats in the median: the tracker's envelope is slower than ours."""
    half = float(np.median(np.diff(beats))) / STEPS_PER_BEAT / 2
    struck = np.sort(np.concatenate([band[:, 0] for band in onsets[:2]]))
    if not len(struck):
        return 0.0
    nearest = struck[np.abs(struck[None] - beats[:, None]).argmin(1)]
    off = nearest - beats
    return float(np.median(off[np.abs(off) < half])) if (np.abs(off) < half).any() else 0.0


def _downbeat(beats: Array, onsets: list[Array]) -> int:
    """Which of the first four beats begins a bar: low on one and three, middle on two and four."""
    low, middle = (_at_beats(beats, band) for band in onsets[:2])
    scores = [low[p::4].mean() + 0.5 * low[p + 2 :: 4].mean() + middle[p + 1 :: 4].mean() + middle[p + 3 :: 4].mean()
              for p in range(4)]  # fmt: skip
    return int(np.argmax(scores))


def _at_beats(beats: Array, onsets: Array) -> Array:
    """Strength of the onset on each beat, 0 where none is within a sixteenth's half."""
    out = np.zeros(len(beats))
    if len(onsets):
        half = float(np.median(np.diff(beats))) / STEPS_PER_BEAT / 2
        nearest = np.abs(onsets[:, 0][None] - beats[:, None]).argmin(1)
        close = np.abs(onsets[nearest, 0] - beats) < half
        out[close] = onsets[nearest[close], 1]
    return out


def _phases(beats: Array, onsets: Array) -> tuple[Array, Array]:
    """(place of each onset in beats from the first, its strength), of those inside the beats."""
    inside = onsets[(onsets[:, 0] >= beats[0]) & (onsets[:, 0] < beats[-1])]
    return np.interp(inside[:, 0], beats, np.arange(len(beats))), inside[:, 1]


def _bars(beats: Array, onsets: list[Array]) -> Bars:
    steps = (len(beats) - 1) * STEPS_PER_BEAT
    hit = np.zeros((steps, len(onsets)), bool)
    timing, velocity = np.zeros(hit.shape, np.float32), np.zeros(hit.shape, np.float32)
    merged = 0
    for band, band_peaks in enumerate(onsets):
        places, strengths = _phases(beats, band_peaks)
        at = np.floor(places * STEPS_PER_BEAT + 0.5).astype(int)
        for i in np.argsort(strengths):
            if at[i] < steps:
                merged += int(hit[at[i], band])
                hit[at[i], band], velocity[at[i], band] = True, strengths[i]
                timing[at[i], band] = (places[i] * STEPS_PER_BEAT - at[i]) * 2
    shape = (steps // STEPS, STEPS, len(onsets))
    return Bars(hit.reshape(shape), timing.reshape(shape), velocity.reshape(shape), merged)


def _swing(beats: Array, onsets: list[Array]) -> float | None:
    """Where the off-beat eighths fall: half way is 0, two thirds of the beat is 1."""
    phases = np.concatenate([_phases(beats, band_peaks)[0] % 1 for band_peaks in onsets])
    eighths = phases[(phases > 0.42) & (phases < 0.75)]
    if len(eighths) < max(8, 0.1 * len(beats)):
        return None
    return float(np.clip((np.median(eighths) - 0.5) / (2 / 3 - 0.5), 0, 1))
