"""A models folder goes to the Hub and comes back: what is sent, what stands in README.md, what is published here."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support.fake_hub import LARGE, TOKEN, FakeHub

from kmidi_lab.hub.client import Repository
from kmidi_lab.hub.pull import pull
from kmidi_lab.hub.push import push
from kmidi_lab.hub.readme import front_matter, readme
from kmidi_lab.registry.registry import load_registry, write_entry
from kmidi_lab.registry.rehoming import rehome
from kmidi_lab.registry.versions import kept_versions
from kmidi_lab.verify.folder import verify_folder

OF_THE_REGISTRY = {"registry.json", "registry.json.lock"}


def names(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} - OF_THE_REGISTRY


@pytest.mark.slow
def test_the_command_line_pushes_and_pulls_and_shows_no_token(
    called: Callable, fake_hub: FakeHub, models: Path, tmp_path: Path
) -> None:
    (models / "notes.txt").write_text("mine")
    sent = called("task=hub", "hub.push=me/lab", f"models_root={models}", env=fake_hub.env())
    assert sent.returncode == 0, sent.stderr
    assert "→ me/lab (private) at" in sent.stdout and "2 models" in sent.stdout
    repo = fake_hub.repos["me/lab"]
    assert set(repo.files) == (names(models) - {"notes.txt"}) | {"README.md", "registry.json", ".gitattributes"}
    assert repo.private and len(repo.commits) == 2
    assert all(repo.files[name] == (models / name).read_bytes() for name in names(models) - {"notes.txt"})
    assert fake_hub.large and all(len(data) > LARGE for data in fake_hub.large.values())
    came = called("task=hub", "hub.pull=me/lab", "models_root=got", env=fake_hub.env())
    assert came.returncode == 0, came.stderr
    assert "2 models published, 0 as before" in came.stdout
    assert names(tmp_path / "got") == names(models) - {"notes.txt"}
    assert verify_folder(tmp_path / "got", None).faults == []
    written = [p for p in tmp_path.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]
    assert written == [] and TOKEN not in sent.stdout + sent.stderr + came.stdout + came.stderr


@pytest.mark.usefixtures("at_hub", "verified")
def test_a_second_push_removes_what_is_published_no_more_and_leaves_what_is_not_ours(
    pushed: FakeHub, models: Path
) -> None:
    repo = pushed.repos["me/lab"]
    repo.add({**repo.files, "LICENSE": b"theirs"})
    registry = json.loads((models / "registry.json").read_text())
    gone = registry["models"].pop()
    for name in gone["files"]:
        (models / name).unlink()
    (models / "registry.json").write_text(json.dumps(registry))
    push(Repository("me/lab"), models, public=True)
    assert set(repo.files) == names(models) | {"README.md", "registry.json", ".gitattributes", "LICENSE"}


@pytest.mark.slow
@pytest.mark.usefixtures("at_hub")
def test_nothing_of_this_machine_goes_along(fake_hub: FakeHub, models: Path, tmp_path: Path) -> None:
    rehome(models)
    registry = load_registry(models)
    kept = {"version": "old", "status": "trained", "kept": True}
    write_entry(models, registry, {**registry["models"][0], "history": [kept]}, {})
    (models / "history" / registry["models"][0]["id"] / "old").mkdir(parents=True)
    write_entry(models, registry, {**registry["models"][0], "history": [{**kept, "kept": False}]}, {})
    push(Repository("me/lab"), models, public=False)
    sent = fake_hub.repos["me/lab"].files["registry.json"].decode()
    assert str(tmp_path) not in sent and str(tmp_path) in (models / "registry.json").read_text()
    assert not any(name.startswith("history/") for name in fake_hub.repos["me/lab"].files)


@pytest.mark.slow
@pytest.mark.usefixtures("at_hub")
def test_a_pull_changes_nothing_that_is_the_same_and_keeps_what_it_replaces(
    pushed: FakeHub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (models / "registry.json").read_bytes()
    came = pull(Repository("me/lab"), None, models)
    assert came.new == [] and len(came.same) == 2 and (models / "registry.json").read_bytes() == before
    registry = load_registry(models)
    entry = registry["models"][0]
    write_entry(models, registry, {**entry, "training": {**entry["training"], "run_id": "mine"}}, {})
    came = pull(Repository("me/lab"), None, models)
    assert came.new == [entry["id"]] and len(came.same) == 1
    line = load_registry(models)["models"][0]["history"][0]
    assert line["replaced_because"] == f"pulled me/lab at {came.commit[:12]}"
    assert kept_versions(load_registry(models)["models"][0])[0].startswith("mine-")


@pytest.mark.usefixtures("at_hub")
def test_an_earlier_commit_is_pulled_by_its_name(pushed: FakeHub, tmp_path: Path) -> None:
    repo = pushed.repos["me/lab"]
    first = repo.commits[-1][0]
    repo.add({"README.md": b"emptied"})
    assert pull(Repository("me/lab"), first, tmp_path / "got").commit == first


def test_a_public_one_is_pulled_without_a_token(
    pushed: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", pushed.address)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert len(pull(Repository("me/lab"), None, tmp_path / "got").new) == 2


@pytest.mark.usefixtures("at_hub")
def test_a_connection_that_breaks_once_is_tried_again(pushed: FakeHub, tmp_path: Path) -> None:
    from support.fake_hub import Answer, refused

    troubles = [Answer(200, b"half of it", cut=True), refused(503, "overloaded")]

    def instead(method: str, path: str) -> Answer | None:
        return troubles.pop() if "resolve" in path and troubles else None

    pushed.instead = instead
    assert len(pull(Repository("me/lab"), None, tmp_path / "got").new) == 2 and troubles == []


def test_the_readme_says_what_the_hub_reads(small_folder: Path, repo: Path) -> None:
    from huggingface_hub.repocard_data import model_index_to_eval_results

    entries = load_registry(small_folder)["models"]
    head = yaml.safe_load(readme(entries, "me/lab").split("---\n")[1])
    assert head["license"] == "other" and head["library_name"] == "kmidi_lab"
    assert "dynamics-mapping" in head["tags"] and entries[0]["training"]["dataset_id"] in head["datasets"]
    assert [one["name"] for one in head["model-index"]] == [entry["id"] for entry in entries]
    _, results = model_index_to_eval_results(head["model-index"][:1])
    assert results[0].metric_value == entries[0]["primary"]["value"]
    mit = load_registry(repo / "outputs" / "release_mit")["models"]
    assert yaml.safe_load(front_matter(mit))["license"] == "mit"


def test_text_of_an_entry_is_no_markup_in_the_readme(small_folder: Path) -> None:
    entry = load_registry(small_folder)["models"][0]
    text = readme([{**entry, "license": "a | b\n---\n<script>", "task": "x: [y"}], "me/lab")
    assert "<script>" not in text and "a \\| b" in text
    assert yaml.safe_load(text.split("---\n")[1])["tags"][-1] == "x: [y"


def test_no_library_logs_an_address(pushed: FakeHub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert not logging.getLogger("httpx2").isEnabledFor(logging.INFO)
