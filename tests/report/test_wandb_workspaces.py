"""The workspaces of Weights & Biases that a registry leads to; `pip install 'kmidi_lab[dashboards]'` brings the
package.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fake_wandb import FakeWandb, fake_wandb  # noqa: F401  fixture

from kmidi_lab.errors import UserError
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report import wandb_report, wandb_workspaces

GOLDEN = Path(__file__).resolve().parents[1] / "fixtures" / "wandb_views.json"
ENTRY: dict[str, Any] = {
    "id": "harmonypredictor", "status": "trained", "status_reason": "beats 4-gram", "license": "MIT", "params": 3,
    "training": {"dataset_id": "chord_db", "dataset_version": "v1"},
    "primary": {"metric": "perplexity", "mode": "min", "split": "test", "value": 4.0, "best_baseline": "4-gram",
                "best_baseline_value": 5.0},
    "history": [{"status": "training", "replaced_at": "2026-01-02", "replaced_because": "better", "reason": "first"}],
}  # fmt: skip
RELEASE = Path(__file__).resolve().parents[2] / "outputs" / "release"
there = importlib.util.find_spec("wandb_workspaces") is not None
with_package = pytest.mark.skipif(not there, reason="needs wandb-workspaces")


@pytest.mark.skipif(there, reason="wandb-workspaces is installed")
def test_without_the_package_one_line_says_what_to_install(refusal: Callable[..., str]) -> None:
    assert "pip install 'kmidi_lab[dashboards]'" in refusal("task=dashboard", "logger=wandb", "dashboard.dry_run=true")


@pytest.mark.slow
@with_package
def test_a_workspace_for_each_model_and_one_for_all(tmp_path: Path) -> None:
    entries = load_registry(RELEASE)["models"]
    made = wandb_workspaces.views(entries, "mine", "me")
    assert list(made) == [
        wandb_workspaces.OVERVIEW,
        *(name for entry in entries for name in (entry["id"], f"report on {entry['id']}")),
        wandb_report.NAME,
    ]
    wandb_workspaces.write_specs(made, tmp_path / "a.json")
    wandb_workspaces.write_specs(wandb_workspaces.views(entries, "mine", "me"), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes(), "the same each time"
    specs = json.loads((tmp_path / "a.json").read_text())
    for entry in entries:
        text, primary = json.dumps(specs[entry["id"]]), entry["primary"]
        assert specs[entry["id"]]["project"] == "mine" and specs[entry["id"]]["entity"] == "me"
        for metric in ("val/loss", "train/step_loss", "train/learning_rate", f"test/{primary['metric']}"):
            assert f'"{metric}"' in text
        assert f'"baseline/{primary["best_baseline"]}/{primary["metric"]}"' in text
        assert entry["id"] in json.dumps(specs[wandb_workspaces.OVERVIEW])
    assert '"harmony"' in json.dumps(specs["harmonypredictor"]), "its runs alone, by their tag"


@with_package
def test_the_report_tells_every_model_its_data_and_what_it_has_replaced() -> None:
    entries = load_registry(RELEASE)["models"]
    hostile = {**entries[0], "id": "odd", "status_reason": "<script>|x", "history": [{"status": "a|b"}]}
    spec = wandb_workspaces.spec(wandb_report.report([*entries, hostile], "mine", None))
    text = json.dumps(spec)
    assert spec["displayName"] == "kmidi_lab: the registry" and "<script>" not in text
    for entry in entries:
        assert text.count(entry["id"]) > 1 and entry["training"]["dataset_version"] in text
        assert f"test/{entry['primary']['metric']}" in text
        for line in entry["history"][:1]:
            assert line["replaced_at"] in text


@with_package
def test_an_empty_registry_has_the_overview() -> None:
    assert list(wandb_workspaces.views([], "mine", None)) == [wandb_workspaces.OVERVIEW, wandb_report.NAME]


@pytest.mark.slow
@with_package
def test_views_are_saved_again_and_not_beside_what_is_there_on_any_machine(
    tmp_path: Path,
    fake_wandb: FakeWandb,  # noqa: F811
) -> None:
    for machine in ("first", "other"):
        (tmp_path / machine).mkdir()
    first = wandb_workspaces.send(wandb_workspaces.views([ENTRY], "p", "me"), tmp_path / "first/kept.json")
    assert fake_wandb.unknown == [] and len(first) == len(set(first)) == len(fake_wandb.views) == 4
    titles = {view["display_name"]: view["type"] for view in fake_wandb.views.values()}
    assert titles == {
        "kmidi_lab: all models": "project-view", "kmidi_lab: harmonypredictor": "project-view",
        "kmidi_lab: the registry": "runs", "kmidi_lab: report on harmonypredictor": "runs",
    }  # fmt: skip
    for machine, said in (("other", "changed there"), ("first", "changed here")):
        made = wandb_workspaces.views([{**ENTRY, "status_reason": said}], "p", "me")
        assert wandb_workspaces.send(made, tmp_path / machine / "kept.json") == first
        assert len(fake_wandb.views) == 4
        assert sum(said in view["spec"] for view in fake_wandb.views.values()) == 2, "both reports"


@with_package
def test_the_specification_is_the_golden_one() -> None:
    made = wandb_workspaces.views([ENTRY], "p", "me")
    specs = {name: wandb_workspaces.spec(view) for name, view in made.items()}
    assert specs == json.loads(GOLDEN.read_text()), "if what is sent is meant to be another, write the file anew"


@with_package
def test_a_refusal_of_the_service_is_one_line(tmp_path: Path) -> None:
    class Refused:
        @property
        def name(self) -> str:
            raise RuntimeError("not logged in\nmore")

    with pytest.raises(UserError, match="W&B did not take the views") as caught:
        made: dict[str, Any] = {"a": Refused()}
        wandb_workspaces.send(made, tmp_path / "kept.json")
    assert "\n" not in str(caught.value) and not (tmp_path / "kept.json").exists()


@with_package
@pytest.mark.parametrize("word", ["dashboard.dry_run=true", "logger.offline=true"])
def test_the_dry_run_writes_the_specification(
    answer: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(wandb_workspaces, "send", lambda *_: ["sent"])
    out = answer("task=dashboard", "logger=wandb", word, f"models_root={RELEASE}")
    number = 2 * len(load_registry(RELEASE)["models"]) + 2
    assert f"{number} views written, none sent" in out
    assert len(json.loads((tmp_path / "outputs/dashboard/wandb.json").read_text())) == number
