"""Writes a network as an ONNX file: static `[1, N]` to `[1, M]` float32, `input` to `output` (contract.md §2, §8)."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import onnx
import torch
from torch import nn

from kmidi_lab.contracts import Contract
from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx_runtime import INPUT, OUTPUT

MODULE_PATH = "pkg.torch.onnx.name_scopes"
"""Key of a node's metadata: the path of modules it came from; `parity_layers` names layers by it."""


def export_onnx(network: nn.Module, contract: Contract, opset: int = 18) -> bytes:
    """The network as the bytes of `<id>.onnx`, one file without external data.

    Args:
        network: maps `[1, N]` to `[1, M]`, float32, in eval mode, on the CPU.
        contract: gives N, M and the id used in messages.
        opset: of the default ONNX domain; the file has exactly this one.

    Raises:
        ExportError: the network trains, has state, cannot be exported, or the file is not what was asked for.
    """
    if any(module.training for module in network.modules()):
        raise ExportError(f"{contract.id}: the network is in training mode; call network.eval() before export")
    if contract.streaming:
        # A plain export would drop the state between calls without a word.
        raise ExportError(f"{contract.id}: ONNX export of models with state between calls is not written yet")
    example = torch.zeros(1, contract.input_size)
    try:
        with _silence():
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                opset_version=opset,
                input_names=[INPUT],
                output_names=[OUTPUT],
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
    data: bytes = model.SerializeToString(deterministic=True)
    check_onnx(data, contract, opset)
    return data


def check_onnx(data: bytes, contract: Contract, opset: int) -> None:
    """Reads the file back and holds it to the contract.

    Raises:
        ExportError: broken file, other opset, outside data, or a first input or output of another name, type or size.
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
        kept = [entry for entry in holder.metadata_props if entry.key == MODULE_PATH]
        del holder.metadata_props[:]
        holder.metadata_props.extend(kept)
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
