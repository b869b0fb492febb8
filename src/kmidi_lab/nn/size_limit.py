"""A network that is too large for the memory is refused before the memory is taken."""

from __future__ import annotations

import math
from typing import Any

import psutil
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kmidi_lab.errors import ConfigError
from kmidi_lab.hardware import Hardware

_BYTES_A_PARAMETER = 16
"""The weight, its gradient and AdamW's two means, float32 each."""
_MAKERS = ("empty", "zeros", "ones", "full", "rand", "randn", "normal", "empty_strided")


class SizeLimit(TorchDispatchMode):
    """Inside, networks are made whose training fits `hardware.memory_budget_gb`, and on the CPU what memory there is.

    Raises:
        ConfigError: a larger one.
    """

    def __init__(self, hardware: Hardware) -> None:
        super().__init__()
        self._budget = self._there = hardware.memory_budget_gb
        if hardware.accelerator == "cpu":
            self._there = min(self._there, psutil.virtual_memory().total / 2**30)
        self._numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__ in _MAKERS and args and isinstance(args[0], list | tuple | torch.Size):
            self._numbers += math.prod(int(size) for size in args[0])
            needed = self._numbers * _BYTES_A_PARAMETER / 2**30
            if needed > self._there:
                raise ConfigError(
                    f"model.module: more than {self._numbers:.2g} parameters, which need {needed:.3g} GiB to train; there are "
                    f"{self._there:.3g} (hardware.memory_budget_gb={self._budget:g}); make its layers smaller"
                )
        return func(*args, **(kwargs or {}))
