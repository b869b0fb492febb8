"""What the C++ runtime must give."""

from __future__ import annotations

import numpy as np

from kmidi_lab.export.rtneural.reader import RTNeuralModel


def read(rtneural: bytes, frames: np.ndarray, reset_each: bool) -> np.ndarray:
    """What the lab's own reader of RTNeural files gives."""
    model = RTNeuralModel.from_bytes(rtneural)
    outputs = []
    for frame in frames:
        if reset_each:
            model.reset()
        outputs.append(model(frame))
    return np.stack(outputs)
