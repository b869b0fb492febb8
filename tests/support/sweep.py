"""A sweep as a sound file of any kind, and whether it was read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RATE = 16_000
SWEEP = (0.5 * np.sin(2 * np.pi * np.cumsum(np.linspace(100, 3000, 3 * RATE)) / RATE)).astype(np.float32)


def kept(folder: Path, data: bytes, name: str = "x.wav") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def near(got: np.ndarray, want: np.ndarray = SWEEP, off: float = 0.01) -> bool:
    return len(got) == len(want) and float(np.abs(got - want).max()) < off
