"""Golden vectors of `mel128-v1` for a programmer who writes it again: `python -m kmidi_lab.audio.mel_golden`.

`mel128-v1.json` beside this file holds the constants, a short input and the frames that must come out (docs/audio.md).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio import mel_scale
from kmidi_lab.contracts import AUDIO_FEATURES
from kmidi_lab.files import write_atomic

PATH = Path(__file__).with_name(f"{AUDIO_FEATURES}.json")
_SAMPLES = mel_scale.WINDOW + 5 * mel_scale.HOP + 100
_STEPS = 4096
"""Samples are whole 4,096ths, so that they are the same in every number format."""


def golden_input() -> NDArray[np.float32]:
    """A chord of three sines that fades in and stops dead, then near silence, then a click."""
    t = np.arange(_SAMPLES) / mel_scale.RATE
    wave = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 1244.5, 5274.0)) * np.minimum(1, t / 0.05) / 4
    wave[1600:] = 0
    wave[2200] = 0.9
    return np.asarray(np.round(wave * _STEPS) / _STEPS, np.float32)


def golden() -> dict[str, Any]:
    """The file's content."""
    from kmidi_lab.audio.mel import log_mel

    samples = golden_input()
    return {
        "feature_version": AUDIO_FEATURES,
        "sample_rate": mel_scale.RATE,
        "hop": mel_scale.HOP,
        "window": mel_scale.WINDOW,
        "window_shape": "periodic Hann",
        "fft": mel_scale.FFT,
        "bands": mel_scale.BANDS,
        "mel_scale": "Slaney, area-normalised",
        "lowest_hz": mel_scale.LOWEST_HZ,
        "highest_hz": mel_scale.HIGHEST_HZ,
        "floor": mel_scale.FLOOR,
        "input": samples.tolist(),
        "output": [[round(float(v), 6) for v in frame] for frame in log_mel(samples)],
    }


if __name__ == "__main__":
    write_atomic(PATH, json.dumps(golden()).encode() + b"\n")
    print(f"written: {PATH}")
