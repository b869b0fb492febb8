"""Many processes publish into one folder at once: every entry is there, and every history is complete."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
from test_registry import check, put

from kmidi_lab.contracts import CONTRACTS, HARMONY
from kmidi_lab.errors import RegistryError
from kmidi_lab.registry import lock
from kmidi_lab.registry.history import rollback
from kmidi_lab.registry.registry import load_registry

MARKS = "abcd"


def at_once(jobs: list[Callable[[], object]]) -> None:
    """Each in its own process, released together."""
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(len(jobs))

    def start(job: Callable[[], object]) -> None:
        barrier.wait(60)
        job()

    # Daemons: one that hangs ends with the test run and does not hold it up.
    processes = [fork.Process(target=start, args=(job,), daemon=True) for job in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(jobs)


@pytest.mark.slow
def test_every_model_published_four_times_at_once(tmp_path: Path) -> None:
    at_once([lambda c=c, m=m: put(tmp_path, m, contract=c) for m in MARKS for c in CONTRACTS.values()])
    check(tmp_path)
    entries = load_registry(tmp_path)["models"]
    assert {e["id"] for e in entries} == {c.id for c in CONTRACTS.values()}
    for entry in entries:
        runs = [entry["training"]["run_id"], *(line["run_id"] for line in entry["history"])]
        assert sorted(runs) == [f"run-{mark}" for mark in MARKS]
        assert all(line["kept"] for line in entry["history"])


def test_publishing_rolling_back_and_reading_at_once(tmp_path: Path) -> None:
    put(tmp_path, "0")
    put(tmp_path, "1")

    def read() -> None:
        for _ in range(50):
            [entry] = load_registry(tmp_path)["models"]
            assert entry["id"] == HARMONY.id

    changes = [lambda m=m: put(tmp_path, m) for m in MARKS]
    at_once([*changes, lambda: rollback(tmp_path, HARMONY.id, None, "why"), read, read])
    check(tmp_path)
    [entry] = load_registry(tmp_path)["models"]
    assert len(entry["history"]) == 1 + len(MARKS) + 1
    assert sum(line["replaced_because"] == "rolled back: why" for line in entry["history"]) == 1


def test_a_lock_that_is_held_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_LOCK_TIMEOUT_S", 0.1)
    with lock.locked(tmp_path), pytest.raises(RegistryError, match=r"another process holds registry\.json\.lock"):
        put(tmp_path)
