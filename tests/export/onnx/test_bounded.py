"""A file from someone else: nothing endless, nothing without bounds, and one line for whatever it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from kmidi_lab.errors import RegistryError
from kmidi_lab.export.onnx.runtime import OnnxModel

IDENTITY = helper.make_node("Identity", ["input"], ["output"])


def value(name: str, shape: Sequence[int | str] = (1, 4), kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def file(nodes: Any, tensors: Any = (), given: Any = None, gives: Any = None) -> bytes:
    graph = helper.make_graph(nodes, "g", given or [value("input")], gives or [value("output")], list(tensors))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


def stored(name: str, of: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(of), name)


def large(side: int) -> bytes:
    """Multiplies two matrices that no file would hold."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["ones"]),
        helper.make_node("MatMul", ["ones", "ones"], ["product"]),
        helper.make_node("ReduceSum", ["product"], ["sum"], keepdims=0),
        helper.make_node("Add", ["input", "sum"], ["output"]),
    ]
    return file(nodes, [stored("shape", [side, side])])


def endless() -> bytes:
    """2**62 turns."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Identity", ["v"], ["v2"])], "body",
        [value("i", [], TensorProto.INT64), value("c", [], TensorProto.BOOL), value("v")],
        [value("c2", [], TensorProto.BOOL), value("v2")],
    )  # fmt: skip
    return file([helper.make_node("Loop", ["n", "", "input"], ["output"], body=body)], [stored("n", 2**62)])


def doubling(depth: int) -> bytes:
    """Branches in branches, of which each holds the next twice."""
    nodes = [helper.make_node("Identity", ["input"], ["o0"])]
    for i in range(depth):
        part = helper.make_graph(nodes, "part", [], [value(f"o{i}")])
        nodes = [helper.make_node("If", ["true"], [f"o{i + 1}"], then_branch=part, else_branch=part)]
    return file([*nodes, helper.make_node("Identity", [f"o{depth}"], ["output"])], [stored("true", True)])


def outside(place: str) -> bytes:
    tensor = onnx.TensorProto(
        name="w", data_type=TensorProto.FLOAT, dims=[1, 4], data_location=TensorProto.EXTERNAL,
        external_data=[onnx.StringStringEntryProto(key="location", value=place)],
    )  # fmt: skip
    return file([helper.make_node("Add", ["input", "w"], ["output"])], [tensor])


def data_dependent() -> bytes:
    nodes = [
        helper.make_node("NonZero", ["input"], ["places"]),
        helper.make_node("ReduceSum", ["places"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["size"], to=TensorProto.INT64),
        helper.make_node("Unsqueeze", ["size", "axis"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["many"]),
        helper.make_node("ReduceSum", ["many"], ["r"], keepdims=0),
        helper.make_node("Add", ["input", "r"], ["output"]),
    ]
    return file(nodes, [stored("axis", [0])])


def growing() -> bytes:
    """A state that is twice as long after each call."""
    nodes = [IDENTITY, helper.make_node("Concat", ["state_0", "state_0"], ["new_state_0"], axis=0)]
    given, gives = [value("input"), value("state_0", ["n", 4])], [value("output"), value("new_state_0", ["m", 4])]
    return file(nodes, [stored("state_0", np.zeros((1, 4), np.float32))], given, gives)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (endless(), "holds Loop"),
        (doubling(8), "holds If"),
        (large(20_000), "more than 67108864"),
        (large(2**31), "more than 67108864"),
        (data_dependent(), "size is not known"),
        (growing(), "size is not known"),
        (outside("secret.bin"), "weights lie outside"),
        (outside("../../../etc/passwd"), "weights lie outside"),
        (file([helper.make_node("Odd\x1b[2J", ["input"], ["output"], domain="x")]), "not a valid ONNX file"),
        (b"", "no graph"),
        (b"\x08\x08 no protobuf", "not an ONNX file"),
    ],
)
def test_a_file_without_bounds_is_refused_at_once(data: bytes, says: str) -> None:
    began = time.process_time()
    with pytest.raises(RegistryError, match=says) as caught:
        OnnxModel(data, "m.onnx")(np.zeros(4, np.float32))
    assert str(caught.value).isprintable() and time.process_time() - began < 5


@pytest.mark.parametrize(
    "data",
    [
        file([helper.make_node("Identity", ["x"], ["output"])], given=[value("x")]),
        file([helper.make_node("Identity", ["input"], ["y"])], gives=[value("y")]),
        file(
            [helper.make_node("Cast", ["input"], ["output"], to=1)], given=[value("input", (1, 4), TensorProto.INT64)]
        ),
        file(
            [helper.make_node("Cast", ["input"], ["output"], to=8)], gives=[value("output", (1, 4), TensorProto.STRING)]
        ),
        file([helper.make_node("Add", ["input", "z"], ["output"])], given=[value("input"), value("z")]),
    ],
)
def test_other_inputs_and_outputs_than_a_model_has(data: bytes) -> None:
    with pytest.raises(RegistryError, match="must be input and output"):
        OnnxModel(data, "m.onnx")


def test_what_fails_only_when_it_runs_is_one_line() -> None:
    node = helper.make_node("Gather", ["input", "places"], ["output"], axis=1)
    model = OnnxModel(file([node], [stored("places", [99, 1, 2, 3])]), "m.onnx")
    with pytest.raises(RegistryError, match=r"^m\.onnx: ONNX Runtime can't run the file") as caught:
        model(np.zeros(4, np.float32))
    assert "\n" not in str(caught.value)


def test_a_plain_file_runs() -> None:
    assert OnnxModel(file([IDENTITY]), "m.onnx")(np.arange(4)).tolist() == [0, 1, 2, 3]
