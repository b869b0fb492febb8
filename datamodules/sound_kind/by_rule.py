"""Sounds by rule that are neither speech nor music: noises, hums, steady tones, clicks; and others kept for the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from datamodules.shared.augmentation import named_rng
from datamodules.shared.splits import SPLITS
from datamodules.sound_kind.sounds import SECONDS, Amounts, Samples, Sound, Source
from kmidi_lab.audio.augment import coloured_noise
from kmidi_lab.audio.conditions import hum
from kmidi_lab.audio.mel import RATE

Rule = Callable[[int, np.random.Generator], NDArray[np.float64]]


def _steady(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return coloured_noise(length, rng, rng.uniform(-0.3, 2.2))


def _swelling(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    turns = 2 * np.pi * (rng.uniform(0.1, 4) * np.arange(length) / RATE + rng.random())
    return _steady(length, rng) * (rng.uniform(0.05, 0.6) + np.sin(turns) ** 2)


def _in_a_band(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    low = np.exp(rng.uniform(np.log(60), np.log(3000)))
    band = butter(2, [low, min(7900.0, low * np.exp(rng.uniform(0.3, 2.5)))], "band", fs=RATE, output="sos")
    return np.asarray(sosfilt(band, rng.standard_normal(length))) + 0.01 * rng.standard_normal(length)


def _mains(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    quiet = _steady(length, rng)
    quiet *= 10 ** (rng.uniform(-60, -20) / 20) / quiet.std()
    return np.asarray(hum(quiet, float(rng.choice((50, 60))), -20.0, rng), np.float64)


def _buzz(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A motor or a lamp: pulses at a steady rate through a filter, with noise."""
    rate = np.exp(rng.uniform(np.log(25), np.log(400)))
    phase = np.cumsum(rate * (1 + 0.002 * rng.standard_normal(length).cumsum() / np.sqrt(length))) / RATE
    pulses = np.diff(np.floor(phase), prepend=0.0)
    pole = rng.uniform(0.2, 0.95)
    return np.asarray(lfilter([1.0], [1.0, -pole], pulses)) + 10 ** rng.uniform(-3, -1) * rng.standard_normal(length)


def _tones(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """One to three steady sines at no musical interval, as of a test signal or a telephone."""
    time = np.arange(length) / RATE
    hertz = np.exp(rng.uniform(np.log(100), np.log(5000), rng.integers(1, 4)))
    return np.asarray(sum(np.sin(2 * np.pi * hz * time) for hz in hertz) + 1e-4 * rng.standard_normal(length))


def _clicks(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Short and at irregular times, from two a second to the crackle of a record."""
    wave = np.zeros(length)
    count = max(1, rng.poisson(np.exp(rng.uniform(np.log(2), np.log(60))) * length / RATE))
    wave[rng.integers(0, length, count)] = rng.exponential(1, count) * rng.choice((-1, 1), count)
    decay = np.exp(-1 / (RATE * np.exp(rng.uniform(np.log(2e-5), np.log(2e-3)))))
    return np.asarray(lfilter([1.0], [1.0, -decay], wave)) + 10 ** rng.uniform(-5, -2) * _steady(length, rng)


def _dither(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The last bits of a recording of nothing."""
    return np.round(rng.normal(0, 0.8, length) + rng.uniform(-0.5, 0.5, length))


def _rain(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    drops = (rng.random(length) < 10 ** rng.uniform(-2.3, -1)) * rng.standard_normal(length)
    return np.asarray(lfilter([1.0], [1.0, -0.6], drops)) + 0.05 * coloured_noise(length, rng, 0.5)


def _waves(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    time = np.arange(length) / RATE + rng.uniform(0, 9)
    return coloured_noise(length, rng, 1.0) * (0.1 + np.sin(2 * np.pi * time / rng.uniform(5, 9)) ** 4)


def _fan(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    time, blades = np.arange(length) / RATE, rng.uniform(40, 180)
    tonal = sum(np.sin(2 * np.pi * blades * k * time + k) / k for k in range(1, 6))
    noise = coloured_noise(length, rng, 1.0)
    return np.asarray(noise / noise.std() + rng.uniform(0.2, 1.5) * tonal)


def _typing(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    wave = 1e-3 * coloured_noise(length, rng, 1.0)
    at = 0.0
    while (at := at + rng.uniform(0.08, 0.4)) < length / RATE - 0.03:
        ring = np.arange(400)
        tap = rng.standard_normal(400) * np.exp(-ring / 60) + 0.5 * np.sin(
            2 * np.pi * rng.uniform(900, 2500) * ring / RATE
        ) * np.exp(-ring / 90)
        wave[int(at * RATE) :][:400] += rng.uniform(0.4, 1) * tap[: length - int(at * RATE)]
    return wave


def _dial(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    time = np.arange(length) / RATE
    return np.asarray(np.sin(2 * np.pi * 350 * time) + np.sin(2 * np.pi * 440 * time))


TRAINED: dict[str, Rule] = {
    "steady noise": _steady, "swelling noise": _swelling, "noise in a band": _in_a_band, "hum": _mains, "buzz": _buzz,
    "tones": _tones, "clicks": _clicks, "dither": _dither,
}  # fmt: skip
TESTED: dict[str, Rule] = {"rain": _rain, "waves": _waves, "fan": _fan, "typing": _typing, "dial tone": _dial}
"""Of kinds that nothing was fitted on."""


def sounds() -> Iterator[Sound]:
    """Of TRAINED in every split, of TESTED in the test."""
    for rule in TRAINED:
        yield from _of(rule, Amounts(40, 12, 12))
    for rule in TESTED:
        yield from _of(rule, Amounts(0, 0, 12))


def _of(rule: str, amounts: Amounts) -> Iterator[Sound]:
    source = Source("neither", f"by rule, {rule}", "made by rule")
    for split, count in zip(SPLITS, amounts, strict=True):
        for name in (f"{rule} {split} {i}" for i in range(count)):
            yield Sound(source, split, name, partial(_made, rule, name))


def _made(rule: str, name: str) -> Samples:
    rng = named_rng(name)
    wave = {**TRAINED, **TESTED}[rule](round(SECONDS * RATE), rng)
    return np.asarray(wave / (np.abs(wave).max() + 1e-12), np.float32)
