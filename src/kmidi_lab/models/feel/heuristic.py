"""What stands in where no model is published: the tempo by the autocorrelation of the onsets, and rules of thumb."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import BANDS, FRAME_S
from kmidi_lab.audio.style import Style
from kmidi_lab.models.feel.decoding import beat_frames, repetition
from kmidi_lab.models.feel.features import BINS, bpm_of, seconds_at

Array = NDArray[np.float64]
NAME = "autocorrelation of onsets"
USUAL = 120.0
"""Tempo that is the likeliest beforehand."""
_OCTAVE = 0.9
"""Octaves of the standard deviation around it (librosa has 1)."""
_RANGE = 18.0
"""Natural logarithms of power below the loudest that onsets are looked for in."""
_FULL_DENSITY, _STRONG = 12.0, 2.0
_NEVER_SURE = 0.4


def onset_strength(frames: NDArray[np.floating]) -> Array:
    """`[T]`: how much the bands `[T, 128]` rise from two frames before, on average; 0 or more."""
    levels = np.maximum(np.asarray(frames, np.float64), float(np.max(frames)) - _RANGE)
    rise = np.maximum(0, levels[2:] - levels[:-2]).mean(1)
    return np.concatenate([np.zeros(2), rise])[: len(levels)]


def tempo_by_onsets(frames: NDArray[np.floating]) -> float:
    """Quarter notes a minute whose period and its multiples the onsets repeat at, weighted towards 120."""
    tempos = np.array([bpm_of(place) for place in np.linspace(0, BINS - 1, 8 * BINS)])
    repeats = repetition(onset_strength(frames), 60 / tempos / FRAME_S)
    prior = np.exp(-0.5 * (np.log2(tempos / USUAL) / _OCTAVE) ** 2)
    return float(tempos[np.argmax(np.maximum(repeats, 0) * prior)])


def beats_by_onsets(frames: NDArray[np.floating], tempo: float) -> Array:
    """Seconds of beats at a tempo, where onsets are."""
    onsets = onset_strength(frames)
    return seconds_at(beat_frames(onsets / (onsets.max() or 1.0), 60 / tempo / FRAME_S))


def style_by_onsets(frames: NDArray[np.floating]) -> Style:
    """A style from frames `[T, 128]` of `mel128-v1`: tempo, beats, density and brightness; what it can't tell is neutral."""
    tempo = tempo_by_onsets(frames)
    beats = beats_by_onsets(frames, tempo)
    onsets = onset_strength(frames)
    peaks = (onsets[1:-1] > onsets[:-2]) & (onsets[1:-1] >= onsets[2:]) & (onsets[1:-1] > _STRONG * onsets.mean())
    density = float(np.clip(peaks.sum() / (len(frames) * FRAME_S) / _FULL_DENSITY, 0, 1))
    power = np.exp(np.asarray(frames, np.float64)).sum(0)
    brightness = float(power @ np.arange(BANDS) / (BANDS - 1) / power.sum())
    return Style(
        tempo=tempo, metre=4, swing=0.0, regularity=0.0, energy=density, density=density, brightness=brightness,
        dynamic_range=0.0, percussive_share=0.0, voices=0.0, valence=0.0, arousal=0.0, key_clarity=0.0,
        confidence=_NEVER_SURE, unsure=f"no trained model; {NAME} stood in, which knows no swing and no mood",
        beats=tuple(beats.tolist()), downbeats=tuple(beats[::4].tolist()), by_rule=True,
    )  # fmt: skip
