"""Publishing, promoting, demoting and rolling back killed at each step, and a recovery killed at each of its own.

The victim is a forked process with an audit hook (PEP 578) that counts what Python does to the file system, whatever
function it goes through, and kills the process with SIGKILL right before the n-th of these.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.validated import validated_once  # noqa: F401  a fixture of all tests here
from test_registry import check, made

from kmidi_lab.contracts import GROOVE, HARMONY, Contract
from kmidi_lab.errors import RegistryError
from kmidi_lab.registry import versions
from kmidi_lab.registry.history import demote, promote, rollback
from kmidi_lab.registry.registry import load_registry, publish, published_entry
from kmidi_lab.registry.versions import kept_versions

pytestmark = pytest.mark.slow
_STEPS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"}


def put(root: Path, mark: str, *, contract: Contract = HARMONY, header: bool = False) -> None:
    publish(root, *made(mark, contract, True, header))


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Runs `work` in a child that dies before its `step`-th change; False when it ended before that."""
    child = os.fork()
    if child == 0:
        left = itertools.count(step - 1, -1)

        def watch(event: str, _: object) -> None:
            if event in _STEPS and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(watch)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def every_step(start: Path, root: Path, work: Callable[[], object], stride: int = 1) -> Iterator[int]:
    """Yields after each death, with `root` as the dead process left it; `start` is what it began with."""
    made("new", HARMONY, True, False)  # here, not in each of the processes that die
    for step in itertools.count(1, stride):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(start, root)
        if not killed_at(step, work):
            return
        yield step


def check_unopened(root: Path) -> None:
    """What a reader that knows nothing of journals sees: JSON, and every file there."""
    path = root / "registry.json"
    for entry in json.loads(path.read_text())["models"] if path.exists() else []:
        for name in (entry["file"], entry["exports"]["onnx_path"], *entry["files"]):
            assert (root / name).is_file()


def run_of(root: Path) -> str | None:
    entry = published_entry(root, HARMONY.id)
    return entry and entry["training"]["run_id"]


@pytest.fixture(params=["first publish", "over another"])
def start(request, tmp_path) -> tuple[Path, str | None]:
    """A folder with a neighbour in it, and the harmony run it holds."""
    folder = tmp_path / "start"
    put(folder, "n", contract=GROOVE)
    if request.param == "first publish":
        return folder, None
    put(folder, "old")
    return folder, "run-old"


def test_a_publish_killed_at_any_step(tmp_path, start):
    folder, before = start
    root = tmp_path / "models"
    seen = []
    for _ in every_step(folder, root, lambda: put(root, "new")):
        check_unopened(root)
        seen.append(run_of(root))
        check(root)
        assert published_entry(root, GROOVE.id)["training"]["run_id"] == "run-n"
        # The folder works on: the lock of the dead process is gone, nothing is in the way.
        put(root, "later")
        assert run_of(root) == "run-later"
        check(root)
    assert run_of(root) == "run-new"
    # Old up to the commit, new from there on, and both were seen.
    assert len(seen) > 20
    assert seen == sorted(seen, key=lambda run: run == "run-new")
    assert set(seen) == {before, "run-new"}


def test_publishing_again_right_after_a_death_needs_no_reader_between(tmp_path, start):
    folder, before = start
    root = tmp_path / "models"
    for _ in every_step(folder, root, lambda: put(root, "new"), stride=5):
        committed = (root / ".staging" / "journal.json").exists()
        was = json.loads((root / "registry.json").read_text())["models"]
        put(root, "later")
        check(root)
        done = committed or any(e["training"]["run_id"] == "run-new" for e in was)
        history = [h["run_id"] for h in published_entry(root, HARMONY.id)["history"]]
        assert history == (["run-new"] if done else []) + ([before] if before else [])


def test_what_readers_open_is_never_half_written(tmp_path, start):
    """A kill between two writes can't be timed from here, so: whatever has a final name got it by a rename."""
    folder, _ = start
    child = os.fork()
    if child == 0:
        final = {str(folder / name) for name in ("registry.json", ".staging/journal.json", "harmonypredictor.onnx")}

        def watch(event: str, arguments: tuple) -> None:
            if event == "open" and str(arguments[0]) in final and arguments[2] & (os.O_WRONLY | os.O_RDWR):
                os._exit(1)

        try:
            sys.addaudithook(watch)
            put(folder, "new")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 0
    assert run_of(folder) == "run-new"


def test_a_recovery_killed_at_any_step(tmp_path, start):
    folder, before = start
    cut, root = tmp_path / "cut", tmp_path / "models"
    journal = cut / ".staging" / "journal.json"
    step = next(n for n in every_step(folder, cut, lambda: put(cut, "new")) if journal.exists())
    assert step > 1
    deaths = 0
    for _ in every_step(cut, root, lambda: load_registry(root)):
        deaths += 1
        check_unopened(root)
        assert run_of(root) == "run-new" != before
        check(root)
    assert deaths > 5


def test_a_recovery_that_cannot_write_says_so_and_is_done_later(tmp_path, monkeypatch):
    put(tmp_path / "start", "old")
    root = tmp_path / "models"
    work = every_step(tmp_path / "start", root, lambda: put(root, "new"))
    next(n for n in work if (root / ".staging" / "journal.json").exists())

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RegistryError, match=r"the models wait in .*\.staging .No space left on device."):
        load_registry(root)
    check_unopened(root)
    monkeypatch.undo()
    assert run_of(root) == "run-new"
    check(root)


def test_staged_files_that_someone_deleted_are_named(tmp_path):
    put(tmp_path / "start", "old")
    root = tmp_path / "models"
    work = every_step(tmp_path / "start", root, lambda: put(root, "new"))
    next(n for n in work if (root / ".staging" / "journal.json").exists())
    shutil.rmtree(root / ".staging" / HARMONY.id)
    (root / "harmonypredictor.onnx").unlink()
    with pytest.raises(RegistryError, match=r"harmonypredictor\.\w+. was lost.*delete .*\.staging"):
        load_registry(root)


HEADER = "harmonypredictor_model.h"
MOST_VERSIONS = 2


@pytest.fixture
def full(tmp_path, monkeypatch) -> Path:
    """As many kept versions as there may be; the live one has a header, the one before has none."""
    monkeypatch.setattr(versions, "MOST_VERSIONS", MOST_VERSIONS)
    folder = tmp_path / "start"
    put(folder, "n", contract=GROOVE)
    for n in range(MOST_VERSIONS):
        put(folder, f"v{n}")
    put(folder, "before")
    put(folder, "live", header=True)
    return folder


def states(root: Path, full: Path, work: Callable[[], object], stride: int = 1) -> list[tuple[str, str, int]]:
    """(run, status, lines of history) after each death; whatever is kept can be read, and the folder works on."""
    seen = []
    for _ in every_step(full, root, work, stride):
        check_unopened(root)
        check(root)
        entry = published_entry(root, HARMONY.id)
        assert (root / HEADER).exists() == (entry["training"]["run_id"] == "run-live")
        assert published_entry(root, GROOVE.id)["training"]["run_id"] == "run-n"
        seen.append((entry["training"]["run_id"], entry["status"], len(entry["history"])))
        rollback(root, HARMONY.id, kept_versions(entry)[-1] if len(seen) % 2 else None, "works on")
        check(root)
        folders = {p.name for p in (root / "history" / HARMONY.id).iterdir()}
        assert folders == set(kept_versions(published_entry(root, HARMONY.id)))
    return seen


@pytest.mark.parametrize("change", ["publish", "rollback", "promote", "demote"])
def test_a_change_killed_at_any_step_is_made_or_not(tmp_path, full, change):
    root, lines, before = tmp_path / "models", MOST_VERSIONS + 1, "trained"
    if change == "demote":
        promote(full, HARMONY.id, "why")
        lines, before = lines + 1, "production"
    work, after = {
        "publish": (lambda: put(root, "new"), ("run-new", "trained", lines + 1)),
        "rollback": (lambda: rollback(root, HARMONY.id, None, "why"), ("run-before", "trained", lines + 1)),
        "promote": (lambda: promote(root, HARMONY.id, "why"), ("run-live", "production", lines + 1)),
        "demote": (lambda: demote(root, HARMONY.id, "why"), ("run-live", "trained", lines + 1)),
    }[change]
    seen = states(root, full, work, stride=3)
    assert len(seen) > 6
    assert seen == sorted(seen, key=lambda state: state == after)
    assert set(seen) == {("run-live", before, lines), after}


def test_a_recovery_of_a_rollback_killed_at_any_step(tmp_path, full):
    cut, root = tmp_path / "cut", tmp_path / "models"
    journal = cut / ".staging" / "journal.json"
    next(n for n in every_step(full, cut, lambda: rollback(cut, HARMONY.id, None, "why")) if journal.exists())
    seen = states(root, cut, lambda: load_registry(root))
    assert len(seen) > 5
    assert set(seen) == {("run-before", "trained", MOST_VERSIONS + 2)}
