"""Small streaming networks, 6 in, that together hold every layer and block an RTNeural file can hold."""

from __future__ import annotations

import torch
from torch import nn

from kmidi_lab.nn.layers import GRU, LSTM, CausalConv1d, Standardize
from kmidi_lab.nn.streaming import Chain, Heads, Residual


def norm(size: int) -> nn.BatchNorm1d:
    """Statistics that are not the defaults."""
    made = nn.BatchNorm1d(size)
    made.running_mean, made.running_var = torch.randn(size), torch.rand(size) + 0.3
    nn.init.uniform_(made.weight, 0.5, 2)
    nn.init.normal_(made.bias)
    return made


def prelu(size: int) -> nn.PReLU:
    made = nn.PReLU(size)
    nn.init.uniform_(made.weight, -0.5, 0.9)
    return made


_shared = nn.PReLU(init=0.7)
NETWORKS = {
    "conv": lambda: Chain(CausalConv1d(6, 8, 3, 2, 2), prelu(8), nn.Linear(8, 4)),
    "conv of one tap": lambda: Chain(CausalConv1d(6, 8, 1), nn.Tanh(), CausalConv1d(8, 4, 5)),
    "gru": lambda: Chain(GRU(6, 8), nn.Linear(8, 4)),
    "stacked gru": lambda: Chain(GRU(6, 8, 3), nn.Linear(8, 4)),
    "stacked lstm": lambda: Chain(LSTM(6, 5, 2), LSTM(5, 4)),
    "residual": lambda: Chain(Residual(CausalConv1d(6, 16, 3, 4), nn.ReLU(), norm(16), CausalConv1d(16, 6, 2, 3))),
    "residual of one layer": lambda: Chain(Residual(CausalConv1d(6, 6, 3, 4, 3)), Residual(nn.Linear(6, 6))),
    "residual, activation first and last": lambda: Chain(
        Residual(norm(6), prelu(6), nn.Linear(6, 9), nn.LeakyReLU(0.2), CausalConv1d(9, 6, 3), norm(6), nn.ReLU())
    ),
    "residual, depthwise first": lambda: Chain(
        Residual(CausalConv1d(6, 6, 7, 1, 6), norm(6), nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 6))
    ),
    "residual, grouped in the middle": lambda: Chain(
        Residual(nn.Linear(6, 24), nn.ReLU(), CausalConv1d(24, 24, 5, 2, 6), prelu(24), CausalConv1d(24, 6, 1, 1, 6))
    ),
    "residual, other groups in a row": lambda: Chain(
        Residual(
            CausalConv1d(6, 12, 3, 1, 2), nn.ReLU(), CausalConv1d(12, 12, 3, 1, 3), nn.ReLU(), CausalConv1d(12, 6, 3, 1, 2)
        )
    ),
    "residual, groups that do not divide x": lambda: Chain(
        Residual(nn.Linear(6, 16), CausalConv1d(16, 16, 2, 1, 4), nn.ReLU(), nn.Linear(16, 6))
    ),
    "residual in residual": lambda: Chain(
        Residual(nn.Linear(6, 6), Residual(CausalConv1d(6, 8, 2), nn.ReLU(), nn.Linear(8, 6)), nn.ReLU(), nn.Linear(6, 6))
    ),
    "heads": lambda: Chain(nn.Linear(6, 7), nn.ELU(), Heads(nn.Linear(7, 3), nn.Linear(7, 2))),
    "heads of several layers": lambda: Heads(
        Chain(CausalConv1d(6, 5, 3), nn.ReLU(), nn.Linear(5, 3)), Chain(CausalConv1d(6, 4, 3), prelu(4), nn.Linear(4, 2))
    ),
    "heads with batchnorm": lambda: Chain(
        Heads(
            Chain(nn.Linear(6, 5), norm(5), nn.Tanh(), CausalConv1d(5, 3, 2, 2)),
            Chain(nn.Linear(6, 4), norm(4), nn.Tanh(), CausalConv1d(4, 2, 2, 2)),
        ),
        nn.Sigmoid(),
    ),
    "a module twice": lambda: Chain(nn.Linear(6, 6), _shared, nn.Linear(6, 6), _shared, nn.Linear(6, 4)),
    "everything": lambda: Chain(
        Standardize(torch.randn(6), torch.rand(6) + 0.3),
        CausalConv1d(6, 12, 3, 2, 3),
        norm(12),
        prelu(12),
        nn.Dropout(0.3),
        Residual(CausalConv1d(12, 12, 3, 4, 12), nn.ReLU(), nn.Linear(12, 12)),
        GRU(12, 10, 2),
        LSTM(10, 8),
        nn.Linear(8, 8),
        nn.ELU(),
        Heads(nn.Linear(8, 3), nn.Linear(8, 2)),
        nn.Softmax(-1),
    ),
}  # fmt: skip


def network(name: str) -> torch.nn.Module:
    """A fresh network with seeded weights, in eval mode."""
    torch.manual_seed(sorted(NETWORKS).index(name))
    return NETWORKS[name]().eval()
