"""The command line in the test's own process, for commands that are refused, list or explain: no fork, no start.

`called` is the whole of it. `answer` and `refusal` leave out Hydra's own start, which composes what is typed twice
more.
"""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Puts back where this process logs to: a command logs into its run's folder, which may be gone behind the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def called(tmp_path: Path, lab_env: dict[str, str], capfd: pytest.CaptureFixture[str], kept_logging: None) -> Cli:
    """As `cli`, which see; what the command leaves in the process is put back behind the test."""
    from kmidi_lab.__main__ import main

    def run(*arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(cwd or tmp_path)
            for key in set(os.environ) - set(lab_env):
                patch.delenv(key)
            for key, value in (lab_env | (env or {})).items():
                patch.setenv(key, value)
            patch.setattr("sys.argv", ["-m", *arguments])
            capfd.readouterr()
            try:
                code = main(list(arguments))
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else bool(error.code)
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return run


@pytest.fixture
def job(tmp_path: Path, lab_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Composes and runs one job. Raises what the command line would turn into its line and exit code."""
    from hydra.core.hydra_config import HydraConfig

    from kmidi_lab import command_line, config
    from kmidi_lab.tasks import run_task

    monkeypatch.chdir(tmp_path)
    for key in set(os.environ) - set(lab_env):
        monkeypatch.delenv(key)

    def run(*arguments: str) -> None:
        [cfg] = config.check(command_line.with_model([command_line.quote_free_text(a) for a in arguments]), False)
        monkeypatch.setattr(HydraConfig.instance(), "cfg", cfg)  # as Hydra itself does
        run_task(cfg, {"folder": tmp_path})

    return run


@pytest.fixture
def refusal(job: Callable[..., None]) -> Callable[..., str]:
    """The line that a job is refused with. That it ends with exit code 2 is shown once, by `called`."""
    from kmidi_lab.errors import UserError

    def run(*arguments: str) -> str:
        with pytest.raises(UserError) as caught:
            job(*arguments)
        assert str(caught.value).count("\n") == 0, caught.value
        return str(caught.value)

    return run


@pytest.fixture
def answer(job: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a job prints."""

    def run(*arguments: str) -> str:
        capfd.readouterr()
        job(*arguments)
        return capfd.readouterr().out

    return run
