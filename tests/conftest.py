"""Fixtures for all tests: the repository, real data where it is, and the command line in a process of its own."""

from __future__ import annotations

import gc
import getpass
import os
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from support import warm
from support.called import answer, called, job, kept_logging, refusal  # noqa: F401  fixtures for all folders
from support.kept import drawn, few_calls, kept_configs, kept_operators, left_undrawn  # noqa: F401  the same
from support.network_fixtures import dense_network, golden_folder, make_contract  # noqa: F401  fixtures for all folders
from support.no_fsync import no_fsync  # noqa: F401  the same
from support.sketching import sketched  # noqa: F401  the same
from support.workers import forked, spawned  # noqa: F401  the same

REPO = Path(__file__).resolve().parents[1]
SEED = 0
MEMORY, ENOUGH = Path("/dev/shm"), 8 * 2**30
# One thread a process, here and in all that a test starts: two test workers keep two cores busy, and more threads wait.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests write and remove files by the thousand: in memory, where there is enough, they don't wait for a disk.
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
# Compiled once for all test workers, by one at a time (see models/groove/from_audio.py), and kept beside the user's own.
os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"kmidi_lab-numba-{getpass.getuser()}-tests")
# That compiling takes half as long; what is heard with it takes tenths of a second.
os.environ["NUMBA_OPT"] = "0"

# Imports leave no garbage, and looking for it is a tenth of them.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """What runs tests imports what they need; what hands them out to workers needs none of it, and these wait for it."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    import torch
    from hypothesis import settings

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    # A failure in one place is the same failure everywhere; `--hypothesis-profile=default` looks for new ones.
    settings.register_profile("repeatable", derandomize=True)
    settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """No test's draws depend on which tests ran before it in its worker: `seed_everything` leaves its seed behind."""
    import numpy as np
    import torch

    os.environ.pop("PL_GLOBAL_SEED", None)
    random.seed(SEED)
    np.random.seed(SEED)
    torch.default_generator.manual_seed(SEED)  # `torch.manual_seed` keeps a stack trace of each call for a GPU


def pytest_collection_finish() -> None:
    """Leaves what is imported out of garbage collection, of which a tenth of a second each is torch and Lightning."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def repo() -> Path:
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data, where a checkout has it beside itself; the test skips visibly without it."""
    root = Path(os.environ.get("KMIDI_SHARED", REPO.parent / "shared")) / "data"
    if not root.is_dir():
        pytest.skip(f"needs real data in {root} (set KMIDI_SHARED)")
    return root


Cli = Callable[..., subprocess.CompletedProcess[str]]
START = [sys.executable, "-m", "kmidi_lab"]
"""The command line as a user starts it: seconds of imports. `lab` is the same without them."""


@pytest.fixture(scope="session")
def lab() -> list[str]:
    """What a test types for `python -m kmidi_lab`: it runs at once, in a process that has imported everything.

    One such process serves all test workers, and ends with what started these.
    """
    if sys.platform != "linux":
        return START
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    door = str(Path(tempfile.gettempdir(), f"kmidi-{run or uuid.uuid4().hex}", "door"))
    warm.server(door, os.getppid() if run else os.getpid())
    return warm.command(door)


@pytest.fixture(scope="session")
def lab_env() -> dict[str, str]:
    """The environment without what would lead the lab to data, models or services of whoever runs the tests."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("KMIDI_", "WANDB_", "RTNEURAL_", "HF_"))}
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        own.pop(key, None)
    return own | {"OMP_NUM_THREADS": "1"}


@pytest.fixture
def cli(tmp_path: Path, lab: list[str], lab_env: dict[str, str]) -> Cli:
    """Runs the command line in `tmp_path`, with no data root and its own outputs."""

    def run(*arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None, timeout: float = 600):
        return subprocess.run(
            [*lab, *arguments],
            capture_output=True,
            text=True,
            cwd=cwd or tmp_path,
            env=lab_env | (env or {}),
            timeout=timeout,
        )

    return run
