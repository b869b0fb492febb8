"""What can be timed in this process: PyTorch and ONNX Runtime, one frame a call."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from kmidi_lab.contracts import Contract
from kmidi_lab.export.onnx_runtime import INPUT, OUTPUT

Call = Callable[[np.ndarray], np.ndarray]
"""`[1, N]` float32 to `[1, M]`."""


@dataclass(frozen=True)
class Backend:
    """A way to run the model; `start` opens a session that nobody has called yet."""

    name: str
    version: str
    flags: str
    start: Callable[[], Call]


def torch_backend(network: nn.Module) -> Backend:
    """The network itself, copied, eager, under inference mode; the process's own thread settings hold."""

    def start() -> Call:
        own = copy.deepcopy(network).to("cpu", torch.float32).eval()

        def call(frame: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                out: np.ndarray = own(torch.from_numpy(frame)).numpy()
            return out

        return call

    flags = f"eager, inference_mode, CPU capability {torch.backends.cpu.get_cpu_capability()}, 1 thread, from Python"
    return Backend("torch", torch.__version__, flags, start)


def onnx_backends(onnx: bytes, contract: Contract) -> list[Backend]:
    """ONNX Runtime as a caller in Python uses it, and with input and output bound to fixed memory."""
    flags = "CPUExecutionProvider, intra_op = inter_op = 1 thread, all graph optimisations, from Python"
    return [
        Backend("onnxruntime", ort.__version__, f"run(), {flags}", lambda: _run(onnx)),
        Backend("onnxruntime_iobinding", ort.__version__, f"IOBinding, {flags}", lambda: _bound(onnx, contract)),
    ]


def _session(onnx: bytes) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def _run(onnx: bytes) -> Call:
    session = _session(onnx)
    return lambda frame: session.run([OUTPUT], {INPUT: frame})[0]


def _bound(onnx: bytes, contract: Contract) -> Call:
    session = _session(onnx)
    # On the CPU an OrtValue uses the array's own memory: writing `given` is feeding, reading `result` is fetching.
    given, result = (np.zeros((1, size), np.float32) for size in (contract.input_size, contract.output_size))
    binding = session.io_binding()
    binding.bind_ortvalue_input(INPUT, ort.OrtValue.ortvalue_from_numpy(given))
    binding.bind_ortvalue_output(OUTPUT, ort.OrtValue.ortvalue_from_numpy(result))

    def call(frame: np.ndarray) -> np.ndarray:
        np.copyto(given, frame)
        session.run_with_iobinding(binding)
        return result

    return call
