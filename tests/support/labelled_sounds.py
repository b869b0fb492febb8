"""Recordings in two kinds that a person can tell apart, and labels of them as events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from kmidi_lab.feedback.event import Event
from kmidi_lab.files import sha256_file

RATE = 16_000


def write_sounds(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Hiss below 1 kHz at even places, above 3 kHz at odd ones, with silence around it; names tell nothing."""
    rng, paths = np.random.default_rng(seed), []
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(count):
        spectrum = np.fft.rfft(rng.standard_normal(RATE // 2))
        hertz = np.fft.rfftfreq(RATE // 2, 1 / RATE)
        spectrum[(hertz > 1000) if place % 2 == 0 else (hertz < 3000)] = 0
        hiss = np.fft.irfft(spectrum)
        quiet = np.zeros(RATE // 4)
        paths.append(folder / f"{seed}-{place}.wav")
        soundfile.write(paths[-1], np.concatenate([quiet, 0.3 * hiss / np.abs(hiss).max(), quiet]), RATE)
    return paths


def labels_of(paths: list[Path], use: str, model: str, labels: list[str], start: int = 1_700_000_000) -> list[Event]:
    """A rater's label for each recording, a second apart."""
    return [
        Event(use=use, model=model, action="labelled", label=label, item=sha256_file(path), time=start + number)
        for number, (path, label) in enumerate(zip(paths, labels, strict=True))
    ]


def write_rhythms(folder: Path, tempos: list[float], seconds: float = 5.0, seed: int = 0) -> list[Path]:
    """Strokes at tempos, a hiss that is the higher the faster they are."""
    rng, paths = np.random.default_rng(seed), []
    folder.mkdir(parents=True, exist_ok=True)
    for place, tempo in enumerate(tempos):
        samples = np.zeros(round(seconds * RATE))
        spectrum = np.fft.rfft(rng.standard_normal(RATE // 20))
        spectrum[np.fft.rfftfreq(RATE // 20, 1 / RATE) < 20 * tempo] = 0
        hiss = np.fft.irfft(spectrum) * np.exp(-np.arange(RATE // 20) / 200)
        for at in np.arange(0, seconds - 0.1, 60 / tempo):
            samples[round(at * RATE) :][: len(hiss)] += hiss
        paths.append(folder / f"{seed}-{place}.wav")
        soundfile.write(paths[-1], 0.5 * samples / np.abs(samples).max(), RATE)
    return paths
