"""Sounds for tests of instruments: drawn tones, and labels as names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from datamodules.instrument.recording import Augmentation
from kmidi_lab.models.instrument.features import CLASSES

PLAIN = Augmentation(variants=0)
RATE = 16_000


def named(labels: dict[str, int]) -> dict[str, str]:
    return {name: CLASSES[name][value] for name, value in labels.items()}


def sound(path: Path, seed: int, seconds: float = 0.4, gain: float = 0.3) -> None:
    """A tone with noise, different for every seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * rng.uniform(100, 2000) * time) + 0.05 * rng.standard_normal(len(time))
    soundfile.write(path, gain * wave, RATE)
