"""An ONNX artefact as a caller uses it: one vector a call, the state handed from call to call."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from kmidi_lab.errors import RegistryError, first_line, one_line
from kmidi_lab.export.onnx.bounded import check_bounded

Array = NDArray[np.float32]
INPUT, OUTPUT = "input", "output"
_FLOAT = "tensor(float)"
STATE, NEW_STATE = "state_", "new_state_"
"""State tensor i goes in as `state_<i>`, which has a stored default, and comes out as `new_state_<i>`."""


def open_session(data: bytes, name: str) -> Any:
    """A session on one thread of the CPU, silent. Raises RegistryError when ONNX Runtime refuses the file."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise RegistryError(f"{name}: ONNX Runtime refuses the file: {one_line(first_line(error))}") from error


class OnnxModel:
    """Takes `[N]` float32 a call, gives `[M]` and keeps the state until `reset()`; starts reset.

    Args:
        data: the file's bytes.
        name: of the file, for messages.

    Raises:
        RegistryError: not a file ONNX Runtime loads, one of endless or too much work, its input and output are not
            static `[1, N]` and `[1, M]` of float32, another input has no default, or a state tensor has no output.
    """

    def __init__(self, data: bytes, name: str) -> None:
        check_bounded(data, name)
        self._name, self.session = name, open_session(data, name)
        self._check_names()
        shapes = [list(v.shape) for v in (self.session.get_inputs()[0], self.session.get_outputs()[0])]
        for shape in shapes:
            if len(shape) != 2 or shape[0] != 1 or not isinstance(shape[1], int):
                raise RegistryError(f"{name}: first input and output are {shapes}, must be static [1, N] and [1, M]")
        self.input_size, self.output_size = shapes[0][1], shapes[1][1]
        self.state_shapes: dict[str, list[int]] = {
            v.name: list(v.shape) for v in self.session.get_overridable_initializers() if v.name.startswith(STATE)
        }
        output_names = {v.name for v in self.session.get_outputs()}
        lost = [s for s in self.state_shapes if s.replace(STATE, NEW_STATE) not in output_names]
        if lost:
            raise RegistryError(f"{name}: {', '.join(lost)} goes in but has no {NEW_STATE}… that comes out")
        self._output_names = [OUTPUT, *(s.replace(STATE, NEW_STATE) for s in self.state_shapes)]
        self.reset()

    def reset(self) -> None:
        """The next call starts from the defaults stored in the file."""
        self.state: dict[str, Array] = {}

    def _check_names(self) -> None:
        inputs, outputs = ([(v.name, v.type) for v in self.session.get_inputs()], self.session.get_outputs()[:1])
        wanted, given = [(INPUT, _FLOAT)], [(v.name, v.type) for v in outputs]
        if inputs != wanted or given != [(OUTPUT, _FLOAT)]:
            raise RegistryError(
                f"{self._name}: takes {_listed(inputs)} and gives {_listed(given)} first; must be {INPUT} and {OUTPUT}, "
                f"both {_FLOAT}"
            )

    def __call__(self, x: np.ndarray) -> Array:
        """One call: `[N]` to `[M]`; advances the state. Raises RegistryError: ONNX Runtime can't run the file."""
        feed = {INPUT: np.ascontiguousarray(x, np.float32)[None], **self.state}
        try:
            output, *state = self.session.run(self._output_names, feed)
        except Exception as error:  # as in `open_session`
            raise RegistryError(
                f"{self._name}: ONNX Runtime can't run the file: {one_line(first_line(error))}"
            ) from error
        self.state = dict(zip(self.state_shapes, state, strict=True))
        return np.asarray(output[0], np.float32)


def _listed(values: list[tuple[str, str]]) -> str:
    return one_line(", ".join(f"{name} {kind}" for name, kind in values) or "nothing", 120)
