"""Sounds of instruments: samples to trimmed mel frames, clean and changed, with labels, three of them measured in the sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.augmentation import Augmentation
from datamodules.shared.clips import ClipError, variants_of
from kmidi_lab.audio.clips import Sound, content_key
from kmidi_lab.audio.mel import HOP, RATE, WINDOW, log_mel, mel_triangles

LONGEST_S = 4.0
"""What is kept of a sound from its onset on: later than that it only dies away."""
_SILENCE = 0.01
"""Of the peak: below it, -40 dB, both ends are silence."""
_BEFORE_S, _AFTER_S = 0.03, 0.05
_ATTACK_MS = (8, 16, 32, 64, 128, 256, 512)
_DECAY_DB_S = (96, 48, 24, 12, 6, 3, 1.5)
_CENTROID_HZ = (500, 1000, 2000)
_ENVELOPE_HOP, _ENVELOPE_WINDOW = 32, 256
"""Of the envelope: 2 ms and 16 ms."""
_FALLEN = 0.1
"""The fall is measured until 20 dB below the peak."""
_SHORTEST_FALL_S = 0.05


def prepare(samples: NDArray[np.float32], name: str, augmentation: Augmentation) -> Sound:
    """Samples at 16 kHz without the silence at both ends, LONGEST_S at most, as frames; variants as `name` gives them.

    Raises:
        ClipError: silent, or shorter than a frame.
    """
    level = envelope(samples)
    if not len(samples) or level.max() < 1e-5:
        raise ClipError("silent")
    loud = np.flatnonzero(level > _SILENCE * level.max()) * _ENVELOPE_HOP
    first = max(0, int(loud[0]) - int(_BEFORE_S * RATE))
    last = min(len(samples), int(loud[-1]) + int(_AFTER_S * RATE), first + int(LONGEST_S * RATE))
    part = samples[first:last]
    if len(part) < WINDOW:
        part = np.concatenate([part, samples[last : last + WINDOW - len(part)]])
        part = np.concatenate([part, np.zeros(max(0, WINDOW + HOP - len(part)), np.float32)])
    frames = log_mel(part)
    measured = {"brightness": brightness_of(frames), "attack": attack_of(part)}
    sustain = sustain_of(part)
    if sustain is not None:
        measured["sustain"] = sustain
    variants = variants_of(part, name, augmentation)
    return Sound(frames.astype(np.float16), variants, content_key(samples), measured=measured)


def brightness_of(frames: NDArray[np.floating]) -> int:
    """Place by the centroid of the power of mel frames `[T, 128]`: below 500 Hz, 1 kHz, 2 kHz, and above."""
    triangles = mel_triangles()
    heights = triangles / np.maximum(triangles.max(0), 1e-12)
    hertz = np.linspace(0, RATE / 2, len(triangles)) @ heights / heights.sum(0)
    # The bands are area-normalised: times their width they are power again.
    power = np.exp(frames.astype(np.float64)).mean(0) * heights.sum(0)
    return int(np.searchsorted(_CENTROID_HZ, float(power @ hertz / power.sum()), side="right"))


def envelope(samples: NDArray[np.floating]) -> NDArray[np.float64]:
    """Root mean square of samples at 16 kHz over 16 ms, every 2 ms: `[T]`."""
    padded = np.concatenate([np.zeros(_ENVELOPE_WINDOW), samples.astype(np.float64) ** 2, np.zeros(_ENVELOPE_WINDOW)])
    summed = np.concatenate([[0.0], np.cumsum(padded)])
    return np.sqrt(
        np.maximum(
            0, summed[_ENVELOPE_WINDOW::_ENVELOPE_HOP] - summed[: len(summed) - _ENVELOPE_WINDOW : _ENVELOPE_HOP]
        )
        / _ENVELOPE_WINDOW
    )


def attack_of(samples: NDArray[np.floating]) -> int:
    """Place by the time that the envelope takes from 10 to 90 % of its peak, before the first time it is there.

    Halving limits from 8 to 512 ms; the envelope's own 16 ms make everything shorter look alike.
    """
    level = envelope(samples)
    high = int(np.argmax(level >= 0.9 * level.max()))
    below = np.flatnonzero(level[:high] < 0.1 * level.max())
    low = int(below[-1]) if len(below) else 0
    return int(np.searchsorted(_ATTACK_MS, (high - low) * _ENVELOPE_HOP / RATE * 1000, side="right"))


def sustain_of(samples: NDArray[np.floating]) -> int | None:
    """Place by the mean fall in dB a second after the peak.

    Over the first half of the way from the peak to 20 dB below it, or to the end; None where that is too short.
    7 holds its level, 0 is gone at once; the half leaves the release out.
    """
    level = envelope(samples)[: max(1, len(samples) // _ENVELOPE_HOP)]
    peak = int(level.argmax())
    silence = np.flatnonzero(level[peak:] < _FALLEN * level[peak])
    way = int(silence[0]) if len(silence) else len(level) - 1 - peak
    if way * _ENVELOPE_HOP / RATE < _SHORTEST_FALL_S:
        return 0 if len(silence) else None
    half = way // 2
    fall = -20 * np.log10(max(level[peak + half] / level[peak], 1e-6)) / (half * _ENVELOPE_HOP / RATE)
    return int(sum(fall < limit for limit in _DECAY_DB_S))
