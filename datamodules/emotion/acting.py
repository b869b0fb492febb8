"""A stand-in for actors: eSpeak NG reads sentences with a prosody for each emotion, and effects on the voice.

Rate, pitch, its range and loudness follow the directions that reviews of vocal expression agree on (P. Juslin,
P. Laukka, *Communication of emotions in vocal expression and music performance*, 2003, table 7; K. Scherer, *Vocal
communication of emotion*, 2003). How far they go is ours, and so are the effects. Each utterance departs from its
emotion's prosody at random, so that no label is read off a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import lfilter

from datamodules.emotion.clips import prepare
from datamodules.emotion.espeak import Espeak, Prosody, open_espeak
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.library import Reading, shown
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.mel import RATE
from kmidi_lab.models.emotion.features import EMOTIONS

SOURCE = "espeak"
LICENCE = "synthesised with eSpeak NG (GPL-3.0-or-later); its output is not restricted by that licence"
STAND_IN = (
    "No human voice was heard: eSpeak NG reads sentences with rate, pitch, range, loudness and voice effects set by rule "
    "for each emotion; scores on it say nothing about people"
)
_MEN = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Andy", "Denis", "Diogo", "Henrique", "Hugo", "Lee", "Marco",
    "michel", "miguel", "sandro",
)  # fmt: skip
_WOMEN = (
    "f1", "f2", "f3", "f4", "f5", "Alicia", "Andrea", "Annie", "anika", "aunty", "belinda", "grandma", "linda",
    "steph", "steph2", "steph3",
)  # fmt: skip
_SENTENCES = (
    "Kids are talking by the door.",
    "Dogs are sitting by the door.",
    "The train will leave before noon.",
    "She put the letter on the table.",
    "They are coming back tomorrow.",
    "There is a light in the window.",
    "We have been here for an hour.",
    "He told me what they said.",
    "The water is running again.",
    "My brother bought a new car.",
    "It has been raining all day.",
    "Somebody left the gate open.",
)
_TAKES = 2
"""Utterances of each voice, emotion and intensity."""


@dataclass(frozen=True)
class _Manner:
    """How an emotion departs from the usual: `rate` and `gain_db` and `pitch` (0..100 scale) added at full strength,
    `range` as a factor; `tilt_db` brightens (above 0) or darkens, `breath` is noise in the voice, `tremor` its shaking.
    """

    rate: float = 0.0
    pitch: float = 0.0
    range: float = 1.0
    gain_db: float = 0.0
    tilt_db: float = 0.0
    breath: float = 0.0
    tremor: float = 0.0


_MANNERS = {
    "neutral": _Manner(),
    "calm": _Manner(rate=-25, pitch=-6, range=0.7, gain_db=-5, tilt_db=-4, breath=0.05),
    "happy": _Manner(rate=25, pitch=22, range=1.6, gain_db=4, tilt_db=3),
    "sad": _Manner(rate=-40, pitch=-12, range=0.5, gain_db=-6, tilt_db=-6, breath=0.1),
    "angry": _Manner(rate=30, pitch=8, range=1.3, gain_db=8, tilt_db=7),
    "fear": _Manner(rate=45, pitch=28, range=0.8, gain_db=1, breath=0.08, tremor=0.4),
    "disgust": _Manner(rate=-30, pitch=-10, range=1.2, gain_db=1, tilt_db=3, tremor=0.15),
    "surprise": _Manner(rate=5, pitch=35, range=2.0, gain_db=3, tilt_db=2),
}
_STRENGTH = {False: 0.7, True: 1.2}
_TREMOR_HZ = (6.0, 9.0)


def read(augmentation: Augmentation, seed: int = 0, progress: bool = False) -> Reading[Clip]:
    """Every voice in every emotion; the same for the same `seed`. Raises DataError where eSpeak NG can't be loaded."""
    out: Reading[Clip] = Reading(SOURCE, LICENCE, note=STAND_IN)
    voices = [(name, False) for name in _MEN] + [(name, True) for name in _WOMEN]
    with open_espeak() as espeak:
        for voice, female in shown(voices, "speaking", progress):
            out.items += _clips_of(espeak, voice, female, augmentation, seed)
    return out


def _clips_of(espeak: Espeak, voice: str, female: bool, augmentation: Augmentation, seed: int) -> Iterator[Clip]:
    rng = np.random.default_rng([seed, *voice.encode()])
    usual = Prosody(int(rng.normal(170, 12)), int(rng.normal(45, 5)), int(rng.normal(50, 6)))
    for place, emotion in enumerate(EMOTIONS):
        for strong in (False, True) if emotion != "neutral" else (False,):
            for take in range(_TAKES):
                sentence = _SENTENCES[int(rng.integers(len(_SENTENCES)))]
                samples = _act(espeak, sentence, voice, usual, _MANNERS[emotion], _STRENGTH[strong], rng)
                name = f"{voice}-{emotion}-{'strong' if strong else 'normal'}-{take}"
                sound = prepare(samples, name, augmentation, voice)
                yield Clip(
                    name, SOURCE, f"voice {voice}", {"emotion": place, "strong": strong, "female": female}, sound
                )


def _act(
    espeak: Espeak, text: str, voice: str, usual: Prosody, manner: _Manner, strength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Samples at 16 kHz of one utterance."""

    def near(value: float, spread: float) -> float:
        return strength * value + rng.normal(0, spread)

    prosody = Prosody(
        int(np.clip(usual.rate + near(manner.rate, 14), 90, 330)),
        int(np.clip(usual.pitch + near(manner.pitch, 7), 0, 99)),
        int(np.clip(usual.range * manner.range**strength * rng.lognormal(0, 0.25), 2, 99)),
    )
    spoken = espeak.say(text, f"en-us+{voice}", prosody)
    samples = np.asarray(soxr.resample(spoken, espeak.rate, RATE), np.float64)
    samples = _tilted(samples, near(manner.tilt_db, 2.0))
    time = np.arange(len(samples)) / RATE
    depth = max(0.0, strength * manner.tremor + rng.normal(0, 0.05))
    samples = samples * (1 - depth / 2 * (1 + np.sin(2 * np.pi * rng.uniform(*_TREMOR_HZ) * time + rng.uniform(0, 6))))
    breath = max(0.0, strength * manner.breath + rng.normal(0, 0.02))
    samples = samples + breath * np.abs(samples) * rng.standard_normal(len(samples))
    samples *= 0.1 / max(float(np.sqrt(np.mean(samples**2))), 1e-6) * 10 ** ((near(manner.gain_db, 3.0) - 10) / 20)
    samples += 1e-4 * rng.standard_normal(len(samples))
    return np.clip(samples, -1, 1).astype(np.float32)


def _tilted(samples: NDArray[np.float64], decibels: float) -> NDArray[np.float64]:
    """High frequencies by about `decibels` stronger than low ones: the sound plus or less a smoothed copy of itself."""
    smooth = lfilter([0.3], [1.0, -0.7], samples)
    return np.asarray(smooth + (samples - smooth) * 10 ** (decibels / 20))
