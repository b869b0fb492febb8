"""task=verify by the command line: exit codes, what is printed, verify.json."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]


def report(root: Path) -> dict:
    [path] = (root / "outputs/verify").glob("*/verify.json")
    return dict(json.loads(path.read_text()))


@pytest.mark.slow
def test_a_clean_folder_exits_with_0(called: Cli, repo: Path, tmp_path: Path) -> None:
    """Of two models; the release itself is verified in `test_verify_real`."""
    done = called(
        "task=verify", "models_root=outputs/release_mit", f"paths.output_root={tmp_path / 'outputs'}", cwd=repo
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "harmonypredictor\n  OK " in done.stdout
    told = report(tmp_path)
    count = len(json.loads((repo / "outputs/release_mit/registry.json").read_bytes())["models"])
    assert (told["models"], told["faults"]) == (count, 0)
    assert ", 0 faults, " in done.stdout.splitlines()[-1]


def test_a_fault_exits_with_1_and_one_line(called: Cli, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/dynamicsengine.json").write_text('{"layers": []}')
    done = called("task=verify", "models_root=models")
    assert done.returncode == 1, done.stderr + done.stdout
    assert "FAULT  rtneural" in done.stdout
    assert "'in_shape' is missing" in done.stdout
    assert "1 model, 1 fault, 2 notes | written: " in done.stdout
    assert len([line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert report(tmp_path)["findings"][2]["subject"] == "dynamicsengine"
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["dynamicsengine.json"]


@pytest.mark.parametrize(("root", "env"), [("gone", {}), ("empty", {}), ("empty", {"RTNEURAL_RUNNER": "/gone"})])
def test_nothing_to_check_exits_with_2(called: Cli, tmp_path: Path, root: str, env: dict[str, str]) -> None:
    (tmp_path / "empty").mkdir()
    done = called("task=verify", f"models_root={root}", env=env)
    assert done.returncode == 2, done.stderr + done.stdout
    assert ("RTNEURAL_RUNNER: /gone does not exist" if env else "models_root") in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
