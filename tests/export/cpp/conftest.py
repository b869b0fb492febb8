"""The C++ runtime in three builds: with both sanitizers, for this machine's widest vectors, without vector types."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pytest

from kmidi_lab.export.cpp.emit import kmw
from kmidi_lab.export.cpp.plan import plan_of
from kmidi_lab.export.rtneural.reader import RTNeuralModel

STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
BUILDS = {
    "sanitized": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "native": ["-O2", "-march=native"],
    "plain": ["-O1", "-DKMIDI_NO_VECTOR_TYPES"],
}
Run = Callable[[bytes, np.ndarray, bool], np.ndarray]


@pytest.fixture(scope="session")
def compiled(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles one source with the runtime in its include path; skips without a compiler."""
    compiler = shutil.which(os.environ.get("CXX", "c++"))

    def build(source: Path, *flags: str) -> Path:
        if compiler is None:
            pytest.skip("needs a C++17 compiler: c++ in the path, or CXX")
        program = tmp_path_factory.mktemp("cpp") / source.stem
        include = ["-I", str(repo / "src/kmidi_lab/export/cpp"), "-I", str(repo / "runner")]
        command = [compiler, *STRICT, *flags, *include, str(source), "-o", str(program)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return program

    return build


@pytest.fixture(scope="session", params=BUILDS)
def runner(request: pytest.FixtureRequest, compiled: Callable[..., Path], repo: Path) -> Path:
    """`runner/kmidi_runner.cpp` in each build."""
    return compiled(repo / "runner/kmidi_runner.cpp", *BUILDS[request.param])


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., np.ndarray]:
    """`(runner, RTNeural file, frames [T, N], reset each)` to outputs `[T, M]` in the C++ runtime."""

    def call(runner: Path, rtneural: bytes, frames: np.ndarray, reset_each: bool) -> np.ndarray:
        model = RTNeuralModel.from_bytes(rtneural)
        (tmp_path / "model.kmw").write_bytes(kmw(plan_of(rtneural), rtneural))
        frames.astype("<f4").tofile(tmp_path / "frames")
        files = [str(tmp_path / name) for name in ("model.kmw", "frames", "outputs", "timings")]
        numbers = [str(n) for n in (model.input_size, model.output_size, len(frames), 3, int(reset_each))]
        done = subprocess.run([str(runner), *files, *numbers], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(orjson.loads((tmp_path / "timings").read_bytes())["ns"]) == len(frames)
        return np.fromfile(tmp_path / "outputs", "<f4").reshape(len(frames), -1)

    return call
