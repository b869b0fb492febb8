"""Ctrl-C at any stage: one line, exit code 130, the run is recorded as stopped and says how to go on."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support import ctrl_c


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kmidi_lab", *arguments, "hardware=cpu", "trainer.progress=false", "logger.wandb=false"],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=ctrl_c.heard,
    )  # fmt: skip


def stop(job: subprocess.Popen[str]) -> str:
    """Ctrl-C as a terminal sends it: to the process and all its children. Returns what is said from then on."""
    family = [psutil.Process(job.pid), *psutil.Process(job.pid).children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # ended by its parent meanwhile
            process.send_signal(signal.SIGINT)
    said, _ = job.communicate(timeout=60)
    assert job.returncode == 130, said
    assert not psutil.wait_procs(family[1:], timeout=30)[1]
    return said


def wait_for(job: subprocess.Popen[str], text: str) -> None:
    assert job.stdout is not None
    for line in job.stdout:
        if text in line:
            return
    pytest.fail(f"ended before it said {text!r}")


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 8])
def test_stopped_while_workers_start_or_prepare_data(tmp_path: Path, after: float) -> None:
    with start(tmp_path, "model=emotion_node") as job:
        wait_for(job, "preparing emotion nodes")
        time.sleep(after)
        assert stop(job).strip() == "stopped"
    [record] = tmp_path.rglob("run.json")
    told = json.loads(record.read_text())["identity"]
    assert (told["status"], told["error"]) == ("failed", "stopped")
    assert not [p for p in tmp_path.rglob("*") if p.suffix == ".prepared" or p.name == "registry.json"]


@pytest.mark.slow
def test_stopped_while_it_trains_it_says_how_to_go_on(tmp_path: Path) -> None:
    small = ["model=harmony", "data.sources=[embedded]", "export.enabled=false", "trainer.patience=0"]
    with start(tmp_path, *small, "trainer.max_epochs=5000") as job:
        wait_for(job, "training harmony")
        while not list(tmp_path.rglob("last.ckpt")):
            time.sleep(0.1)
        said = stop(job)
    [folder] = (tmp_path / "outputs/runs/harmony").iterdir()
    assert said.splitlines()[-1] == "stopped"
    assert f"trainer.resume={folder}" in said
    assert "Traceback" not in said
    assert json.loads((folder / "run.json").read_text())["identity"]["error"] == "stopped"
