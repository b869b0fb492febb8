"""PyTorch timed in this process: what a training run adds to the artefacts' figures."""

from __future__ import annotations

import torch
from torch import nn

from kmidi_lab.export.bench.backends import Backend
from kmidi_lab.export.bench.memory_floor import torch_weight_bytes
from kmidi_lab.export.torch_runtime import TorchModel
from kmidi_lab.nn.streaming import Streaming


def torch_backend(network: nn.Module) -> Backend:
    """The network itself, copied, eager, under inference mode; the process's own thread settings hold."""
    state = ", state kept from call to call" if isinstance(network, Streaming) else ""
    one_dnn = "on" if torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled else "off"
    flags = (
        f"eager, inference_mode, CPU capability {torch.backends.cpu.get_cpu_capability()}, oneDNN {one_dnn}, "
        f"1 thread, from Python{state}"
    )
    return Backend("torch", torch.__version__, flags, torch_weight_bytes(network), lambda: TorchModel(network).run)
