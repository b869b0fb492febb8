"""Worker processes without their start: those of `datamodules.shared.pool` fork from a process that has imported what
they need.

A worker is a new Python for the lab, which imports for seconds to read a file for milliseconds. In the tests a fork
server, one a test process and started with its first worker, stands in; what a worker does and how it may end are the
same. Tests of the pool itself ask for `spawned`.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

_IMPORTED = [
    "datamodules.shared.pool_worker", "datamodules.emotion.espeak", "datamodules.emotion.ravdess",
    "datamodules.emotion_node.made", "datamodules.emotion_node.stretches", "datamodules.groove.fma", "datamodules.instrument.library",
    "datamodules.melody.lakh", "datamodules.dynamics.unscored",
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def forked() -> Iterator[None]:
    """Workers fork."""
    from datamodules.shared import pool

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "multiprocessing", SimpleNamespace(get_context=lambda _: context))
        yield


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers start as they do for a user."""
    from datamodules.shared import pool

    monkeypatch.setattr(pool, "multiprocessing", multiprocessing)
