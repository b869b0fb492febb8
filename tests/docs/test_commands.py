"""Every command of the lab that a page of docs/ names is one: its settings exist and fit together."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmidi_lab import command_line, config
from tests.conftest import REPO

LAB = "python -m kmidi_lab "


def named(page: Path) -> Iterator[str]:
    """Commands in blocks and in running text; those that bring their own configuration have tests of their own."""
    text = page.read_text(encoding="utf-8")
    blocks = [block.replace("\\\n", " ") for block in re.findall(r"^```(?:\w*)\n(.*?)^```", text, re.S | re.M)]
    lines = [line for block in blocks for line in block.splitlines()]
    outside = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    lines += [line.replace("\n", " ") for line in re.findall(rf"`({LAB}[^`]*)`", outside)]
    return (
        line.partition(LAB)[2] for line in lines if LAB in line and not {"--config-dir", "--help"} & {*line.split()}
    )


PAGES = [page for page in sorted((REPO / "docs").rglob("*.md")) if page.name != "RESULTS.md" and any(named(page))]
"""Those of RESULTS.md are the records' own."""


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_every_command_of_a_page_can_be_typed(
    page: Path, tmp_path: Path, lab_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for key in set(os.environ) - set(lab_env):
        monkeypatch.delenv(key)
    for line in named(page):
        typed = command_line.parse(shlex.split(line.replace("…", "x"), comments=True))
        words = [command_line.quote_free_text(command_line.into_trainer(o), typed.multirun) for o in typed.overrides]
        for folder in (word.partition("=")[2] for word in typed.overrides if word.startswith("data.root=")):
            (tmp_path / folder).mkdir(exist_ok=True)
        if not any(word.startswith("sweep.resume=") for word in words):  # whose words are in its folder
            command_line.check_model(words)
            config.check(command_line.with_model(words), typed.multirun)


def test_there_are_commands_on_many_pages() -> None:
    assert len(PAGES) > 20
