"""Causal networks with one definition for training and deployment.

A `Streaming` module maps a piece of a sequence, `[B, T, C]` with any T from 1, and a state to outputs and the next
state. Training calls it on whole sequences from zero state, a plugin calls it one vector at a time; both run the same
code, so cutting a sequence into pieces changes nothing but rounding (below 1e-5, tests/nn/test_streaming.py).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

State = tuple[torch.Tensor, ...]
Array = NDArray[np.float32]
_BLOCK = 512
"""Calls that go through a network at once: attention over thousands would compare each with each, window or not."""


class Streaming(nn.Module):
    """A causal module with explicit state: a flat tuple of tensors, batch first, which are zeros after a reset."""

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each state tensor without the batch axis; empty for a module without state."""
        raise NotImplementedError

    def receptive_field(self) -> float:
        """Calls that an output depends on, the present one among them; infinite for a recurrent layer."""
        raise NotImplementedError

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """`[B, T, C]` and the state before it to `[B, T, C']` and the state after it."""
        raise NotImplementedError

    def deployed(self) -> Streaming:
        """The same function as layers that every artefact format has; itself, unless it trains in another form."""
        return self

    def zero_state(self, x: torch.Tensor) -> State:
        """The state after a reset, with the batch, type and device of `x`."""
        return tuple(x.new_zeros(x.shape[0], *shape) for shape in self.state_shapes())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[B, T, C]` to `[B, T, C']` from zero state."""
        return self.stream(x, self.zero_state(x))[0]


class Chain(Streaming):
    """Modules one after the other: `Streaming` ones, and those of `torch.nn` that look at one vector `[.., C]`.

    The latter see all vectors as one batch `[B * T, C]`, so that BatchNorm1d and PReLU take channels as channels.

    Raises:
        ValueError: a module works in place, which would overwrite what others still read.
    """

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        for module in (part for root in modules for part in root.modules()):
            if getattr(module, "inplace", False):
                raise ValueError(f"{type(module).__name__} works in place; leave inplace=True out")
        for index, module in enumerate(modules):
            self.add_module(str(index), module)

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(shape for m in self if isinstance(m, Streaming) for shape in m.state_shapes())

    def receptive_field(self) -> float:
        return 1 + sum(m.receptive_field() - 1 for m in self if isinstance(m, Streaming))

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        new: list[torch.Tensor] = []
        for module in self:
            if isinstance(module, Streaming):
                count = len(module.state_shapes())
                x, part = module.stream(x, state[len(new) : len(new) + count])
                new.extend(part)
            else:
                x = module(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return x, tuple(new)


class Residual(Streaming):
    """`x + body(x)`; the body keeps the number of channels."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = Chain(*body)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.body.state_shapes()

    def receptive_field(self) -> float:
        return self.body.receptive_field()

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        y, state = self.body.stream(x, state)
        return x + y, state


class Heads(Streaming):
    """Branches over the same input, their outputs one behind the other in the order given."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(b if isinstance(b, Streaming) else Chain(b) for b in branches)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(shape for b in self._each() for shape in b.state_shapes())

    def receptive_field(self) -> float:
        return max(b.receptive_field() for b in self._each())

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        outputs: list[torch.Tensor] = []
        new: list[torch.Tensor] = []
        for branch in self._each():
            y, part = branch.stream(x, state[len(new) : len(new) + len(branch.state_shapes())])
            outputs.append(y)
            new.extend(part)
        return torch.cat(outputs, -1), tuple(new)

    def _each(self) -> list[Streaming]:
        return list(self.branches)  # type: ignore[arg-type]


class CallStep(nn.Module):
    """One call of a streaming network as artefacts have it: `[1, N]` and state tensors to `[1, M]` and new ones."""

    def __init__(self, network: Streaming) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor, *state: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y, new = self.network.stream(x[:, None], state)
        return (y[:, 0], *new)


class TorchModel:
    """A copy of `network` in float32 on the CPU, in eval mode; takes `[N]` a call, gives `[M]`; starts reset.

    `network` is `Streaming`, or maps `[B, N]` to `[B, M]` without state.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).to("cpu", torch.float32).eval()
        self.reset()

    def reset(self) -> None:
        """Forgets the state."""
        self._state: State | None = None

    def __call__(self, x: np.ndarray) -> Array:
        """One call; advances the state."""
        return self.run(np.asarray(x, np.float32)[None])[0]

    def run(self, piece: np.ndarray) -> Array:
        """Consecutive calls, `[T, N]` to `[T, M]`; advances the state."""
        outputs, self._state = self._streamed(np.asarray(piece)[None], self._state)
        return np.asarray(outputs[0])

    def fresh(self, pieces: np.ndarray, block: int = _BLOCK) -> Array:
        """`[B, T, N]` to `[B, T, M]`, each row from a reset of its own, `block` calls at once; the state stays as it is."""
        return self._streamed(pieces, None, block)[0]

    def _streamed(self, pieces: np.ndarray, state: State | None, size: int = _BLOCK) -> tuple[Array, State | None]:
        x = torch.from_numpy(np.array(pieces, np.float32))
        with torch.inference_mode():
            if not isinstance(self.network, Streaming):
                return np.asarray(self.network(x.flatten(0, 1)).unflatten(0, x.shape[:2]).numpy()), None
            if state is None:
                state = self.network.zero_state(x)
            outputs = []
            for block in x.split(size, 1):
                y, state = self.network.stream(block, state)
                outputs.append(y)
            return np.asarray(torch.cat(outputs, 1).numpy()), state


def from_reset(network: nn.Module) -> Callable[[np.ndarray], Array]:
    """`[B, N]` to `[B, M]`, each row a first call."""
    streams = isinstance(network, Streaming)

    def call(x: np.ndarray) -> Array:
        with torch.inference_mode():
            y = network(torch.from_numpy(x)[:, None] if streams else torch.from_numpy(x))
        return np.asarray((y[:, 0] if streams else y).numpy())

    return call
