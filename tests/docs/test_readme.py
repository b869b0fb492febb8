"""Every command in the README runs; every file it links exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest


def commands(repo: Path) -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", (repo / "README.md").read_text(encoding="utf-8"), re.S)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.slow
def test_every_command_runs_in_order(repo: Path, tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("KMIDI_", "WANDB_"))}
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        env.pop(key, None)
    env |= {"WANDB_MODE": "offline", "OMP_NUM_THREADS": "1"}
    listed = commands(repo)
    assert len(listed) > 8
    for line in listed:
        words = shlex.split(line)
        if words[0] == "make":
            done = subprocess.run(["make", "-n", *words[1:]], cwd=repo, capture_output=True, text=True)
        else:
            assert words[:3] == ["python", "-m", "kmidi_lab"], line
            done = subprocess.run(
                [sys.executable, *words[1:]], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600
            )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "docs/harmony.md",
        "docs/RESULTS.md",
        "docs/CONTRACTS.md",
        "docs/networks.md",
        "docs/groove.md",
        "docs/dynamics.md",
        "docs/melody.md",
        "docs/midi.md",
        "docs/audio.md",
        "docs/python_api.md",
    ],
)
def test_links_lead_somewhere(repo: Path, document: str) -> None:
    path = repo / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_docs_name_only_make_targets_that_exist(repo: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (repo / "Makefile").read_text(), re.M))
    for name in ("README.md", "outputs/README.md", "docs/harmony.md"):
        for target in re.findall(r"`make ([a-z]+)`", (repo / name).read_text(encoding="utf-8")):
            assert target in targets, target
