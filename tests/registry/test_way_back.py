"""How what a folder publishes is left again: for the version before, else for the release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.partial import MODEL, stand_behind
from test_registry import put

from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.tasks import roots


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release that holds the dynamics model alone, in a folder whose name has to be quoted."""
    return stand_behind(tmp_path / "our (own)" / "release", monkeypatch)


def test_what_is_published_can_be_left_for_the_version_before_else_for_the_release(
    tmp_path: Path, release: Path
) -> None:
    own = tmp_path / "own"
    put(own, "a", contract=DYNAMICS)
    assert roots.way_back(own, "dynamics").startswith("to use the released dynamics instead, add 'models_root=")
    put(own, "b", contract=DYNAMICS)
    before = roots.way_back(own, DYNAMICS.id)
    assert before.startswith(
        "to go back to the version before: python -m kmidi_lab task=registry registry.action=rollback"
    )
    assert f"registry.model=dynamics registry.reason=why models_root={own}" in before
    assert roots.way_back(release, MODEL) == "" and roots.way_back(own, "groove") == ""


def test_a_rollback_without_an_earlier_version_names_the_release(
    refusal: Callable[..., str], tmp_path: Path, release: Path
) -> None:
    put(tmp_path / "outputs" / "models", "a", contract=DYNAMICS)
    line = refusal("task=registry", "registry.action=rollback", "registry.model=dynamics", "registry.reason=worse")
    assert "no earlier version is kept" in line and "; to use the released dynamics instead, add 'models_root=" in line
