"""Writes a network as RTNeural JSON (contract.md §6) from what it runs, never from its names.

Known modules (rtneural_layers) become layers, known blocks (`Chain`, `Residual`, `Heads`) become the layers that
compute the same; any other module is traced, and only a straight chain of such modules gets through. Anything else is
an error that names the layer. The extra key `name` holds each layer's qualified name: RTNeural ignores it, `parity`
uses it to say which layer is wrong.
"""

from __future__ import annotations

import numpy as np
import orjson
from torch import fx, nn

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ExportError, first_line
from kmidi_lab.export.rtneural.blocks import merged, scaled, widened
from kmidi_lab.export.rtneural.layers import WRITERS, Layer, instead_of, json_layer
from kmidi_lab.nn.streaming import Chain, Heads, Residual, Streaming

ROOT = "network"
"""Name of the outermost module, whose qualified name is empty."""
_KEPT_WHOLE = (*WRITERS, Streaming)


def export_rtneural(network: nn.Module, contract: Contract) -> bytes:
    """The network as the bytes of `<id>.json`; weights in the shortest decimals that give the same float32.

    Args:
        network: `Streaming` with N inputs and M outputs, or maps `[B, N]` to `[B, M]`; in eval mode, on any device, of
            any float type.
        contract: gives N, M and the id used in messages.

    Raises:
        ExportError: the network trains, a layer has no RTNeural counterpart, a shape does not fit, or a weight is
            not finite in float32. The message names the layer and what to use instead.
    """
    if any(module.training for module in network.modules()):
        raise ExportError(f"{contract.id}: the network is in training mode; call network.eval() before export")
    layers = without_leading_batchnorm(_layers(network, "", contract.input_size))
    if not layers:
        raise ExportError(f"{contract.id}: the network has no layers; RTNeural crashes on an empty file")
    size = layers[-1]["shape"][-1]
    if size != contract.output_size:
        raise ExportError(
            f"{contract.id}: the last layer gives {size} values, the contract says {contract.output_size}"
        )
    file = {"in_shape": [None, None, contract.input_size], "layers": layers}
    return orjson.dumps(file, option=orjson.OPT_SERIALIZE_NUMPY)


def _layers(module: nn.Module, name: str, size: int) -> list[Layer]:
    where = f"{name or ROOT} ({type(module).__name__})"
    watched = module.modules() if type(module) in WRITERS else [module]
    if any(part._forward_hooks or part._forward_pre_hooks for part in watched):
        raise ExportError(f"{where}: has forward hooks, which no file can hold; remove them or its weight norm")
    if writer := WRITERS.get(type(module)):
        json_layers = writer(module, size, where)
        # Of stacked recurrent layers only the last gives what the module gives.
        names = [f"{name or ROOT} layer {i}" for i in range(len(json_layers) - 1)] + [name or ROOT]
        return [{"name": label, **layer} for label, layer in zip(names, json_layers, strict=False)]
    # Exact types: a subclass may compute something else.
    if type(module) is Chain:
        return _in_a_row(
            [(_join(name, child), part) for child, part in zip(module._modules, module, strict=True)], size
        )
    if type(module) is Residual:
        return widened(_layers(module.body, _join(name, "body"), size), size, name or ROOT, where)
    if type(module) is Heads:
        branches = [_layers(b, _join(name, f"branches.{i}"), size) for i, b in enumerate(module.branches)]
        return merged(branches, name or ROOT, where)
    if isinstance(module, _KEPT_WHOLE) or (_of_torch(module) and not isinstance(module, nn.Sequential)):
        raise ExportError(f"{where}: no RTNeural layer for it; {instead_of(type(module).__name__)}")
    if any(isinstance(part, Streaming) for part in module.modules()):
        raise ExportError(f"{where}: holds streaming modules, which only a Chain hands their state; make it a Chain")
    return _in_a_row([(_join(name, child), part) for child, part in chain(module, name or ROOT)], size)


def _of_torch(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn.")


def _in_a_row(modules: list[tuple[str, nn.Module]], size: int) -> list[Layer]:
    layers: list[Layer] = []
    for name, module in modules:
        parts = _layers(module, name, size)
        layers += parts
        size = parts[-1]["shape"][-1] if parts else size
    return layers


def _join(name: str, child: str) -> str:
    return f"{name}.{child}" if name else child


class _LeafTracer(fx.Tracer):
    """Stops at the modules that have a writer, and at their subclasses, so that they stay whole in the graph."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, _KEPT_WHOLE) or super().is_leaf_module(m, module_qualified_name)


def chain(network: nn.Module, name: str = ROOT) -> list[tuple[str, nn.Module]]:
    """The modules a call goes through, in order, with their names below `network`.

    Raises:
        ExportError: the network cannot be traced, or its graph is not one straight chain of modules from one input
            to one output.
    """
    graph = _trace(network)
    modules = dict(network.named_modules())
    parts: list[tuple[str, nn.Module]] = []
    previous: fx.Node | None = None
    for node in graph.nodes:
        if node.op == "placeholder":
            if previous is not None:
                raise ExportError(f"{node.name}: a second input; an RTNeural file holds one input and one output")
        elif node.op == "output":
            if node.args != (previous,):
                raise ExportError("output: the network must return its last layer's result and nothing else")
        elif node.op == "call_module":
            target = str(node.target)
            if node.args != (previous,) or node.kwargs:
                raise ExportError(
                    f"{target} ({type(modules[target]).__name__}): its input is not the layer before it; "
                    "RTNeural files are strictly sequential, use one chain of modules"
                )
            parts.append((target, modules[target]))
        else:
            raise _not_a_module(node, name)
        previous = node
    return parts


def _trace(network: nn.Module) -> fx.Graph:
    try:
        return _LeafTracer().trace(network)
    except Exception as error:
        # fx raises whatever the traced code raises on a Proxy, so there is no narrower type to name.
        raise ExportError(
            f"{type(network).__name__} cannot be traced by torch.fx ({first_line(error)}); use a plain chain of modules"
        ) from error


def _not_a_module(node: fx.Node, name: str) -> ExportError:
    kind = getattr(node.target, "__name__", str(node.target))
    stack = node.meta.get("nn_module_stack") or {}
    path, owner = list(stack.values())[-1] if stack else (name, None)
    where = f"{path} ({owner.__name__})" if owner else path
    return ExportError(f"{where}: its forward calls {kind!r}, which is not a module; {instead_of(kind)}")


def without_leading_batchnorm(layers: list[Layer]) -> list[Layer]:
    """The same function as layers of which the first is no batchnorm.

    RTNeural's Eigen backend reads that layer's input with aligned loads. From a pointer that is 4 bytes off such a file
    ends in a segmentation fault, while one that begins with dense or conv1d runs (docs/integration.md, Alignment). What
    the layer does, input standardisation, goes into the dense layer behind it, which is exact. It does not go into a
    convolution: its past is zeros after a reset, and zeros before the standardisation are others than zeros behind it.
    There, a dense layer with a diagonal matrix does the same as the batchnorm.
    """
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
