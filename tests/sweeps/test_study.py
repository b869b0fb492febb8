"""A search by Optuna, with a launcher that scores the words it is given and trains nothing."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig, OmegaConf
from support.sample_run import sample_run

from kmidi_lab import cli, run_file
from kmidi_lab.errors import UserError
from kmidi_lab.report.leaderboard import leaderboard
from kmidi_lab.sweeps import study
from kmidi_lab.sweeps.pruning import Pruning

WORDS = ["model=own", "a=interval(0,4)", "b=choice(x,y)"]


def settings(**more: object) -> DictConfig:
    own = {
        "resume": None, "only": None, "trials": 12, "parallel": 1, "prune": True, "study": "s", "storage": None, "trial": None,
        **more,
    }  # fmt: skip
    return OmegaConf.create({"seed": 1, "model": {"name": "own"}, "a": 3.0, "b": "y", "sweep": own})


class Launcher:
    """Leaves of each job a loss that is least at a=1 and b=x; stops the process before the job that `stops` names."""

    def __init__(self, folder: Path, stops: int | None = None, fails: int | None = None) -> None:
        self.folder, self.stops, self.fails, self.asked = folder, stops, fails, list[list[str]]()

    def __call__(self, jobs: list[list[str]], first: int) -> None:
        for words in jobs:
            values = dict(word.split("=", 1) for word in words)
            number = int(values["hydra.sweep.subdir"])
            if number == self.stops:
                raise KeyboardInterrupt
            self.asked.append(words)
            run = sample_run()
            run.training.val_loss = (float(values["a"]) - 1) ** 2 + (values["b"] == "y")
            run.identity.status = "failed" if number == self.fails else "ok"
            if "sweep.test=all" not in words:
                run.scores = None
            run_file.write(run, self.folder / str(number))


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMIDI_RUN_ID", "id")
    monkeypatch.setenv("KMIDI_COMMAND", shlex.join(["python", "-m", "kmidi_lab", "-m", "sweep=optuna"]))


def trials(folder: Path, storage: str | None = None) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="s", storage=storage or f"sqlite:///{folder}/study.db").trials


@pytest.mark.slow
def test_it_begins_with_the_settings_as_they_are_and_tests_the_best(tmp_path: Path) -> None:
    launch = Launcher(tmp_path)
    study.search(tmp_path, WORDS, settings(), launch)
    assert len(launch.asked) == 13
    assert launch.asked[0][:3] == ["model=own", f"sweep.storage='sqlite:///{tmp_path}/study.db'", "a=3"]
    done = trials(tmp_path)
    best = min(done, key=lambda t: t.value)
    assert best.value < 4 / 10 * done[0].value
    assert "sweep.test=all" in launch.asked[-1] and launch.asked[-1][-1] == f"hydra.sweep.subdir={best.number}"
    assert [path.name for path in sorted(tmp_path.glob("*.png"))] == ["importance.png", "parallel.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))


@pytest.mark.slow
def test_a_search_that_was_stopped_goes_on_with_the_trial_that_was_cut_off(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        study.search(tmp_path, WORDS, settings(), Launcher(tmp_path, stops=4))
    cut = trials(tmp_path)[4]
    launch = Launcher(tmp_path)
    study.search(tmp_path, WORDS, settings(resume=str(tmp_path), trials=6), launch)
    numbers = [int(words[-1].rpartition("=")[2]) for words in launch.asked]
    assert numbers[:2] == [4, 5] and len(numbers) in (2, 3)
    done = trials(tmp_path)
    assert len(done) == 6 and all(t.value is not None for t in done)
    assert done[4].params == cut.params
    assert len({json.dumps(t.params) for t in done}) == 6


@pytest.mark.slow
def test_a_trial_that_fails_is_none_to_choose(tmp_path: Path) -> None:
    study.search(tmp_path, WORDS, settings(trials=3), Launcher(tmp_path, fails=1))
    assert [t.state.name for t in trials(tmp_path)] == ["COMPLETE", "FAIL", "COMPLETE"]
    own = tmp_path / "all"
    study.search(own, WORDS, settings(trials=1), Launcher(own, fails=0))
    assert [t.state.name for t in trials(own)] == ["FAIL"]


@pytest.mark.slow
def test_two_folders_share_a_study_by_its_name_and_database(tmp_path: Path) -> None:
    shared = f"sqlite:///{tmp_path}/shared.db"
    one, other = Launcher(tmp_path / "one"), Launcher(tmp_path / "other")
    study.search(tmp_path / "one", WORDS, settings(trials=3, storage=shared), one)
    study.search(tmp_path / "other", WORDS, settings(trials=5, storage=shared, parallel=2), other)
    assert len(trials(tmp_path, shared)) == 5
    assert [w[-1] for w in other.asked[:2]] == ["hydra.sweep.subdir=3", "hydra.sweep.subdir=4"]


class Worse(Launcher):
    """Another machine, whose trials are all worse."""

    def __call__(self, jobs: list[list[str]], first: int) -> None:
        super().__call__(jobs, first)
        for number in (dict(word.split("=", 1) for word in words)["hydra.sweep.subdir"] for words in jobs):
            run = run_file.read(self.folder / number / run_file.FILE)
            run.training.val_loss += 100
            run_file.write(run, self.folder / number)


@pytest.mark.slow
def test_the_best_of_a_shared_study_is_told_where_it_lies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, late = (tmp_path / name for name in ("one", "other", "late"))
    shared = f"sqlite:///{tmp_path}/shared.db"
    study.search(one, WORDS, settings(trials=2, storage=shared), Launcher(one))
    study.search(other, WORDS, settings(trials=4, storage=shared), Worse(other))
    best = min(trials(one, shared)[:2], key=lambda trial: trial.value)
    said = f"trial {best.number}, val/loss {best.value:.4f}, in {one}"
    assert "elsewhere" not in leaderboard(one)[0]
    table = leaderboard(other)[0]
    assert f" The study's best is elsewhere: {said}." in table and "Chosen" not in table
    launch = Launcher(late)
    study.search(late, WORDS, settings(trials=4, storage=shared), launch)
    assert not launch.asked and cli._finish_sweep(late, "validation") == 0
    assert capsys.readouterr().out.startswith(
        f"the study has all its trials, so none was run here; its best is {said};"
    )


def test_a_driver_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UserError, match=r"driver of this database is not .* pip install 'kmidi_lab\[postgres\]'"):
        study.open_study(tmp_path, settings(storage="postgresql://127.0.0.1:9/x"))


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that is started for the test, by a user that is not root, as it asks for."""
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'kmidi_lab[postgres]'")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    initdb = shutil.which("initdb", path=":".join(map(str, [*found, os.environ["PATH"]])))
    if initdb is None:
        pytest.skip("needs a PostgreSQL server: initdb in PATH or /usr/lib/postgresql")
    root = os.geteuid() == 0
    if root and "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("needs a user postgres: PostgreSQL does not run as root")
    user = "postgres" if root else None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        more: dict[str, Any] = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([initdb, "-D", data, "-U", "own", "-A", "trust", "--no-sync"], check=True, **more)
        listening = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        server = subprocess.Popen([f"{Path(initdb).parent}/postgres", "-D", data, "-p", str(port), *listening], **more)
        try:
            for _ in range(600):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert server.poll() is None
                time.sleep(0.1)
            yield f"postgresql://own@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # as `pg_ctl stop -m fast`
            server.wait()


@pytest.mark.slow
def test_two_folders_share_a_study_in_postgresql(tmp_path: Path, postgres: str) -> None:
    one, other = Launcher(tmp_path / "one"), Launcher(tmp_path / "other")
    study.search(tmp_path / "one", WORDS, settings(trials=3, storage=postgres), one)
    study.search(tmp_path / "other", WORDS, settings(trials=5, storage=postgres), other)
    done = trials(tmp_path, postgres)
    assert [t.user_attrs["folder"] for t in done] == [str(tmp_path / "one")] * 3 + [str(tmp_path / "other")] * 2
    assert all(t.value is not None for t in done)
    assert "own@127.0.0.1" in one.asked[0][1]  # what a job that prunes opens


@pytest.mark.slow
def test_a_study_goes_on_only_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shared = f"sqlite:///{tmp_path}/shared.db"

    def search(name: str, words: list[str] = WORDS, **more: object) -> None:
        cfg = settings(trials=2, storage=shared)
        cfg.merge_with(OmegaConf.from_dotlist([f"{key}={value}" for key, value in more.items()]))
        study.search(tmp_path / name, words, cfg, Launcher(tmp_path / name))

    search("one")
    for more, said in (
        ({"model.name": "other", "seed": 2}, "begun with model.name=own, which is other now"),
        ({"seed": 2}, "begun with seed=1, which is 2 now"),
        ({"c": "new"}, "begun with c=None, which is new now"),
    ):
        with pytest.raises(UserError, match=said) as caught:
            search("two", **more)
        assert "sweep.study=s2" in str(caught.value) and "\n" not in str(caught.value)
    for words, said in (
        ([*WORDS[:2], "b=choice(x,y,z)"], r"choice\(x,y\) for b, which has choice\(x,y,z\) now"),
        (["model=own", "a=interval(0,5)", WORDS[2]], "0 to 4 for a, which has 0 to 5 now"),
        (WORDS[:2], r"choice\(x,y\) for b, which has no range now"),
        ([*WORDS, "d=choice(1,2)"], r"no range for d, which has choice\(1,2\) now"),
    ):
        with pytest.raises(UserError, match=said):
            search("two", words)
    assert len(trials(tmp_path, shared)) == 2
    # What is searched, where it lies and how it is run may differ.
    search(
        "two",
        a=2.0,
        launcher="joblib",
        **{"paths.data_root": "elsewhere", "hardware.accelerator": "cuda", "sweep.trials": 3},
    )
    assert len(trials(tmp_path, shared)) == 3

    old = optuna.create_study(storage=shared, study_name="old")
    old.tell(old.ask(), 1.0)
    search("three", **{"sweep.study": "old"})
    assert "was begun by an earlier kmidi_lab" in caplog.text


def test_a_database_that_cant_be_opened_is_one_line(tmp_path: Path) -> None:
    for url in ("nonsense", f"sqlite:///{tmp_path}/no/folder/x.db"):
        with pytest.raises(UserError, match="can't be opened") as caught:
            study.open_study(tmp_path, settings(storage=url))
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_trial_that_is_worse_than_the_median_ends_early(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    own = study.open_study(tmp_path, settings(storage=url))
    for _ in range(6):
        trial = own.ask()
        for epoch in range(8):
            trial.report(1.0, epoch)
        own.tell(trial, 1.0)
    good, bad = own.ask().number, own.ask().number
    assert epochs_of(good, url, 0.5) == 8
    assert epochs_of(bad, url, 2.0) == 4
    assert own.trials[bad].user_attrs == {study.PRUNED: True} and not own.trials[good].user_attrs
    assert list(own.trials[bad].intermediate_values) == [0, 1, 2, 3]


def epochs_of(number: int, url: str, loss: float) -> int:
    callback = Pruning(settings(storage=url, trial=number))
    trainer: Any = SimpleNamespace(
        callback_metrics={"val/loss": loss},
        current_epoch=0,
        sanity_checking=False,
        is_global_zero=True,
        should_stop=False,
    )
    while not trainer.should_stop and trainer.current_epoch < 8:
        callback.on_validation_end(trainer, None)  # type: ignore[arg-type]
        trainer.current_epoch += 1
    return int(trainer.current_epoch)


@pytest.mark.slow
def test_a_search_by_the_command_line(tmp_path: Path, lab: list[str], lab_env: dict[str, str], cli: Any) -> None:
    words = [
        "-m", "sweep=optuna", "sweep.trials=3", "sweep.only=[model.module.dropout,model.module.learning_rate]", "model=harmony",
        "data.sources=[embedded]", "hardware=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=2",
        "trainer.progress=false", "export.enabled=false",
    ]  # fmt: skip
    done = cli(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "outputs/sweeps").iterdir()
    records = {n: run_file.read(folder / str(n) / "run.json") for n in range(3)}
    best = min(records, key=lambda n: records[n].objective.value)
    assert [n for n, record in records.items() if record.scores] == [best]
    assert f"Chosen by validation: job {best}." in done.stdout
    again = cli("-m", f"sweep.resume={folder}", "sweep.trials=4")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "4 of 4 jobs ok" in again.stdout
