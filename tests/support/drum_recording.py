"""A drum recording whose onsets are known."""

from __future__ import annotations

import numpy as np

from kmidi_lab.models.groove.from_audio import RATE

BPM, BARS = 100.0, 12
BEAT = 60 / BPM


def stroke(kind: str) -> np.ndarray:
    """A drum of a tenth of a second: a low sine, noise through the middle, or hiss."""
    t = np.arange(int(0.1 * RATE)) / RATE
    rng = np.random.default_rng(3)
    if kind == "low":
        return np.sin(2 * np.pi * 60 * t) * np.exp(-t * 30)
    noise = rng.normal(size=len(t))
    spectrum, f = np.fft.rfft(noise), np.fft.rfftfreq(len(t), 1 / RATE)
    low, high = (300, 2500) if kind == "mid" else (7500, 10_500)
    spectrum[(f < low) | (f > high)] = 0
    return np.fft.irfft(spectrum, len(t)) * np.exp(-t * 40)


def recording(offsets_ms: dict[str, float], swing: float = 0.0) -> tuple[np.ndarray, dict[str, list[float]]]:
    """Kick on 1 and 3, snare on 2 and 4, hi-hat on eighths; each voice late by so many ms, off-beats swung."""
    samples = np.zeros(int((BARS * 4 + 2) * BEAT * RATE))
    truth: dict[str, list[float]] = {"low": [], "mid": [], "high": []}
    for beat in range(BARS * 4):
        played = {"low": [0.0] if beat % 2 == 0 else [], "mid": [0.0] if beat % 2 else []}
        played["high"] = [0.0, 0.5 + swing / 6]
        for voice, places in played.items():
            for place in places:
                at = 0.5 + (beat + place) * BEAT + offsets_ms.get(voice, 0.0) / 1000
                truth[voice].append(at)
                start, sound = round(at * RATE), stroke(voice)
                samples[start : start + len(sound)] += sound * {"low": 0.8, "mid": 0.5, "high": 0.3}[voice]
    return samples.astype(np.float32), truth
