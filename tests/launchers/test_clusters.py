"""A sweep by submitit and by Ray on this machine: results, preemption with resume, and a stop that saves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
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


TWO = ("seed=1,2", "trainer.max_epochs=12")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, lab: list[str], lab_env: dict[str, str]) -> dict[int, float]:
    """The losses of two jobs that run one after the other in one process of this machine."""
    folder = tmp_path_factory.mktemp("here")
    job = start(folder, lab, lab_env, *TWO)
    said, _ = job.communicate(timeout=600)
    assert job.returncode == 0 and len(losses(folder)) == 2, said
    return losses(folder)


@pytest.mark.slow
def test_jobs_of_slurm_give_what_jobs_here_give_and_one_that_is_preempted_is_queued_again(
    tmp_path: Path, lab: list[str], lab_env: dict[str, str], here: dict[int, float]
) -> None:
    pytest.importorskip("submitit", reason="needs submitit: pip install 'kmidi_lab[slurm]'")
    job = start(tmp_path, lab, lab_env, *TWO, *SLURM)
    wait_for_checkpoint(tmp_path, job)
    tasks = [process for process in psutil.process_iter() if _is_task(process, tmp_path)]
    of_first = min(tasks, key=psutil.Process.create_time)
    of_first.send_signal(signal.SIGUSR2)  # as Slurm does before it takes a node away
    said, _ = job.communicate(timeout=600)
    assert job.returncode == 0, said
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    logs = {"Requeued job" in log.read_text() for log in (sweep / "submitit").glob("*.out")}
    assert logs == {True, False} and "best so far: val/loss" in (sweep / "0/cli.log").read_text()
    assert losses(tmp_path) == here


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


@pytest.fixture
def ray_head(tmp_path: Path, lab_env: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a Ray that `ray start --head` has started here, and the environment in which it is to be had."""
    ray = pytest.importorskip("ray", reason="needs ray: pip install 'kmidi_lab[ray]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}
    env = {**lab_env, **token, "RAY_kill_child_processes_on_worker_exit": "false", "RAY_USAGE_STATS_ENABLED": "0"}
    said = tmp_path / "head.txt"
    with tempfile.TemporaryDirectory(
        prefix="r", dir="/tmp", ignore_cleanup_errors=True
    ) as temporary:  # short, for sockets
        words = (
            f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=2", "--include-dashboard=false",
            f"--temp-dir={temporary}", f"--object-store-memory={100 * 2**20}",
        )  # fmt: skip
        with said.open("w") as out:
            head = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *words],
                env=env, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        try:
            assert _soon(lambda: "Ray runtime started" in said.read_text() or head.poll() is not None), said.read_text()
            assert head.poll() is None and ray, said.read_text()
            yield f"127.0.0.1:{port}", token
        finally:
            for pid in [head.pid, *(child.pid for child in psutil.Process(head.pid).children(recursive=True))]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            head.wait()


@pytest.mark.slow
def test_a_ray_that_was_started_with_a_token_is_had_as_the_refusal_says_and_gives_what_jobs_here_give(
    tmp_path: Path,
    lab: list[str],
    lab_env: dict[str, str],
    ray_head: tuple[str, dict[str, str]],
    here: dict[int, float],
) -> None:
    address, token = ray_head
    words = (*TWO, "launcher=ray", f"hydra.launcher.address={address}")
    without = start(tmp_path, lab, lab_env | {"HOME": str(tmp_path)}, *words)
    said, _ = without.communicate(timeout=300)
    assert without.returncode == 2, said
    assert (
        f"error: hydra.launcher.address={address}: " in said and "type RAY_AUTH_MODE=token before the command" in said
    )
    job = start(tmp_path, lab, lab_env | token, *words)
    said, _ = job.communicate(timeout=300)
    assert job.returncode == 0, said
    assert losses(tmp_path) == here


def _soon(happens: Callable[[], bool], tries: int = 1200) -> bool:
    """Whether it happens within tenths of a second."""
    for _ in range(tries):
        if happens():
            return True
        time.sleep(0.1)
    return False


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
