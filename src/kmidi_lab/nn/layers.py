"""Layers with state of their own, and the input normalisation: what every artefact format can hold, but attention."""

from __future__ import annotations

from math import inf

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.nn.streaming import State, Streaming


class Standardize(nn.Module):
    """`(x - mean) / std` with fixed statistics: the input normalisation that ships inside the network.

    Args:
        mean: `[N]`, of the training split, in the units of the input.
        std: `[N]`, of the same, above 0.

    Raises:
        ValueError: shapes differ or are not `[N]`, a value is not finite, or a std is not above 0.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        super().__init__()
        if mean.ndim != 1 or mean.shape != std.shape:
            raise ValueError(f"mean and std must both be [N], not {list(mean.shape)} and {list(std.shape)}")
        if not (torch.isfinite(mean).all() and torch.isfinite(std).all() and (std > 0).all()):
            raise ValueError("mean and std must be finite and std above 0; give a constant feature a std of 1")
        self.register_buffer("mean", mean.detach().clone().float())
        self.register_buffer("std", std.detach().clone().float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[..., N]` to `[..., N]`."""
        return (x - self.mean) / self.std

    @torch.no_grad()
    def hand_over(self, following: nn.Module, mean: torch.Tensor, std: torch.Tensor) -> None:
        """Changes the dense layer behind it so that both compute with other statistics, `[N]` each, what they do now."""
        assert isinstance(following, nn.Linear)
        weight = following.weight.double()
        following.bias.add_(weight @ ((mean.double() - self.mean) / self.std))
        following.weight.copy_(weight * (std.double() / self.std))


class CausalConv1d(Streaming):
    """Convolution over time that sees the present and the past; the past is zeros after a reset.

    The receptive field is `(kernel - 1) * dilation + 1` calls.

    Args:
        inputs: channels.
        outputs: channels.
        kernel: taps.
        dilation: calls between taps.
        groups: divides both channel counts.
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
    """One or more GRU layers (Cho et al., 2014, in PyTorch's variant with the reset gate after the product).

    Args:
        inputs: channels.
        hidden: units of each layer.
        layers: stacked.
    """

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
    """One or more LSTM layers (Hochreiter and Schmidhuber, 1997).

    Args:
        inputs: channels.
        hidden: units of each layer.
        layers: stacked.
    """

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


class CausalAttention(Streaming):
    """Multi-head attention over the last `window` calls, the present among them, with a key-value cache as state.

    Positions enter by a linear penalty on distance, steeper from head to head (ALiBi: Press et al., 2022), so that
    the cache needs to know no more than which of its slots are filled.

    Args:
        size: channels, divisible by `heads`.
        heads: attention heads.
        window: calls that attention sees.
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
        visible = (distance >= 0) & (distance < self.window)
        filled = torch.cat([state[2], x.new_ones(batch, steps)], 1)
        penalty = -self.slopes[:, None, None] * distance
        mask = torch.where(visible[None] & (filled > 0)[:, None, None, :], penalty, float("-inf"))
        mixed = F.scaled_dot_product_attention(
            self._split(query), self._split(keys), self._split(values), attn_mask=mask.to(x.dtype)
        )
        y = self.out(mixed.transpose(1, 2).reshape(batch, steps, self.size))
        return y, tuple(part[:, steps:] for part in (keys, values, filled))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)
