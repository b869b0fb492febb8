"""Runs an artefact in the real RTNeural through an external program; the protocol is docs/rtneural_runner.md.

RTNeural is C++ and no part of this lab. Whoever has it builds one small program and names it in `RTNEURAL_RUNNER`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.errors import ExportError, UserError
from kmidi_lab.export.rtneural.reader import RTNeuralModel

VARIABLE = "RTNEURAL_RUNNER"
CPP_VARIABLE = "KMIDI_RUNNER"
"""Names the same program for the lab's own C++ runtime, `runner/kmidi_runner.cpp`."""
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class RunnerResult:
    """What the runner gave back: outputs `[T, M]` float32, times of single calls in nanoseconds, its build."""

    outputs: NDArray[np.float32]
    first_ns: int
    ns: NDArray[np.int64]
    backend: str
    flags: str
    version: str


def runner_from_env(variable: str = VARIABLE) -> Path | None:
    """The program that `RTNEURAL_RUNNER` (or another variable) names, None when it is unset or empty.

    Raises:
        UserError: the variable names something that is not an executable file.
    """
    value = os.environ.get(variable, "")
    return _executable(Path(value), variable) if value else None


def run_rtneural(
    runner: Path, model_bytes: bytes, frames: np.ndarray, reset_each: bool, warmup: int, timeout_s: float = TIMEOUT_S
) -> RunnerResult:
    """Feeds `frames`, `[T, N]`, one call each, from reset state.

    Args:
        runner: the executable.
        model_bytes: the RTNeural JSON.
        frames: `[T, N]` inputs, one a call.
        reset_each: reset before every call, else only once.
        warmup: untimed calls before the timed ones; the state is reset after them.
        timeout_s: for the whole run.

    Raises:
        UserError: the runner is missing or not executable.
        RTNeuralFormatError: our own reader refuses the model.
        ExportError: the runner fails, takes too long or answers with something else than the protocol says.
    """
    model = RTNeuralModel.from_bytes(model_bytes)
    sizes = model.input_size, model.output_size
    return run_program(_executable(runner), model_bytes, sizes, frames, reset_each, warmup, timeout_s)


def run_program(
    runner: Path,
    model_bytes: bytes,
    sizes: tuple[int, int],
    frames: np.ndarray,
    reset_each: bool,
    warmup: int,
    timeout_s: float = TIMEOUT_S,
) -> RunnerResult:
    """`run_rtneural` for any program of the protocol and whatever file it reads; `sizes` are N and M."""
    inputs, outputs = sizes
    if frames.ndim != 2 or len(frames) == 0 or frames.shape[1] != inputs:
        raise ValueError(f"frames must be [T, {inputs}] with T above 0, not {list(frames.shape)}")
    count = len(frames)
    with tempfile.TemporaryDirectory(prefix="rtneural_") as folder:
        paths = [Path(folder) / name for name in ("model.json", "frames.f32", "outputs.f32", "timings.json")]
        paths[0].write_bytes(model_bytes)
        paths[1].write_bytes(np.ascontiguousarray(frames, "<f4").tobytes())
        numbers = (inputs, outputs, count, warmup, int(reset_each))
        _call([str(runner), *map(str, paths), *map(str, numbers)], timeout_s)
        return _read(paths[2], paths[3], count, outputs)


def _executable(path: Path, variable: str = VARIABLE) -> Path:
    if not path.is_file():
        raise UserError(f"{variable}: {path} does not exist; name the runner program, see docs/rtneural_runner.md")
    if not os.access(path, os.X_OK):
        raise UserError(f"{variable}: {path} is not executable; chmod +x it, see docs/rtneural_runner.md")
    return path.resolve()


def _call(command: list[str], timeout_s: float) -> None:
    name = Path(command[0]).name
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"RTNeural runner {name}: no answer within {timeout_s:g} s") from error
    except OSError as error:
        raise UserError(f"{VARIABLE}: {command[0]} cannot be started: {error.strerror}") from error
    if done.returncode:
        messages = done.stderr.strip().splitlines()
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ExportError(f"RTNeural runner {name}: {how}: {messages[-1] if messages else 'nothing on stderr'}")


def _read(outputs: Path, timings: Path, count: int, size: int) -> RunnerResult:
    for path in (outputs, timings):
        if not path.is_file():
            raise ExportError(f"RTNeural runner: wrote no {path.name}")
    raw = outputs.read_bytes()
    if len(raw) != 4 * count * size:
        raise ExportError(
            f"RTNeural runner: {outputs.name} has {len(raw)} bytes, [{count}, {size}] needs {4 * count * size}"
        )
    try:
        report: Any = orjson.loads(timings.read_bytes())
        ns, first = np.array(report["ns"], np.int64), int(report["first_ns"])
        backend, flags, version = (str(report[key]) for key in ("backend", "flags", "version"))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ExportError(f"RTNeural runner: {timings.name} is not as the protocol says: {error!r}") from error
    if ns.shape != (count,) or (ns < 0).any():
        raise ExportError(f"RTNeural runner: {timings.name} must hold {count} times of 0 ns or more under 'ns'")
    values = np.frombuffer(raw, "<f4").astype(np.float32).reshape(count, size)
    return RunnerResult(values, first, ns, backend, flags, version)
