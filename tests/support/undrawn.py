"""A report's figures without their drawing, which takes a second a report."""

from __future__ import annotations

import pytest

FIGURES = ("learning_curve", "bars", "confusion", "latency", "reliability")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    from kmidi_lab.report import plots

    for name in FIGURES:
        monkeypatch.setattr(plots, name, lambda *_: '<svg><path d="M0 0"/></svg>')
