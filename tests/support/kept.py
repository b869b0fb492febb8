"""A pytest plugin: what is made the same way again and again is made once in a test process, on less, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

# What a fixture puts in place is imported by it: the process that hands out the tests runs none, and needs no torch.


@pytest.fixture(scope="session", autouse=True)
def kept_operators() -> Iterator[None]:
    """See `exporter`."""
    from support import exporter

    with pytest.MonkeyPatch.context() as patch:
        exporter.keep_operators(patch.setattr)
        yield


@pytest.fixture(scope="session", autouse=True)
def few_calls() -> Iterator[None]:
    """See `few_calls`."""
    from support import few_calls

    with pytest.MonkeyPatch.context() as patch:
        few_calls.shorten(patch.setattr)
        yield


@pytest.fixture(scope="session", autouse=True)
def left_undrawn() -> Iterator[None]:
    """See `undrawn`."""
    from support import undrawn

    with pytest.MonkeyPatch.context() as patch:
        undrawn.undraw(patch.setattr)
        yield


@pytest.fixture
def drawn() -> Iterator[None]:
    """Reports have their figures."""
    from support import undrawn

    with undrawn.drawn():
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_configs() -> Iterator[None]:
    """See `composing`."""
    from support import composing

    with pytest.MonkeyPatch.context() as patch:
        composing.keep_composed(patch.setattr)
        yield
