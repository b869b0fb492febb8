"""The ONNX file as the inference service needs it (contract.md §2)."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import onnx

from kmidi_lab.errors import one_line, reason, show
from kmidi_lab.export.onnx.runtime import INPUT, NEW_STATE, OUTPUT, STATE, OnnxModel
from kmidi_lab.verify.findings import AGAIN, Checks
from kmidi_lab.verify.sizes import LARGEST, Sizes, check_sizes


def check_onnx_file(checks: Checks, name: str, data: bytes, sizes: list[Sizes]) -> OnnxModel | None:
    """The checks of one file. Returns the model to run, None when it is not as `OnnxModel` needs it.

    Args:
        name: for messages.
        sizes: what the registry and the contract say of it.
    """
    try:
        model = onnx.load_from_string(data)
    except Exception as error:  # protobuf's exceptions share no public base class
        checks.fault("onnx", f"{name}: not an ONNX file, or cut short ({reason(error)}); {AGAIN}")
        return None
    if not checks.expect("onnx", model.HasField("graph"), f"{name}: holds no graph, perhaps cut short; {AGAIN}"):
        return None
    domains = {entry.domain or "ai.onnx" for entry in model.opset_import if entry.version > 0}
    opset = checks.expect("opset", "ai.onnx" in domains, f"{name}: no opset of ai.onnx is given; {AGAIN}")
    outside = sorted({t.name for t in _tensors(model.graph) if t.data_location == onnx.TensorProto.EXTERNAL})
    inside = checks.expect(
        "external data",
        not outside,
        f"{name}: weights lie outside the file ({show(', '.join(outside))}); export with external_data=False",
    )
    valid = opset and inside and _check_valid(checks, name, data)
    runnable = _check_values(checks, name, model.graph, sizes)
    paired = _check_state(checks, name, model.graph)
    if not (valid and runnable and paired):
        checks.note("onnx", f"{name}: not run, because of the faults above")
        return None
    try:
        # ONNX Runtime prints when it tries a second time.
        with contextlib.redirect_stdout(io.StringIO()):
            return OnnxModel(data, name)
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        checks.fault("onnx runtime", f"{reason(error)}; {AGAIN}")
        return None


def _check_valid(checks: Checks, name: str, data: bytes) -> bool:
    try:
        onnx.checker.check_model(data, full_check=True)
    except Exception as error:  # the checker's and the shape inference's errors share no base class
        text = one_line(str(error), 160)
        return checks.expect("onnx checker", False, f"{name}: {text}; {AGAIN}")
    return checks.expect("onnx checker", True, "")


def _check_values(checks: Checks, name: str, graph: onnx.GraphProto, sizes: list[Sizes]) -> bool:
    """The first input and output, and that no other input has to be given. Whether the file can be run."""
    if not checks.expect(
        "onnx input", bool(graph.input) and bool(graph.output), f"{name}: has no input or no output; {AGAIN}"
    ):
        return False
    stored = {tensor.name for tensor in graph.initializer}
    further = [v.name for v in graph.input[1:] if v.name not in stored]
    alone = checks.expect(
        "onnx input",
        not further,
        f"{name}: needs {show(', '.join(further))} beside {INPUT!r}, and readers give {INPUT!r} only; store defaults",
    )
    (inputs, first), (outputs, second) = (
        _size(checks, name, v, n) for v, n in ((graph.input[0], INPUT), (graph.output[0], OUTPUT))
    )
    if inputs is None or outputs is None:
        return False
    check_sizes(checks, name, (inputs, outputs), sizes)
    small = checks.expect(
        "size", max(inputs, outputs) <= LARGEST, f"{name}: sizes {inputs} → {outputs}, not run above {LARGEST}"
    )
    return alone and first and second and small


def _size(checks: Checks, name: str, value: onnx.ValueInfoProto, expected: str) -> tuple[int | None, bool]:
    """(N of a static `[1, N]`, else None; whether name and type are right, too), and a fault for each that is not."""
    tensor = value.type.tensor_type
    # A dynamic axis has a dim_param instead of a dim_value and shows up as its name here.
    shape = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim]
    check = f"onnx {expected}"
    named = checks.expect(
        check, value.name == expected, f"{name}: the first {expected} is named {show(value.name)}; {AGAIN}"
    )
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
    typed = checks.expect(check, kind == "FLOAT", f"{name}: {expected} is of type {kind}, must be FLOAT; {AGAIN}")
    size = shape[1] if len(shape) == 2 and shape[0] == 1 and isinstance(shape[1], int) and shape[1] > 0 else None
    checks.expect(
        check, size is not None, f"{name}: {expected} has shape {show(shape)}, must be static [1, N]; {AGAIN}"
    )
    return size, named and typed


def _check_state(checks: Checks, name: str, graph: onnx.GraphProto) -> bool:
    """Whether each `state_<i>` comes out as `new_state_<i>` of the same shape, and starts from zeros."""
    going, coming = (
        {v.name.removeprefix(prefix): _shape(v) for v in list(values) if v.name.startswith(prefix)}
        for values, prefix in ((graph.input, STATE), (graph.output, NEW_STATE))
    )
    paired = checks.expect(
        "onnx state",
        going == coming,
        f"{name}: state goes in as {show(going)} and comes out as {show(coming)}, must be the same; {AGAIN}",
    )
    started = [t.name for t in graph.initializer if t.name.startswith(STATE) and _holds_other_than_zeros(t)]
    checks.expect(
        "onnx state",
        not started,
        f"{name}: the default of {show(', '.join(started))} must be zeros, the state after a reset; {AGAIN}",
    )
    return paired


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    return [dim.dim_value for dim in value.type.tensor_type.shape.dim]


def _holds_other_than_zeros(tensor: onnx.TensorProto) -> bool:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return False  # a fault already, and there is nothing to read
    try:
        return bool(onnx.numpy_helper.to_array(tensor).any())
    except (ValueError, TypeError):
        return True


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)
