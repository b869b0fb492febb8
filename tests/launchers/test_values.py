"""What is typed for Slurm and Ray: what is meant is read, all else is one line before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from kmidi_lab import config
from kmidi_lab.errors import ConfigError
from kmidi_lab.launchers import values


@pytest.mark.parametrize(
    ("time", "minutes"),
    [
        (90, 90), ("90", 90), ("90:30", 91), ("12:00:00", 720), ("0:00:10", 1), ("2-12", 3600), ("2-12:30", 3630),
        ("1-00:00:01", 1441),
    ],
)  # fmt: skip
def test_a_time_is_read_as_slurm_reads_it(time: object, minutes: int) -> None:
    assert values.minutes(time) == minutes


@pytest.mark.parametrize(
    "time", ["abc", "", "0", 0, "-5", "1:2:3:4", "12h", "1-", 1.5, True, None, "366-0", "9" * 40, "٣"]
)
def test_what_is_no_time_is_refused(time: object) -> None:
    with pytest.raises(ConfigError, match="type minutes, hours as 12:00:00, or days as 2-12:00:00") as refused:
        values.minutes(time)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (None, None), ("auto", None), ("10.0.0.1:6379", ("10.0.0.1", 6379)), ("ray://head:10001", ("head", 10001)),
        ("[::1]:6379", ("::1", 6379)),
    ],
)  # fmt: skip
def test_an_address_is_read(address: str | None, place: tuple[str, int] | None) -> None:
    assert values.endpoint(address) == place


@pytest.mark.parametrize("address", ["", "head", "head:", ":6379", "head:99999", "head:0", "http://head:1", "a b:1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="type host:port"):
        values.endpoint(address)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("launcher=slurm hydra.launcher.time=abc", "hydra.launcher.time='abc' is no time"),
        ("launcher=slurm hydra.launcher.partition='gpu;rm'", "hydra.launcher.partition='gpu;rm' is no name"),
        ("launcher=slurm hydra.launcher.account='-x'", "hydra.launcher.account='-x' is no name"),
        ("launcher=slurm hydra.launcher.gpus=-1", "hydra.launcher.gpus=-1 must be 0 to 64"),
        ("launcher=slurm hydra.launcher.gpus=two", "hydra.launcher.gpus='two' must be of type int"),
        ("launcher=slurm hydra.launcher.cluster=lokal", "Did you mean 'local'"),
        ("launcher=slurm hydra.launcher.partiton=gpu", "partiton"),
        ("launcher=ray hydra.launcher.address=nowhere", "hydra.launcher.address='nowhere' is no address"),
        ("launcher=ray hydra.launcher.cpus=0", "hydra.launcher.cpus=0 must be 1 to 1024"),
        ("launcher=ray hydra.launcher.at_once=0", "hydra.launcher.at_once=0 must be"),
    ],
)
def test_a_wrong_value_is_one_line(words: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.check(["model=harmony", "seed=1,2", *words.split()], True)
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.slow
def test_a_machine_without_slurm_says_so(called: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit", reason="needs submitit: pip install 'kmidi_lab[slurm]'")
    monkeypatch.setattr("shutil.which", lambda name: None)
    done = called("-m", "task=info", "seed=1,2", "launcher=slurm")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "there is no sbatch here" in done.stderr and "hydra.launcher.cluster=local" in done.stderr


@pytest.mark.slow
def test_an_address_of_nobody_is_one_line_and_not_minutes(called: Callable[..., Any]) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'kmidi_lab[ray]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    done = called("-m", "task=info", "seed=1,2", "launcher=ray", f"hydra.launcher.address={address}")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"hydra.launcher.address={address}: nobody answers there" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("package", ["submitit", "ray"])
def test_a_package_that_is_missing_is_named(
    called: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    launcher = {"submitit": "slurm", "ray": "ray"}[package]
    done = called("-m", "task=info", "seed=1,2", f"launcher={launcher}")
    assert done.returncode == 2 and f"pip install 'kmidi_lab[{launcher}]'" in done.stderr
