"""Every command in the README runs; every file it links exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPO, Cli


def commands(repo: Path) -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", (repo / "README.md").read_text(encoding="utf-8"), re.S)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def less_of(words: list[str]) -> list[str]:
    """What makes a command a short one.

    Whole smoke runs of all models are `test_smoke`'s; sweeps are `test_cli_sweeps`'s and W&B is `test_cli_trainings`'s;
    the released models are verified in `test_light`.
    """
    few = ["data.sources=[embedded]"] if {"model=harmony", "task=eval"} & set(words) else []
    if any(word.startswith("--") for word in words):
        return []
    if "task=verify" in words:
        return ["--cfg", "job"]
    if any(word.startswith("task=") for word in words):
        return few if {"task=eval", "task=prepare"} & set(words) else ["export.calls=20"] * ("task=bench" in words)
    if "logger=wandb" in words or "model=harmony" not in words:
        return ["--cfg", "job"]
    if "launcher=joblib" in words:
        return ["task=info", "hydra.launcher.n_jobs=1"]
    few += ["trainer.max_epochs=1", "trainer.limit_train_batches=5", "export.calls=20"]
    return [*few, *["export.enabled=false"] * ("-m" in words)]


@pytest.mark.slow
@pytest.mark.usefixtures("sketched")
def test_every_command_runs_in_order(repo: Path, tmp_path: Path, called: Cli) -> None:
    shutil.copytree(repo / "outputs" / "release", tmp_path / "outputs" / "release")
    listed = commands(repo)
    assert len(listed) > 8
    for line in listed:
        words = shlex.split(line)
        if words[0] == "make":
            done = subprocess.run(["make", "-n", *words[1:]], cwd=repo, capture_output=True, text=True)
        else:
            assert words[:3] == ["python", "-m", "kmidi_lab"], line
            less = less_of(words[3:])
            keys = {word.partition("=")[0] for word in less}
            typed = [word for word in words[3:] if word.partition("=")[0] not in keys]
            done = called(*typed, *less, env={"WANDB_MODE": "offline"})
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


PAGES = sorted(
    [*REPO.glob("*.md"), *REPO.glob("docs/**/*.md"), *REPO.glob("notebooks/*.md"), *REPO.glob("outputs/*.md")]
)
GENERATED = {"RESULTS.md", "CONTRACTS.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in GENERATED], ids=lambda page: page.name)
def test_lines_fit_a_screen(page: Path) -> None:
    """Tables, pictures and programs may be wider."""
    code = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        code ^= line.lstrip().startswith("```")
        free = code or line.lstrip().startswith(("|", "![", "```")) or " " not in line.strip()
        assert free or len(line) <= 120, f"{page.name}, line {number}: {len(line)} characters"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:src|datamodules|tests|benchmarks|conf|docs)/[\w./-]+\.(?:py|yaml|md|json))`", text):
        assert (REPO / name).exists(), name


def test_docs_name_only_make_targets_that_exist(repo: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repo / "Makefile").read_text(), re.M))
    for name in ("README.md", "CONTRIBUTING.md", "outputs/README.md", "docs/harmony.md"):
        for target in re.findall(r"`make ([a-z-]+)`", (repo / name).read_text(encoding="utf-8")):
            assert target in targets, target
