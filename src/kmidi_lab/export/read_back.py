"""The weights of a published model, put back into the network that wrote them.

A models folder holds no checkpoint. Its ONNX file and head file hold every weight that an answer depends on, moved, turned
and beside constants as the exporter wrote them. Where each came from is found by exporting the same module with a number
of its own for every weight: what carries the number of a weight is that weight. The few weights of which a file holds a
function, such as an exponential, are what gives the published answers. The module with the weights read back must answer
as the published files do, or nothing is taken.

What no answer depends on, such as a head that training alone uses, is in no file: it begins anew.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
import torch

from kmidi_lab.errors import ConfigError, ExportError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.probes import varied_inputs
from kmidi_lab.inference.published import Published
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import TorchModel

Arrays = dict[str, np.ndarray]
State = dict[str, torch.Tensor]
_APART = 64.0
"""Distance of two weights' numbers: the exporter may add a constant of less than half of it. Large networks get less."""
_FIRST = 1024.0
_EXACT = 2.0**24
"""Up to here float32 holds whole numbers exactly."""
_CALLS = 24
_CLOSE = 1e-4
"""Of answers, relative to those above 1."""
_INVERSES = (np.asarray, np.log, lambda p: np.log(p) - np.log1p(-p), lambda x: 1 / (1 + np.exp(-x)))
"""Of the functions that a file may hold of a weight: a projection (of which it is its own), exp, sigmoid, logit."""
_MOST_TRIES = 256
_OTHER_FORM = "its files hold the weights in another form than the network trains in; give a run folder or a .ckpt"


def read_back(module: LabModule, file: bytes, published: Published) -> tuple[State, list[str]]:
    """The `state_dict` of a module that answers as the published files do, and what in it begins anew.

    Args:
        module: of the same class, sizes and version of the contract; it stays as it is.
        file: the published ONNX file.
        published: what was read of it and of the files beside it.

    Raises:
        ConfigError: the files are of another network or other sizes, or don't hold all of its weights.
    """
    probe = copy.deepcopy(module).cpu().eval()
    untouched = {name: values.clone() for name, values in probe.state_dict().items()}
    if published.table is not None:
        probe.take_table(published.table)
    in_table = {name for name, values in probe.state_dict().items() if not torch.equal(values, untouched[name])}
    lost, anew = _that_matter(probe, [name for name in _copied(probe, file, published) if name not in in_table])
    _fit(probe, published, lost, [*_initializers(file).values(), *published.head.values()])
    return probe.state_dict(), anew


def _copied(probe: LabModule, file: bytes, published: Published) -> list[str]:
    """Puts what the files hold copies of into `probe`; returns the names of what is not among them."""
    state = {name: values.detach().clone() for name, values in probe.state_dict().items()}
    # Numbers would turn constants of the class into others; what is not trained is as it is, or set by `calibrate`.
    fixed = {name for name, p in probe.named_parameters() if not p.requires_grad}
    sought = {n: v for n, v in state.items() if v.is_floating_point() and n not in fixed}
    flat = np.concatenate([values.numpy().ravel() for values in sought.values()]).astype(np.float32)
    apart = min(_APART, 2.0 ** np.floor(np.log2((_EXACT - _FIRST) / len(flat))))
    probe.load_state_dict(state | _as_state(_FIRST + apart * np.arange(len(flat), dtype=np.float32), sought))
    there, head = _initializers(file), _heads(published.head)
    own, own_head = _initializers(_exported(probe)), _heads(probe.head())
    # A head of an earlier release may lack what is no weight, such as harmony's memory; then the module keeps its own.
    common = own_head.keys() & head.keys()
    own, there = (arrays | {name: more[name] for name in common} for arrays, more in ((own, own_head), (there, head)))
    _check_shapes(own, there)
    seen = np.zeros(len(flat), bool)
    for most in (0.0, apart / 2):  # copies first: a sum of weights may look like another weight beside a constant
        for name, values in own.items():
            with np.errstate(invalid="ignore", over="ignore"):  # what is no copy of a weight may be no number
                at = np.rint((values.astype(np.float64) - _FIRST) / apart).astype(np.int64)
                shift = values.astype(np.float64) - (_FIRST + apart * at)
            is_weight = (at >= 0) & (at < len(flat)) & (np.abs(shift) <= most)
            is_weight[is_weight] = ~seen[at[is_weight]]
            flat[at[is_weight]] = there[name][is_weight] - shift[is_weight]
            seen[at[is_weight]] = True
    set_later = {name: _constant(state[name], own, there) for name in probe.calibrated}
    constants = {name: values for name, values in set_later.items() if values is not None}
    probe.load_state_dict(state | constants | _as_state(flat, sought))
    return [name for name, values in _as_state(seen.astype(np.float32), sought).items() if not bool(values.all())]


def _constant(values: torch.Tensor, own: Arrays, there: Arrays) -> torch.Tensor | None:
    """What the files hold in the place of values that are not trained; None where not found."""
    for turned in (False, True):
        sought = values.numpy().T if turned else values.numpy()
        places = [name for name, array in own.items() if np.array_equal(array, sought)]
        if places and all(np.array_equal(there[name], there[places[0]]) for name in places):
            found = there[places[0]]
            return torch.from_numpy((found.T if turned else found).copy())
    return None


def _that_matter(probe: LabModule, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Weights that an answer depends on, and those that none does."""
    state = {name: values.clone() for name, values in probe.state_dict().items()}
    before, matter, rest = _answers(probe), list[str](), list[str]()
    for name in names:
        drawn = torch.randn(state[name].shape, generator=torch.Generator().manual_seed(0))
        probe.load_state_dict(state | {name: state[name] + drawn})
        # The exported network may need one that these calls don't.
        changes = name.startswith("network.") or not _alike(_answers(probe), before, 0.0)
        (matter if changes else rest).append(name)
    probe.load_state_dict(state)
    return matter, rest


def _fit(probe: LabModule, published: Published, lost: Sequence[str], arrays: Sequence[np.ndarray]) -> None:
    """Leaves the published answers in `probe`: `lost` are weights of which one of `arrays` is a function.

    Raises:
        ConfigError: no choice gives them.
    """
    state, goal = probe.state_dict(), _published_answers(probe, published)
    choices = []
    for name in lost:
        same = [values for values in arrays if values.shape == tuple(state[name].shape)]
        with np.errstate(all="ignore"):
            each = [
                np.asarray(inverse(values.astype(np.float64)), np.float32) for values in same for inverse in _INVERSES
            ]
        choices.append([(name, torch.from_numpy(values.copy())) for values in each if np.isfinite(values).all()])
    for choice in itertools.islice(itertools.product(*choices), _MOST_TRIES):
        probe.load_state_dict(state | dict(choice))
        if _alike(_answers(probe), goal, _CLOSE):
            return
    raise ConfigError(_OTHER_FORM)


def _answers(module: LabModule) -> Arrays:
    """Outputs of calls in a row, and the arrays of the head."""
    outputs = TorchModel(module.export_network()).run(_calls(module))
    return {"outputs": outputs, **_heads(module.head())}


def _published_answers(module: LabModule, published: Published) -> Arrays:
    calls = _calls(module)
    outputs = published.call(calls[None])[0] if module.contract.streaming else published.call(calls)
    return {"outputs": outputs, **_heads(published.head)}


def _calls(module: LabModule) -> np.ndarray:
    return varied_inputs(module.contract.inputs, _CALLS, 0)


def _alike(own: Arrays, other: Arrays, within: float) -> bool:
    """Whether arrays of the same name are alike; a head of an earlier release may lack what a newer one has."""
    pairs = ((values, other[name]) for name, values in own.items() if name in other)
    return all(bool((np.abs(a - b) <= within * np.maximum(1, np.abs(b))).all()) for a, b in pairs)


def _exported(module: LabModule) -> bytes:
    try:
        return export_onnx(module.export_network().eval(), module.contract)
    except ExportError:  # numbers in the place of weights that no file can hold
        raise ConfigError(_OTHER_FORM) from None


def _heads(arrays: Mapping[str, np.ndarray]) -> Arrays:
    return {f"head {name}": np.array(values, np.float32) for name, values in arrays.items()}


def _initializers(file: bytes) -> Arrays:
    """Arrays of numbers by the place where a node takes them: equal ones stand once in a file, under one of their names."""
    graph = onnx.load_from_string(file).graph
    stored = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    return {
        f"node {number} ({node.op_type}) input {place}": np.atleast_1d(onnx.numpy_helper.to_array(stored[name]))
        for number, node in enumerate(graph.node)
        for place, name in enumerate(node.input)
        if name in stored
    }


def _check_shapes(own: Arrays, published: Arrays) -> None:
    for name in sorted({*own, *published}):
        shapes = [list(arrays[name].shape) if name in arrays else "not there" for arrays in (published, own)]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"its {name} is {shapes[0]}, this network's {shapes[1]}; give the sizes that it was trained with, or a run folder or a .ckpt"
            )


def _as_state(flat: np.ndarray, shapes: Mapping[str, torch.Tensor]) -> State:
    """`flat` cut into the shapes of `shapes`."""
    return dict(_cut(flat, shapes))


def _cut(flat: np.ndarray, shapes: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    at = 0
    for name, values in shapes.items():
        yield name, torch.from_numpy(flat[at : at + values.numel()].copy()).reshape(values.shape).to(values.dtype)
        at += values.numel()
