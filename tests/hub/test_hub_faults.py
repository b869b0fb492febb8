"""What can go wrong between here and the Hub: one line that says so, and nothing half-written on either side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fake_hub import TOKEN, Answer, FakeHub, Repo, refused, said

from kmidi_lab.errors import UserError
from kmidi_lab.hub.client import Repository
from kmidi_lab.hub.pull import pull
from kmidi_lab.hub.push import push
from kmidi_lab.registry.versions import sealed

pytestmark = pytest.mark.usefixtures("at_hub")


def push_refused(models: Path, name: str = "me/lab", public: bool = False) -> str:
    return _line(lambda: push(Repository(name), models, public))


def pull_refused(root: Path, name: str = "me/lab", revision: str | None = None) -> str:
    before = _content(root)
    line = _line(lambda: pull(Repository(name), revision, root))
    assert _content(root) == before
    return line


def _line(what: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        what()
    line = str(caught.value)
    assert "\n" not in line and TOKEN not in line and "127.0.0.1" not in line, line
    return line


def _content(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name != "registry.json.lock"}


def _at(part: str, answer: Answer, method: str = "") -> Callable[[str, str], Answer | None]:
    return lambda m, path: answer if part in path and m.startswith(method) else None


def _changed(hub: FakeHub, change: Callable[[dict[str, Any]], object]) -> None:
    """The repository's registry is another than was pushed, its entries sealed, as a liar does."""
    repo = hub.repos["me/lab"]
    registry = json.loads(repo.files["registry.json"])
    change(registry)
    registry["models"] = [sealed(entry) for entry in registry["models"]]
    repo.add({**repo.files, "registry.json": json.dumps(registry).encode()})


def test_without_a_token_nothing_is_asked(fake_hub: FakeHub, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert "type hf auth login, or set HF_TOKEN" in push_refused(models)
    assert fake_hub.asked == []


@pytest.mark.usefixtures("verified")
def test_a_token_that_is_no_good(pushed: FakeHub, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    assert "the token is not valid" in push_refused(models)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert "may not do that (403, You don't have the rights" in push_refused(models, "you/lab")


@pytest.mark.parametrize("name", ["lab", "me/lab/x", "../lab", "me/..", "me/la b", "me/", "http://me/lab"])
def test_a_name_that_is_none(fake_hub: FakeHub, name: str) -> None:
    assert "user/name" in _line(lambda: Repository(name))
    assert fake_hub.asked == []


@pytest.mark.usefixtures("verified")
def test_a_repository_of_another_kind_or_content(fake_hub: FakeHub, models: Path, tmp_path: Path) -> None:
    fake_hub.repos |= {"me/set": Repo(True, "dataset"), "me/bert": Repo(True)}
    fake_hub.repos["me/bert"].add({"README.md": b"x", "config.json": b"{}", "model.safetensors": b"w"})
    assert "no such model repository" in pull_refused(tmp_path / "got", "me/set")
    assert "was changed or made meanwhile" in push_refused(models, "me/set") and not fake_hub.repos["me/set"].commits
    assert "no registry.json there" in pull_refused(tmp_path / "got", "me/bert")
    assert "holds 'config.json' and no registry.json" in push_refused(models, "me/bert")
    assert len(fake_hub.repos["me/bert"].commits) == 1


@pytest.mark.usefixtures("verified")
def test_a_public_one_is_pushed_to_only_if_so_meant(pushed: FakeHub, models: Path) -> None:
    assert "type hub.public=true if so meant" in push_refused(models)


@pytest.mark.usefixtures("verified")
def test_a_private_one_does_not_become_public_by_a_push(pushed: FakeHub, models: Path) -> None:
    pushed.repos["me/lab"].private = True
    before = len(pushed.repos["me/lab"].commits)
    assert "is there and private" in push_refused(models, public=True)
    assert len(pushed.repos["me/lab"].commits) == before


def test_a_folder_with_faults_is_not_pushed(fake_hub: FakeHub, models: Path) -> None:
    (models / "dynamicsengine.json").write_text("{}")
    assert "dynamicsengine" in push_refused(models) and fake_hub.asked == []


@pytest.mark.usefixtures("verified")
@pytest.mark.parametrize(
    ("where", "method", "answer", "line"),
    [
        ("/commit/", "POST", refused(500, "oops"), "the Hub has trouble (500, oops)"),
        ("/commit/", "POST", refused(412, "stale"), "was changed or made meanwhile"),
        ("/batch", "POST", refused(404, "gone"), "no such model repository (404"),
        ("/lfs/", "PUT", refused(403, "full"), "the token may not do that"),
        ("/preupload/", "POST", said({"files": "?"}), "no answer of a Hub"),
        ("/create", "POST", Answer(200, b"<html>"), "no answer of a Hub"),
    ],
)
def test_a_push_that_fails_on_the_way_commits_nothing(
    fake_hub: FakeHub, models: Path, where: str, method: str, answer: Answer, line: str
) -> None:
    fake_hub.instead = _at(where, answer, method)
    assert line in push_refused(models)
    assert all(set(repo.files) == {".gitattributes"} for repo in fake_hub.repos.values())


@pytest.mark.usefixtures("verified")
def test_what_the_hub_left_out_is_noticed(fake_hub: FakeHub, models: Path) -> None:
    fake_hub.listed = lambda files: [f for f in files if not f["rfilename"].endswith("_model.h")]
    assert "did not arrive whole" in push_refused(models)


@pytest.mark.parametrize("path", ["../../evil", "/etc/passwd", "a\\..\\b", "x\n", ""])
def test_a_hostile_path_in_the_listing(pushed: FakeHub, tmp_path: Path, path: str) -> None:
    pushed.listed = lambda files: [*files, {"rfilename": path, "size": 1}]
    assert "which no repository can hold" in pull_refused(tmp_path / "got")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda e: e.update(file="../../evil.json"), "no name for a published file"),
        (
            lambda e: e["files"].update({"registry.json": {"sha256": "0" * 64, "bytes": 1}}),
            "no name for a published file",
        ),
        (lambda e: e["files"].update({".staging/journal.json": {"sha256": "0" * 64, "bytes": 1}}), "no name"),
        (lambda e: e.update(id="../x"), "../x"),
        (lambda e: e["files"]["dynamicsengine.onnx"].update(sha256="0" * 64), "another sha256"),
        (lambda e: e.pop("files"), "lists no files"),
        (lambda e: e.update(exports={}), "no ONNX file"),
        (lambda e: e.update(input_size="many"), "input_size"),
        (lambda e: e.update(input_size=31), "31"),
        (lambda e: e["files"].update({"dynamicsengine.kmw": {"sha256": "0" * 64, "bytes": 1}}), "which is not there"),
    ],
)
def test_a_registry_that_lies(pushed: FakeHub, tmp_path: Path, change: Callable, line: str) -> None:
    _changed(pushed, lambda registry: change(registry["models"][0]))
    assert line in pull_refused(tmp_path / "got")
    assert not (tmp_path / "got").exists() and not (tmp_path.parent / "evil").exists()


def test_a_fact_that_was_changed_on_the_hub(pushed: FakeHub, tmp_path: Path) -> None:
    repo = pushed.repos["me/lab"]
    registry = json.loads(repo.files["registry.json"])
    registry["models"][0]["training"]["hardware"] = "cpu: a better one"
    repo.add({**repo.files, "registry.json": json.dumps(registry).encode()})
    assert "changed by hand since it was written" in pull_refused(tmp_path / "got")


def test_registries_that_are_none(pushed: FakeHub, tmp_path: Path) -> None:
    repo = pushed.repos["me/lab"]
    _changed(pushed, lambda registry: registry["models"].append(registry["models"][0]))
    assert "names 3 models, 2 of them different" in pull_refused(tmp_path / "got")
    for text in (b"{", b"[]", b"[" * 100_000, b'{"models": []}', b'{"registry_version": "9.0", "models": []}'):
        repo.add({**repo.files, "registry.json": text})
        pull_refused(tmp_path / "got")


def test_a_file_that_differs_is_found_by_its_hash_and_its_size(pushed: FakeHub, tmp_path: Path) -> None:
    repo = pushed.repos["me/lab"]
    good = repo.files
    repo.add({**good, "dynamicsengine.onnx": good["dynamicsengine.onnx"][:-1] + b"x"})
    assert "dynamicsengine.onnx has another sha256" in pull_refused(tmp_path / "got")  # the listing says it already
    small = next(name for name, data in good.items() if name.endswith(".card.md") and len(data) <= 1 << 20)
    repo.add(good)
    pushed.instead = _at(small, Answer(200, b"x" * len(good[small])))
    assert "another sha256" in pull_refused(tmp_path / "got")
    pushed.instead = _at(small, Answer(200, b"x" * (len(good[small]) + 1)))
    assert "bytes it may have" in pull_refused(tmp_path / "got")


def test_sizes_without_end_are_not_read(pushed: FakeHub, tmp_path: Path) -> None:
    pushed.listed = lambda files: [{**f, "size": 1 << 40} if f["rfilename"].endswith(".onnx") else f for f in files]
    assert "more than a model has" in pull_refused(tmp_path / "got")
    pushed.listed = lambda files: [{**f, "size": 1 << 29} if f["rfilename"] != "registry.json" else f for f in files]
    assert "more than 1024" in pull_refused(tmp_path / "got")


@pytest.mark.parametrize(
    ("where", "answer", "line"),
    [
        ("/api/models/", refused(500, "oops"), "the Hub has trouble (500, oops)"),
        ("/api/models/", refused(401, "?"), "not yours to see"),
        ("/api/models/", refused(404, "?", "RepoNotFound"), "no such model repository"),
        ("/api/models/", refused(403, "ask", "GatedRepo"), "ask for it on its page"),
        ("/api/models/", Answer(200, b"<html>"), "no answer of a Hub"),
        ("/api/models/", said({"siblings": [1]}), "no answer of a Hub"),
        ("/api/models/", Answer(200, b'{"id": "x"', cut=True), "the connection failed"),
        (".onnx", refused(404, "?", "EntryNotFound"), "a file of its listing is not there"),
        (".onnx", refused(500, "oops"), "the Hub has trouble (500"),
        (".onnx", Answer(200, b"half of it", cut=True), "the connection failed"),
    ],
)
def test_a_pull_that_fails_on_the_way_writes_nothing(
    pushed: FakeHub, models: Path, where: str, answer: Answer, line: str
) -> None:
    pushed.instead = _at(where, answer)
    assert line in pull_refused(models)


def test_no_hub_there_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "the connection failed" in pull_refused(tmp_path / "got")


def test_a_branch_that_is_not_there(pushed: FakeHub, tmp_path: Path) -> None:
    assert "no such branch, tag or commit" in pull_refused(tmp_path / "got", revision="../main")


def test_a_model_in_production_stays_and_so_do_the_others(pushed: FakeHub, models: Path) -> None:
    registry = json.loads((models / "registry.json").read_text())
    registry["models"][-1]["status"] = "production"
    registry["models"][-1]["training"]["run_id"] = "mine"
    registry["models"][0]["training"]["run_id"] = "mine"
    (models / "registry.json").write_text(json.dumps(registry))
    assert "is in production" in pull_refused(models)


def test_a_model_that_its_own_vectors_refute_is_not_published(pushed: FakeHub, tmp_path: Path) -> None:
    repo = pushed.repos["me/lab"]
    golden = json.loads(repo.files["golden/dynamicsengine.json"])
    golden["sequence"]["outputs"][0][0] += 0.5
    data = json.dumps(golden).encode()
    repo.add({**repo.files, "golden/dynamicsengine.json": data})
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    _changed(pushed, lambda r: r["models"][0]["files"].update({"golden/dynamicsengine.json": facts}))
    assert "dynamicsengine" in pull_refused(tmp_path / "got")


@pytest.mark.parametrize("place", [".", "dynamicsengine.onnx", "golden"])
def test_links_in_the_folder_are_not_followed(pushed: FakeHub, tmp_path: Path, place: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "got").mkdir()
    if place == ".":
        (tmp_path / "got" / "registry.json.lock").symlink_to(elsewhere / "file")
    else:
        (tmp_path / "got" / place).symlink_to(elsewhere)
    pull_refused(tmp_path / "got")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "type hub.push=user/name or hub.pull=user/name"),
        (["hub.push=a/b", "hub.pull=a/b"], "exclude each other"),
        (["hub.push=a/b", "hub.revision=x"], "hub.revision belongs to hub.pull"),
        (["hub.pull=a/b", "hub.public=true"], "hub.public belongs to hub.push"),
        (["hub.pull=a/b", "hub.token=secret"], "hub.token"),
        (["hub.pull=a/b", "hub.public=maybe"], "hub.public"),
    ],
)
def test_what_is_typed_wrongly(refusal: Callable[..., str], words: list[str], line: str) -> None:
    said = refusal("task=hub", *words)
    assert line in said and "secret" not in said
