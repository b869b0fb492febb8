"""A pytest plugin: what is made the same way again and again is made once in a test process, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import composing, exporter, undrawn


@pytest.fixture(scope="session", autouse=True)
def kept_operators() -> Iterator[None]:
    """See `exporter`."""
    with pytest.MonkeyPatch.context() as patch:
        exporter.keep_operators(patch.setattr)
        yield


@pytest.fixture(scope="session", autouse=True)
def left_undrawn() -> Iterator[None]:
    """See `undrawn`."""
    with pytest.MonkeyPatch.context() as patch:
        undrawn.undraw(patch.setattr)
        yield


@pytest.fixture
def drawn() -> Iterator[None]:
    """Reports have their figures."""
    with undrawn.drawn():
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_configs() -> Iterator[None]:
    """See `composing`."""
    with pytest.MonkeyPatch.context() as patch:
        composing.keep_composed(patch.setattr)
        yield
