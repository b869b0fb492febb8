"""From nodes to a plan: the operations and the weights that `kmidi_runtime.hpp` runs, and their memory.

The words are that header's, `enum Head` and `enum Op` there say what each is. Every value has a place of its own in
one arena of floats: what a layer reads is never where it writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import ExportError
from kmidi_lab.export.cpp.structure import Affine, Node, Norm, Recurrent, Residual, Slopes, structured
from kmidi_lab.export.cpp.tiles import stored, tiled
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.runtime import Array

VERSION = 1
_LARGEST = 1 << 24
"""Of a size in a plan, so that a file can't ask for more memory than the networks need."""
_DENSE, _BLOCKS, _HISTORY, _NORM, _PRELU, _ACTIVATION, _ADD, _GRU, _LSTM, _COPY = range(1, 11)
_FUNCTIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "softmax": 3, "elu": 4}
_LINE = 16
"""Floats in a cache line: places in the arena and weights begin at whole lines."""


@dataclass(frozen=True)
class Plan:
    """What the runtime runs; `words` `[W]` int32, `weights` `[P]` float32."""

    words: NDArray[np.int32]
    weights: Array

    @property
    def input_size(self) -> int:
        """Floats in."""
        return int(self.words[1])

    @property
    def output_size(self) -> int:
        """Floats out."""
        return int(self.words[2])

    @property
    def arena_size(self) -> int:
        """Floats of working memory."""
        return int(self.words[4])


def plan_of(rtneural: bytes) -> Plan:
    """The plan for an RTNeural file.

    Raises:
        RTNeuralFormatError: RTNeural would misread the file.
        ExportError: the network needs more than the runtime's largest memory.
    """
    model = RTNeuralModel.from_bytes(rtneural)
    planner = _Planner(model.input_size)
    return planner.plan(planner.chain(structured(model.layers), Value(0, model.input_size)))


class Value(NamedTuple):
    """`size` floats that lie at `at` in the arena."""

    at: int
    size: int


class _Planner:
    """Writes one operation after the other; every place in the arena is handed out once."""

    def __init__(self, input_size: int) -> None:
        self._ops: list[list[int]] = []
        self._weights: list[Array] = []
        self._weight_count = 0
        self._arena_size = 0
        self._kept: set[int] = set()
        """Places that are read again later, so that nothing may be computed in place there."""
        self._input_size = input_size
        self._place(input_size)

    def plan(self, output: Value) -> Plan:
        """The finished plan."""
        largest = max(self._arena_size, self._weight_count)
        if largest > _LARGEST:
            raise ExportError(f"the network needs {largest} floats in one piece; the C++ runtime takes {_LARGEST}")
        head = [VERSION, self._input_size, output.size, output.at, self._arena_size, len(self._ops)]
        words = np.array(head + [word for op in self._ops for word in op], np.int32)
        return Plan(words, np.concatenate([*self._weights, np.zeros(0, np.float32)]))

    def chain(self, nodes: list[Node], x: Value) -> Value:
        """Adds the operations for `nodes`; gives the result."""
        for node in nodes:
            x = self._node(node, x)
        return x

    def _node(self, node: Node, x: Value) -> Value:
        if isinstance(node, Affine):
            return self._affine(node, x)
        if isinstance(node, Recurrent):
            return self._recurrent(node, x)
        if isinstance(node, Residual):
            self._kept.add(x.at)
            out = self._own(self.chain(node.body, x))
            self._op(_ADD, x.at, *out)
            return out
        out = self._own(x)
        if isinstance(node, Norm):
            self._op(_NORM, *out, self._store(np.concatenate([node.scale, node.mean, node.beta])))
        elif isinstance(node, Slopes):
            self._op(_PRELU, *out, self._store(node.alpha))
        else:
            self._op(_ACTIVATION, *out, _FUNCTIONS[node.name])
        return out

    def _affine(self, node: Affine, x: Value) -> Value:
        taps, rows, columns = node.weight.shape
        at = x.at
        if taps > 1:
            at, state = self._place(taps * rows), self._place(((taps - 1) * node.dilation + 1) * rows)
            self._op(_HISTORY, x.at, at, state, rows, taps, node.dilation)
        weight = node.weight.reshape(taps * rows, columns)
        tiles = tiled(weight)
        out = self._place(len(tiles.columns) * tiles.tile)
        matrix = (at, out, taps * rows, columns, tiles.tile, self._store(stored(weight, node.bias, tiles)))
        if tiles.rows is None:
            self._op(_DENSE, *matrix)
        else:
            table = [
                w for c, r in zip(tiles.columns, tiles.rows, strict=True) for w in (len(r), *c.tolist(), *r.tolist())
            ]
            self._op(_BLOCKS, *matrix, len(tiles.columns), *table)
        return Value(out, columns)

    def _recurrent(self, node: Recurrent, x: Value) -> Value:
        h = Value(self._place(node.hidden), node.hidden)
        self._kept.add(h.at)
        parts = self._affine(node.kernel, x).at, self._affine(node.recurrent, h).at
        if node.kind == "gru":
            self._op(_GRU, *parts, *h)
        else:
            self._op(_LSTM, *parts, h.at, self._place(node.hidden), node.hidden)
        return h

    def _own(self, x: Value) -> Value:
        """The value where it may be overwritten."""
        if x.at not in self._kept:
            return x
        copy = Value(self._place(x.size), x.size)
        self._op(_COPY, x.at, *copy)
        return copy

    def _op(self, kind: int, *words: int) -> None:
        self._ops.append([kind, len(words) + 2, *words])

    def _place(self, size: int) -> int:
        place = self._arena_size
        self._arena_size += _whole_lines(size)
        return place

    def _store(self, weights: Array) -> int:
        place = self._weight_count
        filled = np.zeros(_whole_lines(weights.size), np.float32)
        filled[: weights.size] = weights
        self._weights.append(filled)
        self._weight_count += filled.size
        return place


def _whole_lines(size: int) -> int:
    return -(-size // _LINE) * _LINE
