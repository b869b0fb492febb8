"""torch's ONNX exporter builds its table of operators once in a process, not once for each file.

That is three quarters of the export of a small network. The table is the same each time, and nothing writes to it where
no operators of one's own are given; `tests/export/onnx/test_onnx_export.py` shows that files are the same without this.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
import torch._export.utils as export_utils
from torch.onnx._internal.exporter._registration import ONNXRegistry

new_table = ONNXRegistry.from_torchlib


def keep_operators(put: Callable[[object, str, object], None] = setattr) -> None:
    """Until what `put` (object, name, value) has put there is taken back."""
    put(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(new_table)))
    put(export_utils, "_materialize_cpp_cia_ops", functools.cache(export_utils._materialize_cpp_cia_ops))


def export_once() -> None:
    """Pays what the first export of a process costs, for those that are forked from it. Draws no number, starts no thread."""
    from dataclasses import replace

    from tqdm import tqdm

    from kmidi_lab.contracts import DYNAMICS
    from kmidi_lab.export.onnx.writer import export_onnx

    contract = replace(DYNAMICS, inputs=DYNAMICS.outputs)
    watched, tqdm.monitor_interval = tqdm.monitor_interval, 0
    export_onnx(torch.nn.Tanh().eval(), contract)
    tqdm.monitor_interval = watched
