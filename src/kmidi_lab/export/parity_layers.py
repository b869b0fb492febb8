"""Which layer of an artefact is the first to compute something else than torch does."""

from __future__ import annotations

import ast

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.export.onnx_export import MODULE_PATH
from kmidi_lab.export.rtneural import ROOT

Array = NDArray[np.float32]
Trace = list[tuple[str, Array]]
_NOTABLE = 1e-5
"""Float32 noise of one layer is about 1e-6; a fault below the tolerance may grow on its way, so look below it too."""


def torch_layers(network: nn.Module, frame: Array) -> Trace:
    """Outputs `[size]` of every module of one call, `[N]`, by qualified name, in the order in which they finish."""
    found: Trace = []

    def keep(name: str) -> torch.utils.hooks.RemovableHandle:
        def hook(module: nn.Module, args: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                found.append((name or ROOT, output.detach().numpy().reshape(-1).copy()))

        return network.get_submodule(name).register_forward_hook(hook)

    handles = [keep(name) for name, _ in network.named_modules()]
    try:
        with torch.inference_mode():
            network(torch.from_numpy(frame[None]))
    finally:
        for handle in handles:
            handle.remove()
    return found


def onnx_layers(data: bytes, frame: Array) -> Trace:
    """The same from an ONNX file of the dynamo exporter, which stores each node's module path as metadata."""
    model = onnx.load_from_string(data)
    last: dict[str, str] = {}
    for node in model.graph.node:
        for entry in node.metadata_props:
            if entry.key == MODULE_PATH:
                # "['', 'net', 'net.0', 'linear']": the module's path, then the operation.
                last[ast.literal_eval(entry.value)[-2] or ROOT] = node.output[0]
    known = {value.name for value in model.graph.output}
    for value in set(last.values()) - known:
        model.graph.output.append(onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(list(last.values()), {model.graph.input[0].name: frame[None]})
    return [(name, output.reshape(-1)) for name, output in zip(last, outputs, strict=True)]


def first_deviation(expected: Trace, got: Trace, tolerance: float) -> str:
    """The first layer of `got` whose output differs from the layer of the same name in `expected`.

    Falls back to the layer that differs most, and to a plain sentence when no name is in both.
    """
    limit = min(tolerance, _NOTABLE)
    waiting: dict[str, list[Array]] = {}
    for name, values in expected:
        waiting.setdefault(name, []).append(values)
    seen: list[tuple[float, str]] = []
    for name, values in got:
        if not waiting.get(name):
            continue
        want = waiting[name].pop(0)
        error = _error(values, want)
        if error > limit:
            return f"{name} (off by {error:.3g})"
        seen.append((error, name))
    if not seen:
        return "unknown, the artefact's layers have none of the network's names"
    error, name = max(seen)
    return f"{name} (off by {error:.3g}, no layer above {limit:g})"


def _error(got: Array, want: Array) -> float:
    if got.shape != want.shape:
        return float("inf")
    wide = want.astype(np.float64)
    error = float((np.abs(got - wide) / max(1.0, np.abs(wide).max())).max())
    return error if np.isfinite(error) else float("inf")
