"""Ctrl-C and SIGTERM at any stage: one line, exit code 130 or 143, the run is recorded as stopped and says how to go
on.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
import torch
from support import ctrl_c, warm

COLD = (sys.executable, "-m", "kmidi_lab")
SMALL = (
    "model=harmony", "data.sources=[embedded]", "model.module.hidden=[16]", "trainer.limit_train_batches=2",
    "trainer.patience=0", "export.enabled=false",
)  # fmt: skip
_WAIT_S = 40.0
_PATIENT = f"""
import sys
from kmidi_lab import stopping
stopping._CHILDREN_S, stopping._ALL_S = {_WAIT_S}, {_WAIT_S + 10}
from kmidi_lab.__main__ import main
sys.exit(main())
"""
"""It waits longer for what it has started: that a process waits is told from a busy machine's slowness."""


def start(folder: Path, *arguments: str, lab: Sequence[str] = COLD) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*lab, *arguments, "hardware=cpu", "trainer.progress=false", "logger.wandb=false"],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=ctrl_c.heard,
    )  # fmt: skip


def stop(job: subprocess.Popen[str], number: int = signal.SIGINT) -> str:
    """Ctrl-C as a terminal sends it: to the process and all its children; another signal to the process alone.

    Returns what is said from then on.
    """
    family = [psutil.Process(job.pid), *psutil.Process(job.pid).children(recursive=True)]
    for process in family if number == signal.SIGINT else family[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):  # ended by its parent meanwhile
            process.send_signal(number)
    said, _ = job.communicate(timeout=60)
    assert job.returncode == 128 + number, said
    assert not psutil.wait_procs(family[1:], timeout=30)[1]
    return said


def wait_for(job: subprocess.Popen[str], text: str) -> None:
    assert job.stdout is not None
    for line in job.stdout:
        if text in line:
            return
    pytest.fail(f"ended before it said {text!r}")


@pytest.mark.slow
@pytest.mark.parametrize(("after", "number"), [(1, signal.SIGINT), (4, signal.SIGTERM)])
def test_stopped_while_workers_start_or_prepare_data(tmp_path: Path, lab: list[str], after: float, number: int) -> None:
    """In 0.5 s where nothing else runs; workers that are deaf to Ctrl-C are not waited for."""
    with start(tmp_path, "model=emotion_node", lab=warm.program(lab, _PATIENT)) as job:
        wait_for(job, "preparing emotion nodes")
        time.sleep(after)
        begun = time.monotonic()
        again, last = stop(job, number).splitlines()
        assert time.monotonic() - begun < _WAIT_S / 2
        assert "to begin again, type: " in again and again.endswith("logger.wandb=false") and last == "stopped"
    [record] = tmp_path.rglob("run.json")
    told = json.loads(record.read_text())["identity"]
    why = "stopped" if number == signal.SIGINT else "stopped by SIGTERM"
    assert (told["status"], told["error"]) == ("failed", why)
    assert not [p for p in tmp_path.rglob("*") if p.suffix == ".prepared" or p.name == "registry.json"]


@pytest.mark.slow
def test_stopped_while_it_trains_it_says_how_to_go_on(tmp_path: Path, lab: list[str]) -> None:
    with start(tmp_path, *SMALL, "trainer.max_epochs=5000", lab=lab) as job:
        wait_for(job, "training harmony")
        while not list(tmp_path.rglob("last.ckpt")):
            time.sleep(0.1)
        said = stop(job)
    [folder] = (tmp_path / "outputs/runs/harmony").iterdir()
    assert said.splitlines()[-1] == "stopped"
    assert "Traceback" not in said
    [words] = [shlex.split(line.split("to resume, type: ")[1]) for line in said.splitlines() if "to resume" in line]
    assert words[-1] == f"trainer.resume={folder}"
    assert json.loads((folder / "run.json").read_text())["identity"]["error"] == "stopped"
    epochs = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["epoch"] + 1
    words = [f"trainer.max_epochs={epochs}" if word.startswith("trainer.max_epochs=") else word for word in words]
    rest = words[words.index("kmidi_lab") + 1 :]
    done = subprocess.run([*lab, *rest], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"all {epochs} epochs" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "workers"])
def test_a_sweep_ends_its_workers_and_each_job_is_recorded_and_can_go_on(
    tmp_path: Path, lab: list[str], launcher: str
) -> None:
    """A job that is too slow to write down what stopped it is killed, and its sweep does it."""
    words = ("-m", "seed=1,2,3", f"launcher={launcher}", *SMALL, "trainer.max_epochs=5000")
    with start(tmp_path, *words, lab=lab) as job:
        while len(list(tmp_path.rglob("last.ckpt"))) < 2:
            assert job.poll() is None
            time.sleep(0.2)
        began = time.monotonic()
        said = stop(job, signal.SIGTERM)
        assert time.monotonic() - began < 10  # `docker stop` kills then
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    told = [json.loads(path.read_text())["identity"] for path in sorted(sweep.glob("*/run.json"))]
    assert [(t["status"], t["error"]) for t in told] == [("failed", "stopped by SIGTERM")] * 2
    assert f"trainer.resume={sweep / '0'}" in said and f"trainer.resume={sweep / '1'}" in said
    assert [line for line in said.splitlines() if line.startswith("not begun: ") and "seed=3" in line]
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_server_that_is_ended_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with start(tmp_path, "task=serve", f"serve.port={port}") as job:
        wait_for(job, "Ctrl-C ends it")
        assert stop(job, signal.SIGTERM) == "stopped\n"
