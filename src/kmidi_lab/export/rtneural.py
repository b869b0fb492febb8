"""Writes a network as RTNeural JSON (contract.md §6) from its traced graph, never from its names.

Only a straight chain of modules from the table in `rtneural_layers` gets through; anything else is an error that
names the layer. The extra key `name` holds each layer's qualified name: RTNeural ignores it, `parity` uses it to
say which layer is wrong.
"""

from __future__ import annotations

import orjson
from torch import fx, nn

from kmidi_lab.contracts import Contract
from kmidi_lab.errors import ExportError
from kmidi_lab.export.rtneural_layers import WRITERS, instead_of

ROOT = "network"
"""Name of the outermost module, whose qualified name is empty."""


class _LeafTracer(fx.Tracer):
    """Stops at the modules that have a writer, and at their subclasses, so that they stay whole in the graph."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, tuple(WRITERS)) or super().is_leaf_module(m, module_qualified_name)


def _trace(network: nn.Module) -> fx.Graph:
    try:
        return _LeafTracer().trace(network)
    except Exception as error:
        # fx raises whatever the traced code raises on a Proxy, so there is no narrower type to name.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ExportError(
            f"{type(network).__name__} cannot be traced by torch.fx ({reason}); use a plain chain of modules"
        ) from error


def chain(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules a call goes through, in order, with their qualified names.

    Raises:
        ExportError: the network cannot be traced, or its graph is not one straight chain of modules from one input
            to one output.
    """
    if type(network) in WRITERS:
        return [(ROOT, network)]
    graph = _trace(network)
    modules = dict(network.named_modules())
    found: list[tuple[str, nn.Module]] = []
    previous: fx.Node | None = None
    for node in graph.nodes:
        if node.op == "placeholder":
            if previous is not None:
                raise ExportError(f"{node.name}: a second input; an RTNeural file holds one input and one output")
        elif node.op == "output":
            if node.args != (previous,):
                raise ExportError("output: the network must return its last layer's result and nothing else")
        elif node.op == "call_module":
            name = str(node.target)
            if node.args != (previous,) or node.kwargs:
                raise ExportError(
                    f"{name} ({type(modules[name]).__name__}): its input is not the layer before it; "
                    "RTNeural files are strictly sequential, use one chain of modules"
                )
            found.append((name, modules[name]))
        else:
            raise _not_a_module(node)
        previous = node
    return found


def _not_a_module(node: fx.Node) -> ExportError:
    kind = getattr(node.target, "__name__", str(node.target))
    stack = node.meta.get("nn_module_stack") or {}
    path, owner = list(stack.values())[-1] if stack else (ROOT, None)
    where = f"{path} ({owner.__name__})" if owner else path
    return ExportError(f"{where}: its forward calls {kind!r}, which is not a module; {instead_of(kind)}")


def export_rtneural(network: nn.Module, contract: Contract) -> bytes:
    """The network as the bytes of `<id>.json`; weights in the shortest decimals that give the same float32.

    Args:
        network: maps `[B, N]` to `[B, M]`; in eval mode, on any device, of any float type.
        contract: gives N, M and the id used in messages.

    Raises:
        ExportError: the network trains, a layer has no RTNeural counterpart, a shape does not fit, or a weight is
            not finite in float32. The message names the layer and what to use instead.
    """
    if any(module.training for module in network.modules()):
        raise ExportError(f"{contract.id}: the network is in training mode; call network.eval() before export")
    size, layers = contract.input_size, []
    for name, module in chain(network):
        where = f"{name} ({type(module).__name__})"
        writer = WRITERS.get(type(module))
        if writer is None:
            raise ExportError(f"{where}: no RTNeural layer for it; {instead_of(type(module).__name__)}")
        if module._forward_hooks or module._forward_pre_hooks:
            raise ExportError(f"{where}: has forward hooks, which no file can hold; remove them or its weight norm")
        for layer in writer(module, size, where):
            layers.append({"name": name, **layer})
            size = layer["shape"][-1]
    if not layers:
        raise ExportError(f"{contract.id}: the network has no layers; RTNeural crashes on an empty file")
    if size != contract.output_size:
        raise ExportError(
            f"{contract.id}: the last layer gives {size} values, the contract says {contract.output_size}"
        )
    file = {"in_shape": [None, None, contract.input_size], "layers": layers}
    return orjson.dumps(file, option=orjson.OPT_SERIALIZE_NUMPY)
