"""torch's ONNX exporter without what it does again and again, most of its time: the files are the same.

It builds its tables of operators once in a process, not once for each file: nothing writes to them where no operators
of one's own are given. A rule that rewrites several nodes at once is tried where its first operator is, not at every
node of the graph, each time against all others. `tests/export/onnx/test_onnx_export.py` compares with files made
without this.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
import torch._export.utils as export_utils
import torch.export.exported_program as exported_program
from onnxscript.rewriter._basics import MatchResult
from onnxscript.rewriter._matcher import SimplePatternMatcher
from torch._subclasses.fake_impls import op_implementations_dict as rules
from torch.onnx._internal.exporter._registration import ONNXRegistry

_new_table = ONNXRegistry.from_torchlib
_new_operators = export_utils._materialize_cpp_cia_ops
_new_overrides = exported_program._override_composite_implicit_decomp
_match_everywhere = SimplePatternMatcher.match
_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
_overrides: dict[Any, tuple[dict[Any, Any], Any]] = {}
"""What torch registers while it exports for an operator that others make up: its kernels, and its rule for fake
tensors.
"""


def keep_operators(put: Callable[[object, str, object], None] = setattr) -> None:
    """Until what `put` (object, name, value) has put there is taken back."""
    put(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(_new_table)))
    put(export_utils, "_materialize_cpp_cia_ops", functools.cache(_new_operators))
    put(exported_program, "_override_composite_implicit_decomp", _kept_overrides)
    put(SimplePatternMatcher, "match", _match)


def _match(self: Any, model: Any, graph: Any, node: Any, **how: Any) -> MatchResult:
    if not self.pattern.output_nodes[0].matches(node, failed := MatchResult()):
        return failed
    return _match_everywhere(self, model, graph, node, **how)


def as_torch_does(put: Callable[[object, str, object], None]) -> None:
    """Takes all of this back, for a comparison."""
    put(ONNXRegistry, "from_torchlib", _new_table)
    put(export_utils, "_materialize_cpp_cia_ops", _new_operators)
    put(exported_program, "_override_composite_implicit_decomp", _new_overrides)
    put(SimplePatternMatcher, "match", _match_everywhere)


@contextlib.contextmanager
def _kept_overrides(wanted: Mapping[Any, Callable[..., Any]]) -> Iterator[None]:
    """As torch's own, which makes nine kernels anew for each of 700 operators, twice a file."""
    new = {op: function for op, function in wanted.items() if op not in _overrides}
    with _new_overrides(new):
        _overrides.update({op: (op.py_kernels.copy(), rules.get(op)) for op in new})
    before = {op: (op.py_kernels.copy(), rules.get(op)) for op in wanted}
    try:
        for op, function in wanted.items():
            kernels, rule = _overrides[op]
            _put(op, kernels | {_COMPOSITE: function}, rule)
        yield
    finally:
        for op, (kernels, rule) in before.items():
            _put(op, kernels, rule)


def _put(op: Any, kernels: dict[Any, Any], rule: Any) -> None:
    op.py_kernels.clear()
    op.py_kernels.update(kernels)
    op._dispatch_cache.clear()
    if rule is None:
        rules.pop(op, None)
    else:
        rules[op] = rule


def export_once() -> None:
    """Pays what the first export of a process costs, for those that are forked from it. Draws no number, starts no
    thread.
    """
    from dataclasses import replace

    from tqdm import tqdm

    from kmidi_lab.contracts import DYNAMICS
    from kmidi_lab.export.onnx.writer import export_onnx

    contract = replace(DYNAMICS, inputs=DYNAMICS.outputs)
    watched, tqdm.monitor_interval = tqdm.monitor_interval, 0
    export_onnx(torch.nn.Tanh().eval(), contract)
    tqdm.monitor_interval = watched
