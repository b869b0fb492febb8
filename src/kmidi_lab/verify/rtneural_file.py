"""The RTNeural file as RTNeural's parser takes it."""

from __future__ import annotations

from typing import Any

import orjson

from kmidi_lab.errors import show
from kmidi_lab.export.rtneural.reader import RTNeuralFormatError, RTNeuralModel
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.sizes import LARGEST, Sizes, check_sizes

_MOST = {"in_shape": LARGEST, "shape": LARGEST, "dilation": 4096}


def check_rtneural_file(checks: Checks, name: str, data: bytes, sizes: list[Sizes]) -> RTNeuralModel | None:
    """The checks of one file. Returns the model to run, None when it is refused."""
    with checks.guarded("rtneural", name, "RTNeural crashes on such a file or misreads it, so export the model again"):
        _refuse_huge(data)
        model = RTNeuralModel.from_bytes(data)
        checks.expect("rtneural", True, "")
        check_sizes(checks, name, (model.input_size, model.output_size), sizes)
        return model
    return None


def looks_like_rtneural(data: bytes) -> bool:
    """Whether JSON has a key of a model at its top; text that is not JSON counts too, as it may be half a model."""
    try:
        root = orjson.loads(data)
    except ValueError:
        return True
    return isinstance(root, dict) and bool({"layers", "in_shape"} & set(root))


def _refuse_huge(data: bytes) -> None:
    """Sizes that no weights in the file bear out: the input's, and how far a convolution looks back."""
    try:
        root = orjson.loads(data)
    except ValueError:
        return  # the parser says so
    if not isinstance(root, dict):
        return
    layers = root.get("layers")
    for layer in [root, *(layers if isinstance(layers, list) else [])]:
        for key, most in _MOST.items() if isinstance(layer, dict) else ():
            value: Any = layer.get(key)
            if isinstance(value, list) and any(type(v) in (int, float) and v > most for v in value):
                raise RTNeuralFormatError(f"{key!r} is {show(value)}; nothing above {most} is run here")
