"""The whole way on small data: a model suggests, users answer, it learns, and is promoted or refused with the reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.chord_answers import events_of_user

from kmidi_lab.feedback.event import new_id
from kmidi_lab.feedback.store import Store
from tests.conftest import START, Cli

DATA = ("data.sources=[embedded]", "hardware=cpu", "trainer.progress=false", "export.calls=20")
ASK = ("task=retrain", "model=harmony", *DATA, "retrain.steps=80", "retrain.learning_rate=3e-3")


@pytest.mark.slow
def test_suggested_answered_learnt_and_promoted_or_refused(cli: Cli, tmp_path: Path, lab_env: dict[str, str]) -> None:
    trained = cli("model=harmony", *DATA, "trainer.max_epochs=1")
    assert trained.returncode == 0, trained.stderr
    models = tmp_path / "outputs" / "models"
    released = _published(models)
    store = Store(tmp_path / "outputs" / "feedback.db")

    few = cli(*ASK)
    assert (few.returncode, "0 events" in few.stderr) == (2, True), few.stderr
    users = [new_id() for _ in range(4)]
    store.add(events_of_user(tmp_path, users[3], 60, 3, suited=False))
    refused = cli(*ASK)
    assert refused.returncode == 1, refused.stderr
    assert "nothing was published: the gate of the" in refused.stderr
    assert _published(models) == released

    for seed, user in enumerate(users[:3]):
        store.add(events_of_user(tmp_path, user, 60, seed, suited=True))
    _kill_while_it_trains(tmp_path, lab_env)
    assert _published(models) == released
    assert store.size() == 240

    registry = json.loads((models / "registry.json").read_text())
    registry["models"][0]["training"]["dataset_version"] = "sha256:other"
    shutil.copytree(models, tmp_path / "other")
    (tmp_path / "other" / "registry.json").write_text(json.dumps(registry))
    elsewhere = cli(*ASK, "models_root=other")
    assert elsewhere.returncode == 2
    assert "was trained on other data than" in elsewhere.stderr and "(sha256:other, not sha256:" in elsewhere.stderr
    assert "task=adapt model=harmony needs no data" in elsewhere.stderr

    promoted = cli(*ASK)
    assert promoted.returncode == 0, promoted.stderr
    assert f"user {users[3]}, 60 events, is trusted by 0" in promoted.stdout
    [entry] = json.loads((models / "registry.json").read_text())["models"]
    facts = entry["retrained"]
    assert (facts["raters"] + facts["held_out_raters"], facts["doubted_raters"]) == (4, 1)
    assert [gate["passed"] for gate in facts["gates"]] == [True, True]
    card = (models / "harmonypredictor.card.md").read_text()
    assert "Retrained from feedback" in card
    published = "".join(path.read_bytes().decode("utf-8", "replace") for path in models.rglob("*") if path.is_file())
    assert not [user for user in users if user in published]
    assert cli("task=verify", "models_root=outputs/models").returncode == 0


def _published(folder: Path) -> dict[Path, bytes]:
    """All files but hidden ones, such as what probes whether the folder can be written when the kill comes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


def _kill_while_it_trains(folder: Path, env: dict[str, str]) -> None:
    before = set((folder / "outputs").glob("retrain/harmony/*/retrain.json"))
    long = [word for word in ASK if not word.startswith("retrain.steps=")]
    process = subprocess.Popen([*START, *long, "retrain.steps=50000"], cwd=folder, env=env)
    try:
        for _ in range(3000):
            if set((folder / "outputs").glob("retrain/harmony/*/retrain.json")) - before:
                break
            time.sleep(0.1)
        else:
            pytest.fail("it has not begun to train")
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("retrain.share=0.95", "retrain.share=0.95 must be 0.01 to 0.9"),
        ("retrain.held_out=0", "retrain.held_out=0 must be 0.05 to 0.5"),
        ("retrain.margin=0.2", "retrain.margin=0.2 must be 0 to 0.05"),
        ("retrain.steps=0", "retrain.steps=0 must be 1 to 100000"),
        ("retrain.learning_rate=1", "retrain.learning_rate=1 must be 1e-06 to 0.1"),
    ],
)
def test_settings_out_of_range_are_one_line(refusal: Any, typed: str, said: str) -> None:
    assert said in refusal("task=retrain", "model=harmony", typed)
