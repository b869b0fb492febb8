"""What a training by schedule may publish."""

from __future__ import annotations

import copy
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_registry import put

from kmidi_lab.contracts import HARMONY
from kmidi_lab.registry.gate import main, passes
from kmidi_lab.registry.registry import published_entry

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def old(tmp_path: Path) -> dict[str, Any]:
    put(tmp_path / "published", "a")
    entry = published_entry(tmp_path / "published", HARMONY.id)
    assert entry is not None
    return entry


def _new(old: dict[str, Any], by: float, **changes: Any) -> dict[str, Any]:
    new = copy.deepcopy(old) | changes
    new["training"]["run_id"] = "another"
    new["primary"]["value"] += by * (-1 if new["primary"]["mode"] == "min" else 1)
    return new


def test_only_a_better_one_on_the_same_test_is_published(old: dict[str, Any]) -> None:
    assert passes(_new(old, 0.1), old)[0]
    assert passes(_new(old, 0.1), None)[0]
    for worse in (_new(old, -0.1), _new(old, 0.0)):
        assert passes(worse, old)[0] is False
    assert passes(copy.deepcopy(old), old) == (False, "it is what is published already")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "training", "status_reason": "does not beat x"}, "does not beat x"),
        ({"stand_in": "drawn"}, "stand-in data"),
        ({"data_fingerprint": "sha256:other"}, "other data"),
        ({"data_fingerprint": None}, "other data"),
        ({"data_settings": {"sources": []}}, "other data"),
    ],
)
def test_what_is_no_fair_gain_stays_unpublished(old: dict[str, Any], changes: dict[str, Any], why: str) -> None:
    good, said = passes(_new(old, 0.1, **changes), old)
    assert not good and why in said


def test_a_model_in_production_stays(old: dict[str, Any]) -> None:
    assert "demote" in passes(_new(old, 0.1), old | {"status": "production"})[1]


def test_exit_codes(tmp_path: Path, old: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "published")
    assert main([folder, str(tmp_path / "none"), "harmony"]) == 0
    assert main([folder, folder, "harmony"]) == 1
    assert "stays unpublished: it is what is published already" in capsys.readouterr().out
    for wrong in (
        ["x"],
        [folder, folder, "harmoni"],
        [str(tmp_path / "none"), folder, "harmony"],
        [folder, folder, "groove"],
    ):
        assert main(wrong) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_the_workflow_runs_the_script() -> None:
    jobs = yaml.safe_load((REPO / ".github/workflows/train.yml").read_text())["jobs"]
    assert any(".ci/train" in step.get("run", "") for step in jobs["train"]["steps"])
    assert "runner." not in str(jobs["train"]["env"])  # GitHub knows the runner in steps only
    assert "WORK=$RUNNER_TEMP/train" in jobs["train"]["steps"][0]["run"]
    assert (REPO / ".ci/train").stat().st_mode & 0o100


STUB = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
  *task=export*) mkdir -p "$PUBLISHED"; touch "$PUBLISHED/registry.json" ;;
  "-m kmidi_lab model=harmony"*) mkdir -p "$WORK/runs/harmony/1" "$WORK/runs/harmony/2" ;;
  *registry.gate*) exit "$GATE" ;;
  *task=verify*) exit "$VERIFY" ;;
esac
"""


@pytest.mark.parametrize(
    ("gate", "verify", "published", "code", "steps"),
    [
        (0, 0, False, 0, ["train", "verify candidate", "gate", "export 2", "verify published", "dashboard published"]),
        (1, 0, True, 0, ["train", "verify candidate", "gate", "dashboard published"]),
        (1, 0, False, 0, ["train", "verify candidate", "gate", "dashboard candidate"]),
        (2, 0, True, 2, ["train", "verify candidate", "gate"]),
        (0, 1, True, 1, ["train", "verify candidate"]),
    ],
    ids=["publishes", "refuses", "refuses the first", "wrong input", "a fault"],
)
def test_the_script_publishes_what_the_gate_lets_through_and_nothing_else(
    tmp_path: Path, gate: int, verify: int, published: bool, code: int, steps: list[str]
) -> None:
    folder, work, log, stub = (tmp_path / name for name in ("published", "work", "log", "python"))
    stub.write_text(STUB)
    stub.chmod(0o755)
    if published:
        folder.mkdir()
        (folder / "registry.json").touch()
    told = {"MODELS_ROOT": folder, "PUBLISHED": folder, "WORK": work, "LOG": log, "PYTHON": stub}
    env = {**os.environ, **{key: str(value) for key, value in told.items()}, "GATE": str(gate), "VERIFY": str(verify)}
    done = subprocess.run([REPO / ".ci/train", "harmony", "seed=3"], env=env, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    own = f"paths.output_root={work} trainer.progress=false"
    words = {
        "train": f"-m kmidi_lab model=harmony models_root={work}/candidate seed=3 {own}",
        "gate": f"-m kmidi_lab.registry.gate {work}/candidate {folder} harmony",
        "export 2": f"-m kmidi_lab task=export model=harmony export.source={work}/runs/harmony/2 models_root={folder} {own}",
        **{
            f"{task} {name}": f"-m kmidi_lab task={task} models_root={root} {own}"
            for task in ("verify", "dashboard")
            for name, root in (("candidate", work / "candidate"), ("published", folder))
        },
    }
    assert log.read_text().splitlines() == [words[step] for step in steps]
