"""Causal blocks with one definition for training and deployment.

A `Streaming` module maps a piece of a sequence, `[B, T, C]` with any T from 1, and a state to outputs and the next
state. Training calls it on whole sequences from zero state, a plugin calls it one vector at a time; both run the same
code, so cutting a sequence into pieces changes nothing but rounding (below 1e-5, tests/nn/test_streaming.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import torch
from torch import nn
from torch.nn import functional as F

State = tuple[torch.Tensor, ...]


class Streaming(nn.Module):
    """A causal module with explicit state, a flat tuple of tensors whose first axis is the batch; zeros after a reset."""

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
        for module in (part for given in modules for part in given.modules()):
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


class CausalConv1d(Streaming):
    """Convolution over time that sees the present and the past; the past is zeros after a reset.

    The receptive field is `(kernel - 1) * dilation + 1` calls.

    Args:
        inputs, outputs: channels. kernel: taps. dilation: calls between taps. groups: divides both channel counts.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation, groups=groups)
        self.past = (kernel - 1) * dilation

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ((self.past, self.conv.in_channels),) if self.past else ()

    def receptive_field(self) -> float:
        return self.past + 1

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        if self.past:
            x = torch.cat([state[0], x], 1)
            state = (x[:, x.shape[1] - self.past :],)
        return self.conv(x.transpose(1, 2)).transpose(1, 2), state


class GRU(Streaming):
    """One or more GRU layers (Cho et al., 2014, in PyTorch's variant with the reset gate after the product)."""

    def __init__(self, inputs: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.rnn = nn.GRU(inputs, hidden, layers, batch_first=True)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ((self.rnn.num_layers, self.rnn.hidden_size),)

    def receptive_field(self) -> float:
        return inf

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        y, h = self.rnn(x, state[0].transpose(0, 1).contiguous())
        return y, (h.transpose(0, 1),)


class LSTM(Streaming):
    """One or more LSTM layers (Hochreiter and Schmidhuber, 1997)."""

    def __init__(self, inputs: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.rnn = nn.LSTM(inputs, hidden, layers, batch_first=True)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ((self.rnn.num_layers, self.rnn.hidden_size),) * 2

    def receptive_field(self) -> float:
        return inf

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        h, c = (part.transpose(0, 1).contiguous() for part in state)
        y, (h, c) = self.rnn(x, (h, c))
        return y, (h.transpose(0, 1), c.transpose(0, 1))


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


class CausalAttention(Streaming):
    """Multi-head attention over the last `window` calls, the present among them, with a key-value cache as state.

    Positions enter by a linear penalty on distance, steeper from head to head (ALiBi: Press et al., 2022), so that
    the cache needs to know no more than which of its slots are filled.

    Args:
        size: channels, divisible by `heads`. window: calls that attention sees.
    """

    slopes: torch.Tensor

    def __init__(self, size: int, heads: int, window: int) -> None:
        super().__init__()
        if heads < 1 or size % heads or window < 1:
            raise ValueError(f"{heads} heads must divide {size} channels, and a window of {window} calls be 1 or more")
        self.heads, self.window, self.size = heads, window, size
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.register_buffer("slopes", 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads), persistent=False)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (self.window - 1, self.size), (self.window - 1, self.size), (self.window - 1,)

    def receptive_field(self) -> float:
        return self.window

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        batch, steps, _ = x.shape
        past = self.window - 1
        query, key, value = self.qkv(x).chunk(3, -1)
        keys, values = (torch.cat([old, new], 1) for old, new in zip(state[:2], (key, value), strict=True))
        # Slot past + t holds call t of this piece; the slots before hold older calls, the first of them perhaps none.
        distance = past + torch.arange(steps, device=x.device)[:, None] - torch.arange(past + steps, device=x.device)
        seen = (distance >= 0) & (distance < self.window)
        filled = torch.cat([state[2], x.new_ones(batch, steps)], 1)
        penalty = -self.slopes[:, None, None] * distance
        mask = torch.where(seen[None] & (filled > 0)[:, None, None, :], penalty, float("-inf"))
        mixed = F.scaled_dot_product_attention(
            self._split(query), self._split(keys), self._split(values), attn_mask=mask.to(x.dtype)
        )
        y = self.out(mixed.transpose(1, 2).reshape(batch, steps, self.size))
        return y, tuple(part[:, steps:] for part in (keys, values, filled))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class CallStep(nn.Module):
    """One call of a streaming network as artefacts have it: `[1, N]` and state tensors to `[1, M]` and new ones."""

    def __init__(self, network: Streaming) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor, *state: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y, new = self.network.stream(x[:, None], state)
        return (y[:, 0], *new)
