"""Writes a network as an ONNX file: static `[1, N]` to `[1, M]` float32, `input` to `output` (contract.md §2, §8).

A streaming network's state comes behind: `state_<i>` in, with zeros stored as default so that a caller who knows only
`input` runs from reset, `new_state_<i>` out.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import onnx
import torch
from torch import nn

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx.runtime import INPUT, NEW_STATE, OUTPUT, STATE
from kmidi_lab.nn.streaming import CallStep, Streaming

MODULE_PATH = "pkg.torch.onnx.name_scopes"
"""Key of a node's metadata: the path of modules it came from; `parity_layers` names layers by it."""


def export_onnx(network: nn.Module, contract: Contract, opset: int = 18) -> bytes:
    """The network as the bytes of `<id>.onnx`, one file without external data.

    Args:
        network: `Streaming`, or maps `[1, N]` to `[1, M]`; float32, in eval mode, on the CPU.
        contract: gives N, M and the id used in messages.
        opset: of the default ONNX domain; the file has exactly this one.

    Raises:
        ExportError: the network trains, cannot be exported, is not streaming where the contract is (or the other way
            round), or the file is not what was asked for.
    """
    if any(module.training for module in network.modules()):
        raise ExportError(f"{contract.id}: the network is in training mode; call network.eval() before export")
    if isinstance(network, Streaming) != contract.streaming:
        # A plain export would drop the state between calls without a word.
        kind = "a Streaming network (kmidi_lab.nn.streaming)" if contract.streaming else "a network without state"
        raise ExportError(f"{contract.id}: the contract says state {contract.state!r}; export {kind}")
    example_input = torch.zeros(1, contract.input_size)
    state = network.zero_state(example_input) if isinstance(network, Streaming) else ()
    called = CallStep(network) if isinstance(network, Streaming) else network
    try:
        with _silence():
            program = torch.onnx.export(
                called,
                (example_input, *state),
                dynamo=True,
                opset_version=opset,
                input_names=[INPUT, *(f"{STATE}{i}" for i in range(len(state)))],
                output_names=[OUTPUT, *(f"{NEW_STATE}{i}" for i in range(len(state)))],
                external_data=False,
            )
    except Exception as error:
        # The exporter wraps its failures in many types; the innermost one says what went wrong.
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
        raise ExportError(f"{contract.id}: ONNX export failed: {reason}") from error
    assert program is not None
    model = program.model_proto
    _strip(model)
    for index, zeros in enumerate(state):
        # An input that is an initializer, too, may be left out by the caller (ONNX IR specification, "Graphs").
        model.graph.initializer.append(onnx.numpy_helper.from_array(zeros.numpy(), f"{STATE}{index}"))
    data: bytes = model.SerializeToString(deterministic=True)
    check_onnx(data, contract, opset)
    return data


def check_onnx(data: bytes, contract: Contract, opset: int) -> None:
    """Reads the file back and holds it to the contract.

    Raises:
        ExportError: broken file, other opset, outside data, a first input or output of another name, type or size, or
            state that goes in and does not come out, or the other way round, or does not start from zeros.
    """
    try:
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise ExportError(f"{contract.id}.onnx: not a valid ONNX file: {error}") from error
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if opsets != {"ai.onnx": opset}:
        raise ExportError(f"{contract.id}.onnx: opsets {opsets}, asked for ai.onnx {opset} alone")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ExportError(f"{contract.id}.onnx: weights lie outside the file; export with external_data=False")
    stored = {tensor.name for tensor in model.graph.initializer}
    required = [value for value in model.graph.input if value.name not in stored]
    if not required or required[0].name != model.graph.input[0].name or len(required) > 1:
        names = [value.name for value in required]
        raise ExportError(
            f"{contract.id}.onnx: needs inputs {names}; a caller gives only {INPUT!r}, and it comes first"
        )
    if not model.graph.output:
        raise ExportError(f"{contract.id}.onnx: no output")
    _check_value(model.graph.input[0], INPUT, contract.input_size, contract.id)
    _check_value(model.graph.output[0], OUTPUT, contract.output_size, contract.id)
    _check_state(model.graph, contract.id)


def _check_state(graph: onnx.GraphProto, model_id: str) -> None:
    shapes = [
        {v.name.removeprefix(prefix): [d.dim_value for d in v.type.tensor_type.shape.dim] for v in list(values)[1:]}
        for values, prefix in ((graph.input, STATE), (graph.output, NEW_STATE))
    ]
    if shapes[0] != shapes[1]:
        raise ExportError(
            f"{model_id}.onnx: state goes in as {shapes[0]} and comes out as {shapes[1]}; must be the same"
        )
    for tensor in graph.initializer:
        if tensor.name.removeprefix(STATE) in shapes[0] and onnx.numpy_helper.to_array(tensor).any():
            raise ExportError(f"{model_id}.onnx: the default of {tensor.name} must be zeros, the state after a reset")


def _check_value(value: onnx.ValueInfoProto, name: str, size: int, model_id: str) -> None:
    tensor = value.type.tensor_type
    # A dynamic axis has a dim_param instead of a dim_value and shows up as its name here.
    shape = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim]
    if value.name != name or tensor.elem_type != onnx.TensorProto.FLOAT or shape != [1, size]:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise ExportError(
            f"{model_id}.onnx: found {value.name!r} {kind} {shape}, must be {name!r} FLOAT [1, {size}], static, first"
        )


def _strip(model: onnx.ModelProto) -> None:
    """Drops the exporter's notes (stack traces with this machine's paths, the traced program) but module paths."""
    for holder in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        module_paths = [entry for entry in holder.metadata_props if entry.key == MODULE_PATH]
        del holder.metadata_props[:]
        holder.metadata_props.extend(module_paths)
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps the exporter's progress lines and its warnings about things we do not use off the screen."""
    # Several loggers of torch write straight to the screen, so the switch is the global one, put back after.
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
