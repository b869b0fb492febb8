"""`-sc` of Hydra: what a shell is told, and what it then asks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_a_shell_can_complete_what_is_typed(cli: Cli) -> None:
    installed = cli("-sc", "install=bash")
    assert installed.returncode == 0 and "-F hydra_bash_completion kmidi-lab" in installed.stdout
    line = "kmidi-lab model=har"
    asked = cli("-sc", "query=bash", env={"COMP_LINE": line, "COMP_POINT": str(len(line))})
    assert asked.returncode == 0 and "model=harmony" in asked.stdout.split(), asked.stderr
