"""Numbers as text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

NOTHING = "–"


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decimals(values: Iterable[object]) -> int:
    """One number of decimals for numbers that are compared: three significant digits or more of the smallest."""
    smallest = min((abs(v) for v in values if isinstance(v, int | float) and is_number(v)), default=0.0)
    return 1 if smallest >= 100 else 2 if smallest >= 5 else 3


def fixed(value: Any, places: int) -> str:
    """With a true minus sign; a dash for what isn't there."""
    if value is None:
        return NOTHING
    return f"{value:,.{places}f}".replace("-", "−") if is_number(value) else str(value)


def count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else NOTHING if value is None else f"{value:,g}"


def percent(share: float, places: int = 1) -> str:
    """With a space that does not break."""
    return f"{100 * share:.{places}f}\u00a0%"


def small(value: Any) -> str:
    """For errors far below one."""
    return NOTHING if value is None else f"{value:.1e}".replace("-", "−")


def microseconds(us: Any) -> str:
    """Three significant digits in µs, ms from a millisecond on."""
    if us is None:
        return NOTHING
    value, unit = (us / 1000, "ms") if us >= 1000 else (us, "µs")
    places = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{places}f}\u00a0{unit}"


def duration(seconds: Any) -> str:
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
