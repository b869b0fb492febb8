"""kmidi_lab: train, prove and export KmiDi's small music models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kmidi_lab.composition.song import compose
    from kmidi_lab.inference.api import load

__version__ = "0.2.0"
__all__ = ["__version__", "compose", "load"]


def __dir__() -> list[str]:
    """All names, those that were not used yet, too."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """`load` and `compose` are imported when they are first used, so that `--help` need not wait for them."""
    if name == "load":
        from kmidi_lab.inference.api import load

        return load
    if name == "compose":
        from kmidi_lab.composition.song import compose

        return compose
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
