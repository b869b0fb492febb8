"""A waveform, the frames that it is and what a listening model says to them: `golden/<id>.audio.json`.

So that whoever writes the front end anew can check both steps. The samples are whole numbers, to be divided by 32768;
`frames` are those of `feature_version`, `outputs` the model's to them in a row after one reset.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.audio.front_end import heard
from kmidi_lab.audio.mel import HOP, RATE, WINDOW, log_mel
from kmidi_lab.contract_features import AUDIO_FEATURES
from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ConfigError, ExportError, RegistryError
from kmidi_lab.export.proof.golden import Model, Worst, beginning, called, checksum

Array = NDArray[np.float32]
SCALE = 32768
_FRAMES = 10


def waveform() -> NDArray[np.int16]:
    """0.2 s at 16 kHz: a tone that glides from 200 Hz to 3 kHz over a low one, silent at first, with one click."""
    time = np.arange(WINDOW + (_FRAMES - 1) * HOP) / RATE
    glide = np.sin(2 * np.pi * 200 * (np.exp(13.5 * time) - 1) / 13.5)
    wave = (0.4 * glide + 0.2 * np.sin(2 * np.pi * 110 * time)) * np.clip((time - 0.03) / 0.05, 0, 1)
    wave[2400] += 0.3
    return np.round(wave * (SCALE - 1)).astype(np.int16)


def frames_of(samples: NDArray[np.integer[Any]], features: str = AUDIO_FEATURES, scale: float = SCALE) -> Array:
    """`[T, 128]` of samples in whole numbers, from a reset on. Raises ConfigError for an unknown feature version."""
    frames = log_mel(np.asarray(samples, np.float64) / scale)
    # Which frames have speech is not asked here, and for version 1 that needs torch.
    return np.asarray(frames, np.float32) if features == AUDIO_FEATURES else heard(frames, features)[0]


def audio_golden(model: Model, contract: Contract) -> bytes:
    """Calls the model and returns the file's bytes.

    Args:
        model: `[128]` to `[M]`.
        contract: of a listening model.

    Raises:
        ExportError: an output is not finite or of another size.
    """
    samples = waveform()
    frames = frames_of(samples, contract.features)
    outputs = called(model, frames)
    file = beginning(contract, outputs, len(frames)) | {
        "sample_rate": RATE,
        "scale": SCALE,
        "input_checksum": checksum(frames),
        "output_checksum": checksum(outputs),
        "samples": samples,
        "frames": frames,
        "outputs": outputs,
    }
    return orjson.dumps(file, option=orjson.OPT_SERIALIZE_NUMPY)


def verify_audio(data: bytes, model: Model, tolerance: float) -> float:
    """Makes the frames of such a file anew, replays them and returns the largest error.

    Raises:
        RegistryError: the file is broken, its checksums do not match, or its frames are not those of its samples.
        ExportError: an output is NaN or off by more than the tolerance.
    """
    try:
        file = orjson.loads(data)
        samples, scale, name = np.array(file["samples"], np.int64), float(file["scale"]), str(file["id"])
        frames, outputs = (np.array(file[side], np.float32) for side in ("frames", "outputs"))
        checksums = (file["input_checksum"], file["output_checksum"])
        if not scale > 0:
            raise ValueError("samples can't be divided by 0 or less")
        own_frames = frames_of(samples, str(file.get("feature_version", AUDIO_FEATURES)), scale)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise RegistryError(f"audio golden file is broken: {error!r}; export the model again") from error
    if checksums != (checksum(frames), checksum(outputs)):
        raise RegistryError(f"{name}: audio golden vectors do not match their checksums; export the model again")
    if own_frames.shape != frames.shape or not np.abs(own_frames - frames).max(initial=0) <= tolerance:
        raise RegistryError(f"{name}: the frames are not those of the samples; export the model again")
    worst = Worst(called(model, frames), outputs)
    if not worst.error <= tolerance:
        raise ExportError(f"{name}: frame {worst.call} is off by {worst.error:.3g}, tolerance {tolerance:g}")
    return worst.error
