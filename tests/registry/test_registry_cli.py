"""`task=registry` as people type it: every action, wrong input, and a folder that only gets read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from test_registry import check, put

from kmidi_lab.contracts import GROOVE
from kmidi_lab.registry.registry import load_registry

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(called: Cli) -> Cli:
    return called


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """outputs/models, with a groove model, and a harmony model that has one version to go back to."""
    root = tmp_path / "outputs" / "models"
    put(root, "g", contract=GROOVE)
    put(root, "a")
    put(root, "b")
    return root


def snapshot(root: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}


def said(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    out = done.stdout + done.stderr
    assert done.returncode == code, out
    assert "Traceback" not in out
    return out


def test_list_history_and_compare_only_read(answer: Callable[..., str], models: Path) -> None:
    before = snapshot(models)
    out = answer("task=registry")
    assert "harmonypredictor  trained" in out and "groovepredictor" in out
    assert "test perplexity" in out and "4-gram+cache" in out
    out = answer("task=registry", "registry.action=history", "registry.model=harmonypredictor")
    assert "published run run-b: beats 4-gram+cache" in out and "groovepredictor" not in out
    out = answer("task=registry", "registry.action=compare", "registry.model=harmony")
    assert "B: version run-a-" in out and "test top3" in out
    assert snapshot(models) == before


def test_compare_with_another_folder(answer: Callable[..., str], models: Path, tmp_path: Path) -> None:
    put(tmp_path / "other", "c")
    out = answer("task=registry", "registry.action=compare", "registry.model=harmony", "registry.other=other")
    assert "B: other" in out and "not comparable" not in out
    path = tmp_path / "other" / "registry.json"
    path.write_text(path.read_text().replace('"data_fingerprint": "sha256:', '"data_fingerprint": "sha256:00'))
    out = answer("task=registry", "registry.action=compare", "registry.model=harmony", "registry.other=other")
    assert "The data differ, so the scores of A and B are not comparable." in out


@pytest.mark.slow
def test_promote_demote_and_rollback_say_what_changed(cli: Cli, models: Path) -> None:
    promote = ("task=registry", "registry.action=promote", "registry.model=harmony")
    out = said(cli(*promote, "registry.reason=sounds, well: fine"))
    assert "(trained) → run-b-" in out and "(production); promoted to production: sounds, well: fine" in out
    out = said(cli("task=registry", "registry.action=demote", "registry.model=harmony", "registry.reason=too soon"))
    assert "(production) → run-b-" in out and "(trained); demoted to trained: too soon" in out
    said(cli(*promote, "registry.reason=now"))
    done = cli("task=registry", "registry.action=rollback", "registry.model=harmony", "registry.reason=stage fright")
    out = said(done)
    assert "(production) → run-a-" in out and "(trained); rolled back: stage fright" in out
    check(models)
    entry = load_registry(models)["models"][1]
    assert entry["training"]["run_id"] == "run-a" and len(entry["history"]) == 5


def test_a_rollback_to_a_worse_version_warns(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "outputs" / "models"
    put(root, "a", beats=False)
    put(root, "b")
    done = cli("task=registry", "registry.action=rollback", "registry.model=harmony", "registry.reason=a test")
    out = said(done)
    loss = "this version has status training (the replaced one: trained)"
    assert f"(training); rolled back: a test; WARNING: {loss}" in done.stdout
    assert f"harmonypredictor: {loss}" in out
    assert {p.name for p in root.parent.iterdir()} == {"models", "registry"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("registry.action=lists",), "Did you mean 'list'? Allowed: list, history, compare, promote, demote, rollback"),
        (("registry.action=promote",), "type registry.model=harmony"),
        (("registry.action=demote",), "type registry.model=harmony"),
        (("registry.action=demote", "registry.model=harmony", "registry.reason=r"), "not demoted, it is trained"),
        (("registry.action=promote", "registry.model=harmony"), 'type registry.reason="'),
        (("registry.action=history", "registry.model=harmny"), "Did you mean 'harmony'?"),
        (("registry.action=history", "registry.model=melody"), "melodytransformer is not published there"),
        (("registry.action=compare", "registry.model=groove"), "no earlier version is kept"),
        (("registry.action=compare", "registry.model=harmony", "registry.other=nowhere"), "nowhere: no registry.json"),
        (
            (
                "registry.action=compare",
                "registry.model=harmony",
                "registry.other=outputs/models",
                "registry.version=x",
            ),
            "not both",
        ),
        (
            ("registry.action=rollback", "registry.model=harmony", "registry.version=x", "registry.reason=r"),
            "version 'x' is not kept; kept: run-a-",
        ),
        (("models_root=nowhere",), "models_root=nowhere: there is no such folder; leave it out, or type models_root="),
        (
            ("registry.action=promote", "registry.model=harmony", "registry.reason=r", "models_root=nowhere"),
            "models_root=nowhere: there is no such folder; leave it out, or type models_root=",
        ),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_changes_nothing(
    refusal: Callable[..., str], models: Path, arguments, says: str
) -> None:
    before = snapshot(models)
    assert says in refusal("task=registry", *arguments)
    assert snapshot(models) == before
    assert not (models.parents[1] / "nowhere").exists()


def test_a_journal_from_someone_else_removes_nothing(refusal: Callable[..., str], models: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.write_text("years of work")
    (models / ".staging").mkdir()
    (models / ".staging" / "journal.json").write_text(json.dumps({"run": "x", "files": [], "remove": [str(thesis)]}))
    before = snapshot(models)
    out = refusal("task=registry", f"models_root={models}")
    assert "thesis' is no file that the lab writes for x); nothing was touched" in out
    assert thesis.read_text() == "years of work" and snapshot(models) == before


def test_a_registry_of_another_version(refusal: Callable[..., str], models: Path) -> None:
    path = models / "registry.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "registry_version": "2.0"}))
    assert "registry_version 2.0, this lab knows 1.x" in refusal("task=registry")


def test_rehome_writes_where_the_folder_lies_now(answer: Callable[..., str], models: Path) -> None:
    out = answer("task=registry", "registry.action=rehome")
    assert "in 2 of 2 entries" in out
    paths = [entry["onnx_path"] for entry in load_registry(models)["models"]]
    assert all(Path(path).is_absolute() and Path(path).parent == models for path in paths)
