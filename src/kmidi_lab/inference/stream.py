"""A model called step by step, as a plugin calls it."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.inference.published import Published


class VectorStream:
    """Takes one contract vector a call and keeps the model's state; starts reset, apart from every other stream."""

    def __init__(self, published: Published) -> None:
        self.contract = published.contract
        self._model = copy(published.model)
        self.reset()

    def reset(self) -> None:
        """The next call is the first of a new piece."""
        self._model.reset()

    def push(self, vector: np.ndarray) -> NDArray[np.float32]:
        """One step: `[N]` float32 to `[M]`, with N and M of the contract.

        Raises:
            ValueError: another shape.
        """
        x = np.asarray(vector, np.float32)
        if x.shape != (self.contract.input_size,):
            raise ValueError(f"a vector of shape {x.shape}; {self.contract.id} takes ({self.contract.input_size},)")
        return self._model(x)
