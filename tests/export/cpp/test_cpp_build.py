"""`runner/` configures and builds, with RTNeural where RTNEURAL_INCLUDE names its sources, and its programs answer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kmidi_lab.export.cpp.__main__ import main
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.runner import run_rtneural

pytestmark = pytest.mark.slow
MODELS = ("dynamicsengine", "groovepredictor")
Build = Callable[..., Path]


@pytest.fixture(scope="module")
def build(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Configures `runner/` with some options and builds targets; gives the folder with the programs."""
    if shutil.which("cmake") is None or shutil.which(os.environ.get("CXX", "c++")) is None:
        pytest.skip("needs cmake and a C++17 compiler")

    def make(*options: str, targets: tuple[str, ...]) -> Path:
        folder = tmp_path_factory.mktemp("build")
        fast = ["-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1 -Werror", "-DKMIDI_NATIVE=OFF"]
        for command in (
            ["cmake", "-S", str(repo / "runner"), "-B", str(folder), *fast, *options],
            ["cmake", "--build", str(folder), "--target", *targets],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return make


@pytest.fixture(scope="module")
def programs(build: Build) -> Path:
    return build(targets=("kmidi_bench", "kmidi_host"))


@pytest.fixture
def models(repo: Path, tmp_path: Path) -> Path:
    for name in MODELS:
        main([str(repo / f"outputs/release/{name}.json"), str(tmp_path)])
    shutil.copytree(repo / "outputs/release/golden", tmp_path / "golden")
    return tmp_path


def run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def test_the_benchmark_checks_and_times(programs, models):
    done = run(programs / "kmidi_bench", models, 200, 1)
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("| ") and "us" not in line]
    assert [row[0].strip() for row in rows] == [*MODELS] and "OK: every golden error" in done.stdout
    for row in rows:
        error, *_, ratio, busy, _, _ = map(float, row[2:])
        assert error < 1e-5 and ratio == 1 and busy > 0
    golden = models / "golden/groovepredictor.json"
    golden.write_text(golden.read_text().replace("0.5", "0.6", 40))
    done = run(programs / "kmidi_bench", models, 100)
    assert done.returncode == 1 and "WRONG" in done.stdout


def test_the_host_calls_every_model_in_time(programs, models):
    """A block of 8192 samples, so that a busy machine does not miss it."""
    done = run(programs / "kmidi_host", models, 1, 8192)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dynamicsengine: 9 calls" in done.stdout and "groovepredictor: 1 calls" in done.stdout
    assert "0 blocks took longer than their deadline" in done.stdout


@pytest.mark.parametrize("program", ["kmidi_bench", "kmidi_host"])
def test_what_is_missing_is_said_in_one_line(programs, program, tmp_path):
    for arguments, reason in (((tmp_path,), "has no .kmw files"), ((), "usage: "), ((tmp_path / "no",), "no")):
        done = run(programs / program, *arguments)
        assert done.returncode == 1 and reason in done.stderr and done.stderr.count("\n") == 1


def test_a_wrong_path_is_refused(build, tmp_path):
    with pytest.raises(AssertionError, match=r"must hold RTNeural/RTNeural\.h and modules/Eigen"):
        build(f"-DRTNEURAL_DIR={tmp_path}", targets=("kmidi_runner",))


def test_the_rtneural_runner_speaks_the_protocol(build, repo):
    """With RTNeural's sources: the runner that RTNEURAL_RUNNER names, on a model with residual blocks."""
    sources = os.environ.get("RTNEURAL_INCLUDE")
    if not sources:
        pytest.skip("needs RTNEURAL_INCLUDE, the folder of RTNeural's sources")
    runner = build(f"-DRTNEURAL_DIR={sources}", targets=("rtneural_runner",)) / "rtneural_runner"
    data = (repo / "outputs/release/groovepredictor.json").read_bytes()
    frames = np.random.default_rng(0).normal(size=(12, 64)).astype(np.float32)
    for each in (False, True):
        result, model = run_rtneural(runner, data, frames, each, warmup=5), RTNeuralModel.from_bytes(data)
        wanted = []
        for frame in frames:
            if each:
                model.reset()
            wanted.append(model(frame))
        np.testing.assert_allclose(result.outputs, wanted, atol=1e-5)
    assert result.backend == "eigen" and "-O1" in result.flags and result.ns.min() > 0
