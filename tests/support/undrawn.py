"""A report's figures without their drawing, which takes a second a report: most tests that train look at none.

They are drawn for the tests of the report, and for two models in their smoke runs, by the fixture `drawn`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kmidi_lab.report import plots

FIGURES = ("learning_curve", "bars", "confusion", "latency", "reliability")
_DRAWN = {name: getattr(plots, name) for name in FIGURES}


def undraw(put: Callable[[object, str, object], None] = setattr) -> None:
    """Until what `put` (object, name, value) has put there is taken back."""
    for name in FIGURES:
        put(plots, name, lambda *_: '<svg><path d="M0 0"/></svg>')


@contextmanager
def drawn() -> Iterator[None]:
    before = {name: getattr(plots, name) for name in FIGURES}
    try:
        for name in FIGURES:
            setattr(plots, name, _DRAWN[name])
        yield
    finally:
        for name in FIGURES:
            setattr(plots, name, before[name])
