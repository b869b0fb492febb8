"""An independent reader of RTNeural JSON: what a file means, without RTNeural and without our writer.

Written from contract.md §6 alone; shares no code with `rtneural`, so that a mistake there can't hide here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from kmidi_lab.export.rtneural.parsing import PARSERS, Fields, RTNeuralFormatError
from kmidi_lab.export.rtneural.runtime import Array, Layer

__all__ = ["RTNeuralFormatError", "RTNeuralModel"]


@dataclass(frozen=True)
class _Entry:
    """One layer of the file; a dense or conv1d with an activation runs as two layers."""

    name: str
    layers: list[Layer]


class RTNeuralModel:
    """A model that takes one float32 vector a call and keeps its state until `reset()`; starts reset."""

    def __init__(self, input_size: int, entries: list[_Entry]) -> None:
        self._entries = entries
        self.input_size = input_size
        self.output_size = entries[-1].layers[-1].out_size
        self.parameters = sum(layer.parameters for entry in entries for layer in entry.layers)

    @classmethod
    def from_bytes(cls, data: bytes) -> RTNeuralModel:
        """Parses and checks a file.

        Raises:
            RTNeuralFormatError: RTNeural would crash on the file, skip a part of it or misread it.
        """
        try:
            root = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise RTNeuralFormatError(f"not JSON, or cut short: {error}") from error
        if not isinstance(root, dict):
            raise RTNeuralFormatError("the file must be one JSON object")
        file = Fields("file", root)
        size = input_size = file.last_size("in_shape")
        described = file.get("layers")
        if not isinstance(described, list) or not described:
            file.refuse("'layers' must be a list of at least one layer")
        entries = []
        for index, data_of in enumerate(described):
            entry = _entry(index, data_of, size)
            size = entry.layers[-1].out_size
            entries.append(entry)
        return cls(input_size, entries)

    @property
    def names(self) -> list[str]:
        """The layers' `name` keys, where absent `layer <index> (<type>)`."""
        return [entry.name for entry in self._entries]

    @property
    def receptive_field(self) -> int | None:
        """How many calls an output depends on; None where a layer never forgets."""
        fields = [layer.receptive_field for layer in self.layers]
        return None if None in fields else 1 + sum(field - 1 for field in fields if field is not None)

    @property
    def layers(self) -> list[Layer]:
        """What a call goes through, in order; a dense or conv1d with an activation is two layers."""
        return [layer for entry in self._entries for layer in entry.layers]

    def reset(self) -> None:
        """Forgets the state of every layer."""
        for entry in self._entries:
            for layer in entry.layers:
                layer.reset()

    def trace(self, x: np.ndarray) -> list[tuple[str, Array]]:
        """One call, `[N]` in; the output of every layer of the file, by name, in order.

        Raises:
            ValueError: `x` is not `[N]`.
        """
        x = np.asarray(x, np.float32)
        if x.shape != (self.input_size,):
            raise ValueError(f"expected a vector of {self.input_size} values, got shape {list(x.shape)}")
        out = []
        # Overflow gives inf and NaN here as it does in RTNeural, which has no warnings either.
        with np.errstate(all="ignore"):
            for entry in self._entries:
                for layer in entry.layers:
                    x = layer(x)
                out.append((entry.name, x))
        return out

    def __call__(self, x: np.ndarray) -> Array:
        """One call: `[N]` to `[M]`, float32; advances the state."""
        return self.trace(x)[-1][1]


def _entry(index: int, data: Any, size: int) -> _Entry:
    if not isinstance(data, dict):
        raise RTNeuralFormatError(f"layer {index}: not a JSON object")
    kind = Fields(f"layer {index}", data).get("type")
    parser = PARSERS.get(kind) if isinstance(kind, str) else None
    if parser is None:
        raise RTNeuralFormatError(f"layer {index}: unknown type {kind!r} would be skipped; known: {', '.join(PARSERS)}")
    where = f"layer {index} ({kind})"
    fields = Fields(where, data)
    name = data.get("name")
    return _Entry(name if isinstance(name, str) and name else where, parser(fields, size, fields.last_size("shape")))
