"""The trained network as a caller of an artefact would use it: one vector a call, state kept."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.nn.streaming import State, Streaming

Array = NDArray[np.float32]


class TorchModel:
    """A copy of `network` in float32 on the CPU, in eval mode; takes `[N]` a call, gives `[M]`; starts reset.

    `network` is `Streaming`, or maps `[B, N]` to `[B, M]` without state.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).to("cpu", torch.float32).eval()
        self.reset()

    def reset(self) -> None:
        """Forgets the state."""
        self._state: State | None = None

    def __call__(self, x: np.ndarray) -> Array:
        """One call; advances the state."""
        return self.run(np.asarray(x, np.float32)[None])[0]

    def run(self, piece: np.ndarray) -> Array:
        """Consecutive calls in one go, `[T, N]` to `[T, M]`; advances the state."""
        x = torch.from_numpy(np.array(piece, np.float32))
        with torch.inference_mode():
            if not isinstance(self.network, Streaming):
                return np.asarray(self.network(x).numpy())
            state = self.network.zero_state(x[None]) if self._state is None else self._state
            y, self._state = self.network.stream(x[None], state)
            return np.asarray(y[0].numpy())
