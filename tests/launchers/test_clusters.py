"""A sweep by submitit and by Ray on this machine: results, preemption with resume, and a stop that saves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

SMALL = (
    "model=harmony", "data.sources=[embedded]", "hardware=cpu", "trainer.limit_train_batches=2", "trainer.patience=0",
    "trainer.progress=false", "export.enabled=false", "model.module.hidden=[16]", "paths.cache_dir=cache", "sweep.test=all",
)  # fmt: skip
SLURM = ("launcher=slurm", "hydra.launcher.cluster=local")
RAY = ("launcher=ray", "hydra.launcher.at_once=2")


@pytest.fixture(params=["slurm", "ray"])
def launcher(request: pytest.FixtureRequest) -> tuple[str, ...]:
    package = {"slurm": "submitit", "ray": "ray"}[request.param]
    pytest.importorskip(package, reason=f"needs {package}: pip install 'kmidi_lab[{request.param}]'")
    return {"slurm": SLURM, "ray": RAY}[request.param]


def start(folder: Path, lab: list[str], env: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*lab, "-m", *SMALL, *words], cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def losses(folder: Path) -> dict[int, float]:
    runs = [json.loads(path.read_text()) for path in folder.glob("**/run.json")]
    assert all(run["identity"]["status"] == "ok" for run in runs)
    return {run["identity"]["seed"]: run["training"]["val_loss"] for run in runs}


def wait_for_checkpoint(folder: Path, job: subprocess.Popen[str]) -> None:
    while not list(folder.glob("outputs/sweeps/*/0/checkpoints/last.ckpt")):
        assert job.poll() is None, job.communicate()[0]
        time.sleep(0.1)


@pytest.mark.slow
def test_jobs_elsewhere_give_what_jobs_here_give(
    tmp_path: Path, lab: list[str], lab_env: dict[str, str], launcher: tuple[str, ...]
) -> None:
    here = start(tmp_path, lab, lab_env, "seed=1,2", "trainer.max_epochs=2", "paths.output_root=here")
    there = start(tmp_path, lab, lab_env, "seed=1,2", "trainer.max_epochs=2", "paths.output_root=there", *launcher)
    for job in (here, there):
        said, _ = job.communicate(timeout=600)
        assert job.returncode == 0, said
    assert losses(tmp_path / "there") == losses(tmp_path / "here") and len(losses(tmp_path / "here")) == 2


@pytest.mark.slow
def test_a_job_that_is_preempted_is_queued_again_and_comes_to_the_same_end(
    tmp_path: Path, lab: list[str], lab_env: dict[str, str]
) -> None:
    pytest.importorskip("submitit", reason="needs submitit: pip install 'kmidi_lab[slurm]'")
    epochs = "trainer.max_epochs=40"
    job = start(tmp_path, lab, lab_env, "seed=1", epochs, *SLURM)
    wait_for_checkpoint(tmp_path, job)
    [task] = [process for process in psutil.process_iter() if _is_task(process, tmp_path)]
    task.send_signal(signal.SIGUSR2)  # as Slurm does before it takes a node away
    said, _ = job.communicate(timeout=600)
    assert job.returncode == 0, said
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    [log] = (sweep / "submitit").glob("*.out")
    assert "Requeued job" in log.read_text() and "best so far: val/loss" in (sweep / "0/cli.log").read_text()
    whole = start(tmp_path, lab, lab_env, "seed=1", epochs, "paths.output_root=whole")
    assert whole.wait(timeout=600) == 0
    assert losses(sweep) == losses(tmp_path / "whole")


@pytest.mark.slow
def test_a_sweep_that_is_stopped_stops_its_jobs_which_save(
    tmp_path: Path, lab: list[str], lab_env: dict[str, str], launcher: tuple[str, ...]
) -> None:
    job = start(tmp_path, lab, lab_env, "seed=1", "trainer.max_epochs=5000", *launcher)
    wait_for_checkpoint(tmp_path, job)
    [own] = [process for process in psutil.process_iter() if _is_job(process, tmp_path)]
    assert os.getpgid(own.pid) == own.pid, "Ray kills its worker's process group before a job in it has saved"
    job.send_signal(signal.SIGTERM)
    said, _ = job.communicate(timeout=120)
    assert job.returncode == 143, said
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    for _ in range(600):  # a job whose parent is gone ends by itself
        told = json.loads((sweep / "0/run.json").read_text())["identity"]
        if told["status"] == "failed":
            break
        time.sleep(0.1)
    assert (told["status"], told["error"]) == ("failed", "stopped by SIGTERM")
    assert "to go on with the whole sweep, type:" in said and "job 0 was stopped; to resume, type:" in said


def _is_job(process: psutil.Process, folder: Path) -> bool:
    """Whether it is the process of the job itself, which works in `folder`."""
    try:
        return "kmidi_lab.launchers.elsewhere" in process.cmdline() and process.cwd() == str(folder)
    except psutil.Error:
        return False


def _is_task(process: psutil.Process, folder: Path) -> bool:
    """Whether it is submitit's own process of a job below `folder`."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "submitit.core._submit" in words and any(word.startswith(str(folder)) for word in words)
