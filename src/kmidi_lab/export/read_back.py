"""The weights of a published model, put back into the network that wrote them.

A models folder holds no checkpoint. Its RTNeural file and head file hold every weight, moved, turned and beside
constants as the exporter wrote them. Where each came from is found by exporting the same module with a number of its
own for every weight: what carries the number of a weight is that weight. The module with the weights read back must
then export to the published arrays, or nothing is taken.

Statistics of inputs are multiplied into the first layer when a file is written, and can't be had from it. They are
left out: the first layer is then as the file holds it, for inputs as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import orjson
import torch

from kmidi_lab.errors import ConfigError, ExportError
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import Standardize
from kmidi_lab.nn.module import LabModule

Arrays = dict[str, np.ndarray]
_APART = 64.0
"""Distance of two weights' numbers: the exporter may add a constant of less than half of it."""
_FIRST = 1024.0
_AT_ONCE = 200_000
"""Weights numbered at a time; float32 holds whole numbers up to 2 ** 24 exactly."""
_CLOSE = 1e-5
_OTHER_FORM = "its files hold the weights in another form than the network trains in; give a run folder or a .ckpt"


def read_back(
    module: LabModule,
    rtneural: bytes,
    head: Mapping[str, np.ndarray],
    apart: Mapping[str, torch.Tensor] | None = None,
) -> dict[str, torch.Tensor]:
    """The `state_dict` of a module that exports to the published files.

    Args:
        module: of the same class and sizes; it stays as it is.
        rtneural: the published RTNeural file.
        head: the arrays of the published head file, empty where there is none.
        apart: what is known of the `state_dict` already (`LabModule.held_apart`).

    Raises:
        ConfigError: the files are of another network or other sizes, or don't hold all of its weights as they are.
    """
    published = {**_layers(rtneural), **{f"head {name}": np.asarray(a, np.float32) for name, a in head.items()}}
    probe = copy.deepcopy(module).cpu().eval()
    statistics, apart = _left_out(probe), dict(apart or {})
    probe.load_state_dict(apart, strict=False)
    state = {name: values.detach().clone() for name, values in probe.state_dict().items() if name not in apart}
    # A head of an earlier release may lack what is no weight, such as harmony's memory; then the module keeps its own.
    own = {name: a for name, a in _exported(probe).items() if name in published or not name.startswith("head ")}
    _check_shapes(own, published)
    flat = np.concatenate([values.numpy().ravel() for values in state.values() if values.is_floating_point()])
    seen = np.zeros(len(flat), bool)
    for first in range(0, len(flat), _AT_ONCE):
        part = slice(first, min(first + _AT_ONCE, len(flat)))
        numbered = np.ones(len(flat), np.float32)
        numbered[part] = _FIRST + _APART * np.arange(part.stop - part.start, dtype=np.float32)
        probe.load_state_dict(_as_state(numbered, state) | statistics | apart)
        for name, values in _exported(probe).items():
            if name not in published:
                continue
            with np.errstate(invalid="ignore"):  # what is no copy of a weight may be no number
                at = np.rint((values.astype(np.float64) - _FIRST) / _APART).astype(np.int64)
            shift = values.astype(np.float64) - (_FIRST + _APART * at)
            is_weight = (at >= 0) & (at < part.stop - part.start) & (values > _FIRST - _APART / 2)
            flat[first + at[is_weight]] = (published[name] - shift)[is_weight]
            seen[first + at[is_weight]] = True
    weights = _as_state(flat, state) | apart
    learnt = {name for name, _ in probe.named_parameters()} - {*apart}
    there = _as_state(seen.astype(np.float32), state)
    lost = [name for name, values in there.items() if name in learnt and not bool(values.all())]
    probe.load_state_dict(weights)
    exported = {name: a for name, a in _exported(probe).items() if name in published}
    if any(float(np.abs(a - published[name]).max(initial=0.0)) > _CLOSE for name, a in exported.items()):
        raise ConfigError(_OTHER_FORM)
    if lost:
        raise ConfigError(f"its files don't hold {lost[0]}, which training needs; give a run folder or a .ckpt")
    return weights


def _left_out(module: LabModule) -> dict[str, torch.Tensor]:
    """Has the statistics of inputs change nothing; returns them as they are in its `state_dict`."""
    there: dict[str, torch.Tensor] = {}
    for name, part in module.named_modules():
        if isinstance(part, Standardize):
            part.mean.zero_()
            part.std.fill_(1.0)
            there |= {f"{name}.mean": part.mean.clone(), f"{name}.std": part.std.clone()}
    return there


def _exported(module: LabModule) -> Arrays:
    """Every array of the RTNeural file and the head file that the module would give."""
    try:
        layers = _layers(export_rtneural(module.export_network().eval(), module.contract))
    except ExportError:  # numbers in the place of weights that are no plain copies
        raise ConfigError(_OTHER_FORM) from None
    return {**layers, **{f"head {name}": np.asarray(a, np.float32) for name, a in module.head().items()}}


def _layers(rtneural: bytes) -> Arrays:
    """Arrays by the place of their layer, in the file's order."""
    layers: list[Mapping[str, Any]] = orjson.loads(rtneural)["layers"]
    return {
        f"layer {number} ({layer['type']}) {place}": np.asarray(values, np.float32)
        for number, layer in enumerate(layers)
        for place, values in enumerate(layer["weights"])
    }


def _check_shapes(own: Arrays, published: Arrays) -> None:
    for name in sorted({*own, *published}):
        shapes = [list(arrays[name].shape) if name in arrays else "not there" for arrays in (published, own)]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"its {name} is {shapes[0]}, this network's {shapes[1]}; give the sizes that it was trained with, or a run folder or a .ckpt"
            )


def _as_state(flat: np.ndarray, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`flat` cut into the shapes of `state`; tensors of whole numbers stay as they are."""
    return dict(_cut(flat, state))


def _cut(flat: np.ndarray, state: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    at = 0
    for name, values in state.items():
        if not values.is_floating_point():
            yield name, values
            continue
        yield name, torch.from_numpy(flat[at : at + values.numel()].copy()).reshape(values.shape).to(values.dtype)
        at += values.numel()
