"""RAVDESS in small: sounds in the published names and folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def name(emotion: int, actor: int, intensity: int = 1, channel: int = 1, repetition: int = 1) -> str:
    return f"03-{channel:02d}-{emotion:02d}-{intensity:02d}-01-{repetition:02d}-{actor:02d}"


def write_clip(path: Path, seed: int, rate: int = RATE, seconds: float = 0.6) -> Path:
    """A tone of its own pitch with silence before and behind it."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 1000) * time) + 0.01 * rng.standard_normal(len(time))
    quiet = np.zeros(int(0.5 * rate))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.concatenate([quiet, tone, quiet]), rate)
    return path


def write_ravdess(base: Path, actors: int = 6, emotions: int = 8, suffix: str = ".wav") -> Path:
    """`base/Actor_NN` with a clip of each emotion for every actor."""
    for actor in range(1, actors + 1):
        for emotion in range(1, emotions + 1):
            write_clip(base / f"Actor_{actor:02d}" / f"{name(emotion, actor)}{suffix}", 100 * actor + emotion)
    return base
