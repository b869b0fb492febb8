"""docs/compose.md: its program runs, its command is one that the lab takes, its table names every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kmidi_lab.composition.bands import bands


@pytest.mark.slow
def test_the_page_runs_and_names_every_key_and_style(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (repo / "docs" / "compose.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec("".join(re.findall(r"```python\n(.*?)```", text, re.S)), {})
    assert "minor" in capsys.readouterr().out
    assert Path("song.mid").read_bytes().startswith(b"MThd")
    declared = yaml.safe_load((repo / "conf" / "task" / "compose.yaml").read_text(encoding="utf-8"))["compose"]
    assert all(f"`compose.{key}" in text for key in declared if key not in ("_target_", "out"))
    assert all(re.search(rf"\b{name}\b", text) for name in bands())


@pytest.mark.slow
def test_its_command_is_taken(repo: Path, called, tmp_path: Path) -> None:
    text = (repo / "docs" / "compose.md").read_text(encoding="utf-8")
    [command] = re.findall(r"python -m kmidi_lab (task=compose .*)", text)
    words = re.fullmatch(r'(\S+) (compose\.text)="(.*)"', command)
    assert words is not None
    done = called(words[1], f"{words[2]}={words[3]}", "compose.bars=8", "compose.sound=false")
    assert done.returncode == 0, done.stderr
    assert "Longing" in done.stdout


def test_it_shows_the_page_at_each_of_its_steps_in_small_pictures(repo: Path) -> None:
    text = (repo / "docs" / "compose.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]{10,}\]\((compose_?\w*\.png)\)", text)
    steps = ("question", "reference", "page", "rating", "model")
    assert [s for s in shown if s != "compose_ten.png"] == ["compose.png", *(f"compose_{step}.png" for step in steps)]
    assert all(10_000 < (repo / "docs" / name).stat().st_size < 150_000 for name in shown)
