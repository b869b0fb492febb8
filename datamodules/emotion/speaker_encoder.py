"""The teacher: the speaker encoder of Resemblyzer (L. Wan et al., *Generalized end-to-end loss for speaker verification*, 2018).

Only the package's weights are read, none of its code is run. It plays a part in training; a finished model needs none
of it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kmidi_lab.audio.mel import HOP, RATE, WINDOW
from kmidi_lab.errors import DataError

PACKAGE = "resemblyzer"
SIZE = 512
"""Activations of a frame: 256 of each of the first two layers."""
_UNITS, _BANDS, _WINDOW, _HOP = 256, 40, 400, 160
_LEAST_DB = -30.0
"""What is softer is made as loud as this, as in the encoder's own training."""


def weights_file() -> Path | None:
    """The package's file of weights; None where it isn't installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.origin).with_name("pretrained.pt") if spec and spec.origin else None


def package_version() -> str:
    """The package and its version, such as `resemblyzer 0.1.4`."""
    try:
        return f"{PACKAGE} {importlib.metadata.version(PACKAGE)}"
    except importlib.metadata.PackageNotFoundError:
        return PACKAGE


class SpeakerEncoder:
    """Sounds to activations of the encoder's first two layers.

    Raises:
        DataError: the package isn't installed, or its file isn't what it should be.
    """

    def __init__(self) -> None:
        from librosa.filters import mel

        file = weights_file()
        if file is None:
            raise DataError(f"the package {PACKAGE} isn't installed; install kmidi_lab[teacher]")
        try:
            weights = torch.load(file, map_location="cpu", weights_only=True)["model_state"]
            self._layers = [_layer(weights, 0, _BANDS), _layer(weights, 1, _UNITS)]
        except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise DataError(f"{file}: not a speaker encoder ({error!r}); install kmidi_lab[teacher] again") from error
        self._bands = torch.from_numpy(mel(sr=RATE, n_fft=_WINDOW, n_mels=_BANDS))
        self._window = torch.hann_window(_WINDOW)

    @torch.inference_mode()
    def __call__(self, sounds: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """`[T_i, 512]` for each sound: what the encoder makes of it at each frame of `mel128`.

        Args:
            sounds: samples `[S_i]` at 16 kHz, of a frame (64 ms) at least.
        """
        mels = [self._mel(torch.from_numpy(samples)) for samples in sounds]
        x = torch.nn.utils.rnn.pad_sequence(mels, batch_first=True)
        activations = []
        with torch.backends.mkldnn.flags(enabled=False):  # its LSTM is many times slower on a CPU
            for layer in self._layers:
                x, _ = layer(x)
                activations.append(x)
        both = torch.cat(activations, -1)
        return [row[_nearest(samples, len(mel))].numpy() for row, samples, mel in zip(both, sounds, mels, strict=True)]

    def _mel(self, samples: torch.Tensor) -> torch.Tensor:
        level = 20 * torch.log10(samples.square().mean().sqrt() + 1e-9)
        louder = samples * 10 ** ((_LEAST_DB - level).clamp_min(0) / 20)
        spectrum = torch.stft(
            louder, _WINDOW, _HOP, window=self._window, center=True, pad_mode="constant", return_complex=True
        )
        return (self._bands @ spectrum.abs().square()).T


def _layer(weights: dict[str, torch.Tensor], number: int, inputs: int) -> torch.nn.LSTM:
    layer = torch.nn.LSTM(inputs, _UNITS, batch_first=True)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    layer.load_state_dict({f"{name}_l0": weights[f"lstm.{name}_l{number}"] for name in names})
    return layer.eval()


def _nearest(samples: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Which of the encoder's `count` frames lies in the middle of each frame of `mel128`."""
    frames = 1 + (len(samples) - WINDOW) // HOP
    middle = (HOP * np.arange(frames) + WINDOW / 2) / _HOP
    return np.clip(np.round(middle).astype(np.int64), 0, count - 1)
