"""Forked workers: order, number at a time, a job that dies; the same figures as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import ready
from kmidi_lab.launchers import workers
from kmidi_lab.launchers.jobs import Jobs

linux = pytest.mark.skipif(sys.platform != "linux", reason="forks, which works on Linux alone")


class Writers(Jobs):
    """Jobs that note when they began and ended; the overrides say what else they do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, words: Any, first: int, how: str) -> None:
        self.how = how

    def config_of(self, words: Any, number: int) -> DictConfig:
        job = {"overrides": {"task": list(words)}, "job": {"num": number}}
        return OmegaConf.create({"task": "info", "export": {"enabled": False}, "hydra": job})

    def run(self, config: DictConfig) -> JobReturn:
        number, [what] = config.hydra.job.num, config.hydra.overrides.task
        began = time.monotonic()
        if what == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "exits":
            os._exit(143)
        self.meet(number)
        (self.folder / str(number)).write_text(f"{began} {time.monotonic()}")
        return JobReturn(status=JobStatus.COMPLETED, _return_value=float(number))

    def meet(self, number: int) -> None:
        """Ends when another job has begun: the first one would wait in vain if they ran one after another."""
        (self.folder / f"{number}.begun").touch()
        for _ in range(600):
            if len(list(self.folder.glob("*.begun"))) > 1:
                return
            time.sleep(0.05)
        raise AssertionError("no other job has begun")

    def most_at_a_time(self) -> int:
        times = [[float(t) for t in path.read_text().split()] for path in self.folder.glob("*[0-9]")]
        return max(sum(began <= now < ended for began, ended in times) for now, _ in times)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in workers._THREADS:
        monkeypatch.setenv(name, "1")


@pytest.mark.slow
@linux
def test_results_come_in_order_and_no_more_jobs_run_at_a_time_than_asked(tmp_path: Path) -> None:
    ended = workers.launch(Writers(tmp_path), [["meets"]] * 5, 7, 2)
    assert [job.return_value for job in ended] == [7.0, 8.0, 9.0, 10.0, 11.0]
    assert Writers(tmp_path).most_at_a_time() <= 2


@pytest.mark.slow
@linux
def test_a_job_that_dies_takes_no_other_with_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ended = workers.launch(Writers(tmp_path), [["meets"], ["dies"], ["exits"], ["meets"]], 0, 2)
    assert [job.return_value for job in ended] == [0.0, None, None, 3.0]
    assert "job 1: its process was ended by SIGKILL; the others go on" in caplog.text
    assert "job 2: its process was ended by SIGTERM; the others go on" in caplog.text


@pytest.mark.parametrize(("cores", "n_jobs", "threads"), [(8, 2, 4), (2, 2, 1), (2, 3, 1)])
def test_jobs_share_the_cores(monkeypatch: pytest.MonkeyPatch, cores: int, n_jobs: int, threads: int) -> None:
    monkeypatch.setattr(workers, "usable_cores", lambda: cores)
    for name in workers._THREADS:
        monkeypatch.delenv(name)
    assert workers._share_cores(n_jobs) == threads
    assert {os.environ[name] for name in workers._THREADS} == {str(threads)}


def test_threads_that_the_user_has_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert workers._share_cores(2) == 3


def test_data_are_read_before_where_two_jobs_in_a_row_have_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named:
        def config_of(self, words: list[str], number: int) -> DictConfig:
            return OmegaConf.create({"task": words[0], "data": words[1], "number": number})

    read: list[int] = []
    monkeypatch.setattr(ready, "key_of", lambda cfg: cfg.data)
    monkeypatch.setattr(ready, "read", lambda cfg: read.append(cfg.number))
    monkeypatch.setattr(workers, "_import_for", lambda cfg: None)
    words = [["train", data] for data in "aabcc"] + [["info", "c"], ["info", "c"]]
    numbers = [(place, cfg.number) for place, cfg in workers._with_data(Named(), words, 5)]  # type: ignore[arg-type]
    assert numbers == list(zip(range(7), range(5, 12), strict=True))
    assert read == [5, 8, 9], "job 9 and the one behind it have the same data; those that don't train need none"


def test_elsewhere_it_is_refused_in_one_line(called: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    done = called("-m", "model=harmony", "seed=1,2", "launcher=workers")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].endswith("on Linux alone; type launcher=joblib")


SMALL = (
    "model=harmony", "data.sources=[embedded]", "hardware=cpu", "trainer.max_epochs=2", "trainer.limit_train_batches=2",
    "trainer.progress=false", "export.enabled=false", "model.module.hidden=[16]", "paths.cache_dir=cache",
)  # fmt: skip


def figures(run: Path) -> tuple[float, object]:
    record = json.loads(run.read_text())
    return record["training"]["val_loss"], record["scores"]["metrics"]


@linux
@pytest.mark.slow
def test_jobs_give_what_processes_of_their_own_give_also_when_one_was_killed(
    tmp_path: Path, lab: list[str], lab_env: dict[str, str]
) -> None:
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        env = lab_env | {"PYTHONPATH": paths}
        return subprocess.run(
            [*lab, *words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False
        )

    for seed in (1, 2, 3):
        assert run(*SMALL, f"seed={seed}", "paths.output_root=alone").returncode == 0
    alone = {
        json.loads(path.read_text())["identity"]["seed"]: figures(path) for path in tmp_path.glob("alone/**/run.json")
    }
    killed = run(
        "-m", *SMALL, "seed=1,2,3", "launcher=workers", "paths.output_root=forked",
        "+callbacks.death._target_=support.deaths.OfTheSecondJob", "trusted=[support]",
    )  # fmt: skip
    [sweep] = (tmp_path / "forked/sweeps").iterdir()
    assert killed.returncode == 1 and "job 1: its process was ended by SIGKILL; the others go on" in killed.stdout
    assert figures(sweep / "0/run.json") == alone[1] and figures(sweep / "2/run.json") == alone[3]
    again = run("-m", f"sweep.resume={sweep}", "trusted=[support]")
    assert again.returncode == 0, again.stdout + again.stderr
    assert figures(sweep / "1/run.json") == alone[2]
