"""The ways to run a model that are timed in this process: ONNX Runtime and, in a training run, PyTorch; one vector a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

from kmidi_lab.contract_types import Contract
from kmidi_lab.export.bench.memory_floor import onnx_weight_bytes, torch_weight_bytes
from kmidi_lab.export.bench.timing import Call
from kmidi_lab.export.onnx.runtime import INPUT, NEW_STATE, OUTPUT, STATE, OnnxModel, open_session

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Backend:
    """A way to run the model; `start` opens a session that nobody has called yet."""

    name: str
    version: str
    flags: str
    weight_bytes: int
    start: Callable[[], Call]


def onnx_backends(onnx: bytes, contract: Contract) -> list[Backend]:
    """ONNX Runtime as a caller in Python uses it, and with input, output and state bound to fixed memory.

    Raises:
        RegistryError: ONNX Runtime refuses the file, or it is not as the contract says.
    """
    name = f"{contract.id}.onnx"
    flags = "CPUExecutionProvider, intra_op = inter_op = 1 thread, all graph optimisations, from Python"
    shapes = OnnxModel(onnx, name).state_shapes
    size = onnx_weight_bytes(onnx)
    fed_note, bound_note = (
        (", state fed back as arrays", ", two sets of state buffers bound in turn") if shapes else ("", "")
    )
    return [
        Backend("onnxruntime", ort.__version__, f"run(), {flags}{fed_note}", size, lambda: _run(onnx, name, shapes)),
        Backend(
            "onnxruntime_iobinding",
            ort.__version__,
            f"IOBinding, {flags}{bound_note}",
            size,
            lambda: _bound(onnx, contract, shapes),
        ),
    ]


def _run(onnx: bytes, name: str, shapes: dict[str, list[int]]) -> Call:
    session = open_session(onnx, name)
    if not shapes:
        return lambda frame: session.run([OUTPUT], {INPUT: frame})[0]
    output_names = [OUTPUT, *(s.replace(STATE, NEW_STATE) for s in shapes)]
    feeds: dict[str, np.ndarray] = {}

    def call(frame: np.ndarray) -> np.ndarray:
        feeds[INPUT] = frame
        output, *state = session.run(output_names, feeds)
        feeds.update(zip(shapes, state, strict=True))
        return output

    return call


def _bound(onnx: bytes, contract: Contract, shapes: dict[str, list[int]]) -> Call:
    session = open_session(onnx, f"{contract.id}.onnx")
    # On the CPU an OrtValue uses the array's own memory: writing `given` is feeding, reading `result` is fetching.
    input_frame, result = (np.zeros((1, size), np.float32) for size in (contract.input_size, contract.output_size))
    sets = [{name: np.zeros(shape, np.float32) for name, shape in shapes.items()} for _ in range(2)]
    # A call must not write the state that it reads, so it writes the other set, and the next call goes the other way.
    turns = cycle(
        [_binding(session, input_frame, result, *sets), _binding(session, input_frame, result, *reversed(sets))]
    )

    def call(frame: np.ndarray) -> np.ndarray:
        np.copyto(input_frame, frame)
        session.run_with_iobinding(next(turns))
        return result

    return call


def _binding(
    session: Any, input_frame: np.ndarray, result: np.ndarray, old: dict[str, np.ndarray], new: dict[str, np.ndarray]
) -> Any:
    binding = session.io_binding()
    for name, array in {INPUT: input_frame, **old}.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
    for name, array in {OUTPUT: result, **{s.replace(STATE, NEW_STATE): a for s, a in new.items()}}.items():
        binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(array))
    return binding


def torch_backend(network: nn.Module) -> Backend:
    """The network itself, copied, eager, under inference mode; the process's own thread settings hold."""
    import torch

    from kmidi_lab.nn.streaming import Streaming, TorchModel

    state = ", state kept from call to call" if isinstance(network, Streaming) else ""
    one_dnn = "on" if torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled else "off"
    flags = (
        f"eager, inference_mode, CPU capability {torch.backends.cpu.get_cpu_capability()}, oneDNN {one_dnn}, "
        f"1 thread, from Python{state}"
    )
    return Backend("torch", torch.__version__, flags, torch_weight_bytes(network), lambda: TorchModel(network).run)
