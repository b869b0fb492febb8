"""What a model was trained on, as a few numbers that are published with it: so drift is told without the data.

Of each number of the input: the shares of ten ranges. Of all together: the mean of random Fourier features, which
stands for the whole distribution under a Gaussian kernel (A. Rahimi, B. Recht, *Random Features for Large-Scale Kernel
Machines*, NeurIPS 2007). No example can be had from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.errors import RegistryError

Array = NDArray[np.floating]
FORMAT, KNOWN_INPUTS = "kmidi-inputs-1", ".inputs.json"
"""Of the published file, whose name ends so behind the model's id."""
_RANGES, _FEATURES, _SEED, _DECIMALS = 10, 256, 1, 3
_SOME, _MOST, _AT_ONCE = 500, 50_000, 4096
"""Rows for the kernel's width, for all else, and at a time."""


@dataclass(frozen=True)
class Ranges:
    """One number of the input: `edges` `[K]`, ascending, and the shares `[2 K + 1]` below, at and between them."""

    edges: Array
    shares: Array

    @classmethod
    def of(cls, values: Array) -> Ranges:
        """Ranges that hold a tenth of the values each; a value that more than a tenth have is a range of its own."""
        cuts = np.unique(np.quantile(values, np.linspace(0, 1, _RANGES + 1)[1:-1]))
        edges = np.unique(_short(cuts))
        return cls(edges, np.round(Ranges(edges, np.zeros(0)).shares_of(values), _DECIMALS))

    def shares_of(self, values: Array) -> Array:
        """`[2 K + 1]` of other values."""
        near = _short(values)  # as the edges, or a value would lie beside itself
        places = np.searchsorted(self.edges, near, "left") + np.searchsorted(self.edges, near, "right")
        return np.bincount(places, minlength=2 * len(self.edges) + 1) / max(1, len(values))


@dataclass(frozen=True)
class KnownInputs:
    """Statistics of `count` training inputs.

    Attributes:
        count: how many they are.
        ranges: of each number, N.
        scale: `[N]`, the standard deviations, 1 for a constant.
        width: the median squared distance of two inputs, each number divided by its scale.
        mean: `[256]`, of the features.
    """

    count: int
    ranges: tuple[Ranges, ...]
    scale: Array
    width: float
    mean: Array

    @classmethod
    def of(cls, inputs: Array) -> KnownInputs:
        """Of inputs `[T, N]`; of very many a part stands for all."""
        some = np.asarray(inputs[np.random.default_rng(0).permutation(len(inputs))[:_MOST]], float)
        spread = some.std(axis=0)
        scale = _short(np.where(spread > 1e-6, spread, 1.0))
        few = some[:_SOME] / scale
        norms = (few**2).sum(axis=1)
        distance = np.maximum(norms[:, None] + norms - 2 * few @ few.T, 0.0)
        width = float(_short(np.array(np.median(distance[np.triu_indices(len(few), 1)]) or 1.0)))
        made = cls(len(inputs), tuple(Ranges.of(column) for column in some.T), scale, width, np.zeros(0))
        parts = np.array_split(some, -(-len(some) // _AT_ONCE))
        mean = sum(made.features(part).sum(axis=0) for part in parts) / len(some)
        return cls(made.count, made.ranges, scale, width, np.round(np.asarray(mean), 6))

    def features(self, inputs: Array) -> Array:
        """`[T, 256]` of `[T, N]`; the distance of two means is the kernel's maximum mean discrepancy, about."""
        rng = np.random.RandomState(_SEED)  # its stream is the same in every version of numpy
        turns = rng.standard_normal((len(self.scale), _FEATURES)) * np.sqrt(2 / self.width)
        shift = rng.uniform(0, 2 * np.pi, _FEATURES)
        return np.asarray(np.sqrt(2 / _FEATURES) * np.cos(np.asarray(inputs, float) / self.scale @ turns + shift))

    def tobytes(self) -> bytes:
        """The published file."""
        ranges = [{"edges": r.edges.tolist(), "shares": r.shares.tolist()} for r in self.ranges]
        held = {"format": FORMAT, "count": self.count, "width": self.width, "scale": self.scale.tolist()}
        return orjson.dumps(held | {"mean": self.mean.tolist(), "ranges": ranges}) + b"\n"

    @classmethod
    def read(cls, data: bytes, name: str) -> KnownInputs:
        """From the bytes of a file. Raises RegistryError: it is no such file."""
        try:
            held: Any = orjson.loads(data)
            if not isinstance(held, Mapping) or held.get("format") != FORMAT:
                raise ValueError(f"format is not {FORMAT!r}")
            arrays = {key: np.array(held[key], float) for key in ("scale", "mean")}
            ranges = tuple(Ranges(np.array(r["edges"], float), np.array(r["shares"], float)) for r in held["ranges"])
            fits = len(ranges) == len(arrays["scale"]) and arrays["mean"].shape == (_FEATURES,)
            fits &= all(r.shares.shape == (2 * len(r.edges) + 1,) for r in ranges)
            if not fits or not (arrays["scale"] > 0).all() or not float(held["width"]) > 0:
                raise ValueError("its arrays do not fit each other")
            return cls(int(held["count"]), ranges, arrays["scale"], float(held["width"]), arrays["mean"])
        except (ValueError, KeyError, TypeError) as error:
            raise RegistryError(
                f"{name}: no statistics of inputs ({error}); restore it or export the model again"
            ) from None


def _short(values: Array) -> Array:
    """Rounded to four significant digits, so that the file is small."""
    values = np.asarray(values, float)
    size = 10.0 ** (3 - np.floor(np.log10(np.maximum(np.abs(values), 1e-12))))
    return np.round(values * size) / size
