"""A model's file may come from someone else: its work has an end and a size that is known before it is run."""

from __future__ import annotations

import math
from collections.abc import Iterator

import onnx
from onnx import shape_inference

from kmidi_lab.errors import RegistryError, first_line, one_line

MOST_NUMBERS = 1 << 26
"""That one call may compute in all; the largest released model computes 2 million."""
_AGAIN = "export the model again"


def check_bounded(data: bytes, name: str) -> None:
    """Looks at the file without running it.

    Args:
        data: of an ONNX file.
        name: of the file, for messages.

    Raises:
        RegistryError: not an ONNX file, weights outside it, loops, branches or functions, or results whose size is not
            told or more than `MOST_NUMBERS`.
    """
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's exceptions share no public base class
        raise RegistryError(f"{name}: not an ONNX file, or cut short ({first_line(error)}); {_AGAIN}") from None
    if not model.HasField("graph"):
        raise RegistryError(f"{name}: not an ONNX file, or cut short (it holds no graph); {_AGAIN}")
    inner = [n.op_type for n in model.graph.node for a in n.attribute if a.HasField("g") or a.graphs]
    if inner or model.functions:
        what = f"{one_line(inner[0], 40)}, which runs a part of it again or not at all" if inner else "functions"
        raise RegistryError(f"{name}: holds {what}; export it without loops and branches")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise RegistryError(f"{name}: weights lie outside the file; export with external_data=False")
    try:
        inferred = shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # of no public base class either
        raise RegistryError(f"{name}: not a valid ONNX file ({one_line(str(error), 160)}); {_AGAIN}") from None
    sizes = dict(_sizes(inferred.graph))
    total = 0
    for node in model.graph.node:
        for output in filter(None, node.output):
            size = sizes.get(output)
            if size is None:
                raise RegistryError(
                    f"{name}: {one_line(node.op_type, 40)} gives a tensor whose size is not known before it is run; "
                    "export it with static shapes"
                )
            total += size
    if total > MOST_NUMBERS:
        raise RegistryError(
            f"{name}: a call computes {total} numbers, more than {MOST_NUMBERS}; make the model smaller"
        )


def _sizes(graph: onnx.GraphProto) -> Iterator[tuple[str, int]]:
    """Numbers in each tensor, where its shape is static."""
    for value in (*graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(side.HasField("dim_value") for side in kind.shape.dim):
            yield value.name, math.prod(max(0, side.dim_value) for side in kind.shape.dim)
