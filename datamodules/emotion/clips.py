"""Clips of emotional speech: samples to mel frames, as recorded and changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datamodules.emotion.recording import Conditions, SpeechAugmentation
from datamodules.shared.augmentation import Augmentation
from datamodules.shared.clips import ClipError, mel_variants, variants_of
from kmidi_lab.audio.clips import Sound, content_key
from kmidi_lab.audio.mel import HOP, WINDOW, log_mel

_BELOW_PEAK = 6.0
"""Frames whose power is so many nepers of power (26 dB) below the loudest are silence at the ends of a clip."""
_BEFORE, _AFTER = 48, 16
"""Frames kept for training before the first and after the last that is not silent: soft consonants, the room, and the
silence that a listener hears before anyone speaks."""


def prepare(samples: NDArray[np.float32], name: str, augmentation: Augmentation, speaker: str = "") -> Sound:
    """Samples at 16 kHz as frames, and variants, as `name` gives them, without most of the silence at both ends.

    Args:
        samples: of one clip.
        name: of the clip.
        augmentation: makes the variants; what stands for scoring conditions hears the silence, too.
        speaker: whose voice it is; some augmentations draw what is the same for all clips of a speaker.

    Raises:
        ClipError: shorter than a frame.
    """
    if len(samples) < WINDOW:
        raise ClipError("shorter than a frame", f"{len(samples)} samples")
    frames = log_mel(samples)
    first, last = spoken(frames)
    part = samples if isinstance(augmentation, Conditions) else samples[first * HOP : last * HOP + WINDOW]
    if isinstance(augmentation, Conditions | SpeechAugmentation):
        variants = mel_variants(augmentation.of_speech(part, name, speaker))
    else:
        variants = variants_of(part, name, augmentation)
    return Sound(frames.astype(np.float16), variants, content_key(samples), trained=slice(first, last + 1))


def spoken(frames: NDArray[np.floating]) -> tuple[int, int]:
    """First and last frame of `[T, 128]` that is kept when most of the silence at both ends goes."""
    power = np.log(np.exp(frames).mean(1))
    loud = np.flatnonzero(power > power.max() - _BELOW_PEAK)
    return max(0, int(loud[0]) - _BEFORE), min(len(frames) - 1, int(loud[-1]) + _AFTER)
