"""Signals: where they are heard, what they end, and what is written down."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from kmidi_lab import go_on, stopping
from kmidi_lab.stopping import Stopped


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_every_signal_that_ends_a_run_is_heard(
    name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(stopping, "_end_children", lambda number: None)  # other tests' processes are children here
    number = getattr(signal, name)
    # Whatever started the tests may have them ignore it, as nohup and background jobs do.
    begun = signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(number, begun))
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as caught, stopping.heard():
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert caught.value.exit_code == 128 + number
    assert caught.value.reason == ("stopped" if name == "SIGINT" else f"stopped by {name}")
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("inside", [stopping.heard, lambda: stopping.recording(print)], ids=["heard", "recording"])
def test_what_a_library_raises_when_a_signal_meets_it_is_the_signal(
    inside: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_received", [])
    with pytest.raises(ZeroDivisionError), inside():
        raise ZeroDivisionError
    with pytest.raises(Stopped), inside():
        stopping._received.append(signal.SIGINT)
        raise AttributeError


def test_what_is_ignored_stays_ignored_as_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping.heard():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.05)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_processes_that_were_started_end_with_this_one() -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    stubborn = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
    ]
    others = {child.pid for child in psutil.Process().children(recursive=True)}  # other tests' processes
    helper = stopping._is_helper
    with subprocess.Popen(sleeper) as one, subprocess.Popen(stubborn, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped), stopping.heard():
            patch.setattr(stopping, "_CHILDREN_S", 0.5)
            patch.setattr(stopping, "_is_helper", lambda child: child.pid in others or helper(child))
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        assert None not in (one.wait(5), other.wait(5))


def _deaf(ready: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ready.set()  # type: ignore[attr-defined]
    time.sleep(60)


def test_workers_that_are_deaf_to_ctrl_c_are_not_waited_for() -> None:
    context = multiprocessing.get_context("fork")
    others = {child.pid for child in psutil.Process().children(recursive=True)}
    helper, ready = stopping._is_helper, context.Event()
    worker = context.Process(target=_deaf, args=(ready,), daemon=True)
    worker.start()
    assert ready.wait(30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiprocessing, "active_children", lambda: [worker])
        patch.setattr(stopping, "_is_helper", lambda child: child.pid in others or helper(child))
        begun = time.monotonic()
        stopping._end_children(signal.SIGINT)
        assert time.monotonic() - begun < stopping._CHILDREN_S / 2
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.slow
def test_a_process_that_is_deep_in_c_code_ends_in_time(tmp_path: Path) -> None:
    """The database counts without asking Python whether a signal has come."""
    code = f"""
import os, signal, sqlite3, threading
from pathlib import Path
from kmidi_lab import stopping
stopping._ALL_S = 0.5
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
with stopping.heard(), stopping.recording(Path({str(tmp_path / "why")!r}).write_text):
    sqlite3.connect(":memory:").execute(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1e12) SELECT count(*) FROM c").fetchall()
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 143
    assert (tmp_path / "why").read_text() == "stopped by SIGTERM"


@pytest.mark.slow
def test_a_job_that_loses_the_exception_says_why_before_it_is_killed(tmp_path: Path) -> None:
    """Python drops what is raised in a destructor: the job would train on until the one that started it kills it."""
    job = f"""
import time
from pathlib import Path
from kmidi_lab import stopping
class Lost:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(60)
stopping.end_with_parent()
with stopping.heard(), stopping.recording(Path({str(tmp_path / "why")!r}).write_text):
    Lost()
    time.sleep(60)
"""
    starter = f"""
import subprocess, sys
from kmidi_lab import stopping
with stopping.heard():
    job = subprocess.Popen([sys.executable, "-c", {job!r}])
    job.wait()
"""
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert (tmp_path / "why").read_text() == "stopped by SIGTERM"


@pytest.mark.slow
def test_a_worker_ends_when_the_one_that_started_it_was_killed() -> None:
    worker = (
        "import time; from kmidi_lab import stopping; stopping.end_with_parent(); print(1, flush=True); time.sleep(60)"
    )
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {worker!r}]); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        told = sorted(int(parent.stdout.readline()) for _ in range(2))  # 1 and the worker's pid, in either order
        child = psutil.Process(told[1])
        parent.kill()
        _, alive = psutil.wait_procs([child], 20)
        assert not alive


def test_nothing_is_changed_outside_the_main_thread() -> None:
    def run() -> None:
        with stopping.heard():
            kept.append(signal.getsignal(signal.SIGTERM))

    kept: list[object] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert kept == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("name", ["run", "a run", "it's", 'say "so"', "$HOME", "a\\b", "é#1"])
def test_the_command_that_goes_on_can_be_copied(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / name
    (folder / "checkpoints").mkdir(parents=True)
    monkeypatch.setenv("DATA_ROOT", f"my {name}")
    monkeypatch.delenv("MODELS_ROOT", raising=False)
    given = [
        "model=harmony",
        "sweep=seeds",
        "seed=2",
        "trainer.resume=old",
        "data.sources=[embedded]",
        "hydra.sweep.dir=x",
    ]
    first = go_on.command(given, folder)
    assert first is not None and shlex.split(first)[-1] == "trainer.resume=old"
    assert go_on.command(["model=harmony"], folder) is None
    (folder / "checkpoints" / "last.ckpt").touch()
    line = go_on.command(given, folder, ["--config-dir", "my conf"])
    assert line is not None and "\n" not in line
    shown = subprocess.run(["bash", "-c", line.replace(sys.executable, f"{sys.executable} -c '{_SHOW}' --", 1)], capture_output=True, text=True)  # fmt: skip
    words = shown.stdout.splitlines()
    assert words[0] == f"my {name}"
    assert words[-6:] == [
        "--config-dir",
        "my conf",
        "model=harmony",
        "seed=2",
        "data.sources=[embedded]",
        f"trainer.resume={folder}",
    ]


_SHOW = 'import os, sys; print(os.environ["DATA_ROOT"], *sys.argv[1:], sep="\\n")'
