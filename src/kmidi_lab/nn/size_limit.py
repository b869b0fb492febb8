"""How large a network may become while it is made: the sizes in a config may be a mistake, or come from someone else."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kmidi_lab.errors import ConfigError

_MAKERS = ("empty", "zeros", "ones", "full", "rand", "randn", "normal", "empty_strided")


class NumberLimit(TorchDispatchMode):
    """Inside, tensors are made that hold at most `most` numbers together.

    Args:
        most: numbers.
        why: the beginning of the message.

    Raises:
        ConfigError: more, before they are made.
    """

    def __init__(self, most: float, why: str) -> None:
        super().__init__()
        self._most, self._why, self._numbers = most, why, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__ in _MAKERS and args and isinstance(args[0], list | tuple | torch.Size):
            self._numbers += math.prod(int(size) for size in args[0])
            if self._numbers > self._most:
                raise ConfigError(self.explained(self._numbers))
        return func(*args, **(kwargs or {}))

    def explained(self, numbers: int) -> str:
        """What to say of a network with that many and more."""
        return f"{self._why}: more than {numbers:.2g} numbers; give the config that it was trained with"
