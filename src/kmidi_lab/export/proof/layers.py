"""Which layer of an artefact is the first to compute something else than torch does."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.export.onnx.runtime import INPUT, OnnxModel, open_session
from kmidi_lab.export.onnx.writer import MODULE_PATH
from kmidi_lab.export.rtneural.writer import ROOT
from kmidi_lab.nn.streaming import Streaming, TorchModel

Array = NDArray[np.float32]
Trace = list[tuple[str, Array]]
_NOTABLE = 1e-5
"""Float32 noise of one layer is about 1e-6; a fault below the tolerance may grow on its way, so look below it too."""
_STEP = "network."
"""Where `CallStep` holds a streaming network: the start of its module paths in an ONNX file."""


def torch_layers(model: TorchModel, frame: Array) -> Trace:
    """Outputs `[size]` of every module of the next call, `[N]`, by qualified name, in the order in which they finish."""
    trace: Trace = []

    def keep(name: str, output: object) -> None:
        if isinstance(output, torch.Tensor):
            trace.append((name or ROOT, output.detach().numpy().reshape(-1).copy()))

    with contextlib.ExitStack() as watched:
        for name, module in model.network.named_modules():
            watched.enter_context(_watched(module, name, keep))
        model(frame)
    return trace


@contextlib.contextmanager
def _watched(module: nn.Module, name: str, keep: Callable[[str, object], None]) -> Iterator[None]:
    """Tells `keep` what the module gives; streaming ones give it from `stream`, which no hook of torch's sees."""
    if isinstance(module, Streaming):
        stream = module.stream

        def recorder(x: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
            y, new = stream(x, state)
            keep(name, y)
            return y, new

        module.stream = recorder  # type: ignore[method-assign]
        try:
            yield
        finally:
            del module.stream
    else:
        handle = module.register_forward_hook(lambda _module, _args, output: keep(name, output))
        try:
            yield
        finally:
            handle.remove()


def onnx_layers(data: bytes, model: OnnxModel, frame: Array) -> Trace:
    """The same of `model`'s next call, from its file by the dynamo exporter, which stores each node's module path."""
    graph_model = onnx.load_from_string(data)
    stateful = bool(model.state_shapes)
    last: dict[str, str] = {}
    for node in graph_model.graph.node:
        for entry in node.metadata_props:
            if entry.key == MODULE_PATH:
                # "['', 'net', 'net.0', 'linear']": the module's path, then the operation.
                path = ast.literal_eval(entry.value)[-2]
                last[path.removeprefix(_STEP) if stateful else path or ROOT] = node.output[0]
    # A streaming block is no call of its own in the graph: its path is that of whatever came around it.
    trace = {name: value for name, value in last.items() if not (stateful and name in ("", ROOT))}
    output_names = {value.name for value in graph_model.graph.output}
    for value in set(trace.values()) - output_names:
        graph_model.graph.output.append(onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None))
    session = open_session(graph_model.SerializeToString(), "the traced file")
    outputs = session.run(list(trace.values()), {INPUT: frame[None], **model.state})
    return [(name, output.reshape(-1)) for name, output in zip(trace, outputs, strict=True)]


def first_deviation(expected: Trace, actual: Trace, tolerance: float) -> str:
    """The first layer of `got` whose output differs from the layer of the same name in `expected`.

    Falls back to the layer that differs most, and to a plain sentence when no name is in both. Layers of one name and
    another size are not the same thing (a block rewritten for the artefact) and don't count.
    """
    limit = min(tolerance, _NOTABLE)
    waiting: dict[str, list[Array]] = {}
    for name, values in expected:
        waiting.setdefault(name, []).append(values)
    errors: list[tuple[float, str]] = []
    for name, values in actual:
        if not waiting.get(name):
            continue
        want = waiting[name].pop(0)
        if want.shape != values.shape:
            continue
        error = scaled_error(values, want)
        if error > limit:
            return f"{name} (off by {error:.3g})"
        errors.append((error, name))
    if not errors:
        return "unknown, the artefact's layers have none of the network's names"
    error, name = max(errors)
    return f"{name} (off by {error:.3g}, no layer above {limit:g})"


def scaled_error(actual: Array, want: Array) -> float:
    """The largest absolute difference, divided by the largest wanted value where that is above 1; infinite for NaN."""
    wide = want.astype(np.float64)
    error = float((np.abs(actual - wide) / max(1.0, np.abs(wide).max())).max())
    return error if np.isfinite(error) else float("inf")
