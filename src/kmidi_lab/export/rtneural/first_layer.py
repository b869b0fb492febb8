"""A file does not begin with a batchnorm: RTNeural's Eigen backend reads that layer's input with aligned loads.

From a pointer that is 4 bytes off such a file ends in a segmentation fault, while one that begins with dense or conv1d
runs (docs/integration.md, Alignment). What the layer does, input standardisation, goes into the dense layer behind it,
which is exact. It does not go into a convolution: its past is zeros after a reset, and zeros before the standardisation
are others than zeros behind it. There, a dense layer with a diagonal matrix does the same as the batchnorm.
"""

from __future__ import annotations

import numpy as np

from kmidi_lab.export.rtneural.blocks import scaled
from kmidi_lab.export.rtneural.layers import Layer, json_layer


def without_leading_batchnorm(layers: list[Layer]) -> list[Layer]:
    """The same function as layers of which the first is no batchnorm."""
    if not layers or layers[0]["type"] != "batchnorm":
        return layers
    first, *rest = layers
    scale, beta, mean = (vector.astype(np.float64) for vector in scaled(first))
    shift = beta - scale * mean
    if rest and rest[0]["type"] == "dense":
        weight, bias = (part.astype(np.float64) for part in rest[0]["weights"])
        folded = json_layer("dense", weight.shape[1], _single(scale[:, None] * weight, bias + shift @ weight))
        return [{**rest[0], **folded, "activation": rest[0]["activation"]}, *rest[1:]]
    diagonal = json_layer("dense", len(scale), _single(np.diag(scale), shift))
    return [{"name": first["name"], **diagonal}, *rest]


def _single(*parts: np.ndarray) -> list[np.ndarray]:
    with np.errstate(over="ignore"):  # json_layer refuses what is not finite
        return [np.ascontiguousarray(part, np.float32) for part in parts]
