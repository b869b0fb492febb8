"""A published network under draws of dropout, by its ONNX file: some units before the last layers are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.inference.published import Published
from kmidi_lab.registry.files import read_bounded

DROPPED = 0.1
"""Share of the units, about as emotion and feel have it in training."""


def dropped_units(published: Published, path: Path, draws: int, seed: int) -> Iterator[Published]:
    """The model so many times, each with other units left out of what its last dense layers take.

    A draw stays the same over all frames: drawn anew for each, it would cancel in their mean (Y. Gal, Z. Ghahramani, *A
    Theoretically Grounded Application of Dropout in Recurrent Neural Networks*, NeurIPS 2016). Leaving units out of a
    network that was trained without dropout is that of E. Ledda et al. (*Dropout Injection at Test Time*, 2023).

    Args:
        published: the model.
        path: of its ONNX file.
        draws: how many.
        seed: of what is drawn.
    """
    rng, data = np.random.default_rng(seed), read_bounded(path)
    for _ in range(draws):
        yield replace(published, model=OnnxModel(_without(data, rng), str(path)))


def _without(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with a mask on the inputs of each dense layer that no other dense layer follows; what is kept is scaled up."""
    model = onnx.load_from_string(data)
    weights = {values.name: values for values in model.graph.initializer}
    followed, dense = set[str](), list[onnx.NodeProto]()
    for node in reversed(model.graph.node):  # a node stands before those that take what it gives
        is_dense = (
            node.op_type == "Gemm"
            and node.input[1] in weights
            and not _arranges(numpy_helper.to_array(weights[node.input[1]]))
        )
        if is_dense and not followed & {*node.output}:
            dense.append(node)
        if is_dense or followed & {*node.output}:
            followed |= {*node.input}
    masks: dict[str, np.ndarray] = {}
    for node in dense:
        values = numpy_helper.to_array(weights[node.input[1]])
        turned = any(a.name == "transB" and a.i for a in node.attribute)
        size = values.shape[1 if turned else 0]
        mask = masks.setdefault(node.input[0], (rng.random(size) >= DROPPED).astype(values.dtype) / (1 - DROPPED))
        masked = values * (mask[None] if turned else mask[:, None])
        weights[node.input[1]].CopyFrom(numpy_helper.from_array(masked, node.input[1]))
    return bytes(model.SerializeToString())


def _arranges(weights: np.ndarray) -> bool:
    """Whether a square layer only puts what it takes elsewhere, at another scale: then these are outputs, and no units."""
    there = weights != 0
    return weights.shape[0] == weights.shape[1] and bool((there.sum(0) <= 1).all() and (there.sum(1) <= 1).all())
