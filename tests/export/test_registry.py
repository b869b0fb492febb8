from __future__ import annotations

import errno
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from run_fixture import run_files, run_record

from kmidi_lab.contracts import CONTRACTS, HARMONY
from kmidi_lab.errors import RegistryError
from kmidi_lab.export import registry
from kmidi_lab.export.atomic import sha256_file
from kmidi_lab.export.entry import registry_entry
from kmidi_lab.export.registry import entry_status, load_registry, may_replace, publish, published_entry


def put(root: Path, mark: str = "a", *, contract=HARMONY, beats: bool = True, **kwargs: Any) -> dict[str, Any]:
    """Publishes a model whose files and run carry `mark`; returns the entry as it was given."""
    files = run_files(contract.id, mark)
    entry = registry_entry(run_record(beats=beats, run_id=f"run-{mark}"), contract, files)
    publish(root, entry, files, **kwargs)
    return entry


def check(root: Path) -> None:
    """The registry parses and every file it names is the one it names."""
    for entry in load_registry(root)["models"]:
        assert sha256_file(root / entry["file"]) == entry["exports"]["sha256"]
        assert sha256_file(root / entry["exports"]["onnx_path"]) == entry["exports"]["onnx_sha256"]
        for name, facts in entry["files"].items():
            assert sha256_file(root / name) == facts["sha256"]
    assert not (root / ".staging").exists()


def test_publish_and_read(tmp_path):
    put(tmp_path / "new" / "models")
    check(tmp_path / "new" / "models")
    whole = load_registry(tmp_path / "new" / "models")
    assert whole["registry_version"] == "1.1" and whole["generated_at"]
    entry = published_entry(tmp_path / "new" / "models", HARMONY.id)
    assert entry is not None and entry["status"] == "trained" and entry["history"] == []


def test_kmidis_own_schema_takes_it(tmp_path, shared):
    put(tmp_path)
    schema = json.loads((shared / "kmidi" / "registry.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(json.loads((tmp_path / "registry.json").read_text()))


def test_no_registry_is_an_empty_one_and_reading_writes_nothing(tmp_path):
    assert load_registry(tmp_path / "none")["models"] == []
    assert published_entry(tmp_path / "none", HARMONY.id) is None
    assert not (tmp_path / "none").exists()
    put(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    load_registry(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_both_readers_find_the_onnx_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(Path("models"))
    entry = published_entry(Path("models"), HARMONY.id)
    monkeypatch.chdir("/")
    assert Path(entry["onnx_path"]).is_file() and Path(entry["onnx_path"]).is_absolute()
    assert (tmp_path / "models" / entry["exports"]["onnx_path"]).is_file()


def test_a_release_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "outputs" / "release", onnx_prefix="outputs/release")
    entry = published_entry(tmp_path / "outputs" / "release", HARMONY.id)
    assert entry["onnx_path"] == "outputs/release/harmonypredictor.onnx"
    assert Path(entry["onnx_path"]).is_file()


def test_others_and_unknown_keys_are_kept(tmp_path, shared):
    theirs = json.loads((shared / "kmidi" / "registry.json").read_text())
    theirs["our_own_key"] = {"kept": True}
    for entry in theirs["models"]:
        entry["preset"] = "of someone else"
    (tmp_path / "registry.json").write_text(json.dumps(theirs))
    put(tmp_path)
    now = load_registry(tmp_path)
    assert now["our_own_key"] == {"kept": True} and now["$schema"] == theirs["$schema"]
    assert [e["id"] for e in now["models"]] == [e["id"] for e in theirs["models"]]
    for old, new in zip(theirs["models"], now["models"], strict=True):
        assert new["preset"] == "of someone else"
        if old["id"] != HARMONY.id:
            assert new == old
        else:
            assert new["input_size"] == 128 and "coreml_path" not in new["exports"]
            assert new["history"][0]["run_id"] == old["training"]["run_id"]


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (None, "training", True), ("stub", "training", True), ("training", "training", True),
        ("training", "trained", True), ("deprecated", "training", True), ("trained", "trained", True),
        ("production", "trained", False),
        ("trained", "training", False), ("production", "training", False),
    ],
)  # fmt: skip
def test_what_may_replace_what(old, new, allowed):
    ok, reason = may_replace(old and {"status": old, "training": {"run_id": "r1"}}, new)
    assert ok is allowed and reason
    if not allowed:
        assert "r1" in reason and old in reason


def test_a_run_below_its_baselines_leaves_the_trained_model(tmp_path):
    put(tmp_path, "good")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(RegistryError, match=r"trained .run run-good. and stays"):
        put(tmp_path, "bad", beats=False)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_status_of_a_run():
    status, reason = entry_status(run_record(beats=True))
    assert status == "trained" and "4-gram+cache on test perplexity (7.121 against 8.302)" in reason
    status, reason = entry_status(run_record(beats=False))
    assert status == "training" and "does not beat 4-gram+cache" in reason
    assert entry_status({"primary": None}) == ("training", "no baseline was scored")
    assert entry_status({"status": "failed", "error": "no data"}) == ("training", "the run failed: no data")


def test_a_metric_that_falls_short_is_named():
    run = run_record(beats=True)
    run["primary"]["also"][0] |= {"beats_baselines": False, "value": 0.524}
    assert "top1 (0.524 against 0.54)" in entry_status(run)[1]


def test_history_is_newest_first_and_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "HISTORY", 3)
    put(tmp_path, "0", beats=False)
    for n in range(1, 6):
        put(tmp_path, str(n))
    history = published_entry(tmp_path, HARMONY.id)["history"]
    assert [h["run_id"] for h in history] == ["run-4", "run-3", "run-2"]
    assert set(history[0]) == {"run_id", "status", "sha256", "training_date", "reason"}
    assert history[0]["status"] == "trained" and history[0]["reason"].startswith("beats")


def test_the_same_file_of_the_same_run_is_no_history(tmp_path):
    put(tmp_path, "a")
    put(tmp_path, "b")
    put(tmp_path, "b")
    assert [h["run_id"] for h in published_entry(tmp_path, HARMONY.id)["history"]] == ["run-a"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"registry_version": "1.1", "mod', r"not JSON .*backup"),
        (b"\xff\xfe", "not JSON"),
        (b'{"registry_version": "2.0", "models": []}', r"registry_version 2\.0.*update kmidi_lab"),
        (b'{"registry_version": "1.1"}', "'models' is a required property"),
        (b"[]", "is not of type 'object'"),
        (b'{"registry_version": "1.1", "models": [{"id": "Bad Id"}]}', r"models\[0\]"),
    ],
)
def test_a_broken_or_foreign_registry_is_refused_and_left_alone(tmp_path, content, says):
    (tmp_path / "registry.json").write_bytes(content)
    for action in (load_registry, put):
        with pytest.raises(RegistryError, match=says) as caught:
            action(tmp_path)
        assert "\n" not in str(caught.value) and "registry.json" in str(caught.value)
    assert (tmp_path / "registry.json").read_bytes() == content
    assert not (tmp_path / "harmonypredictor.onnx").exists()


def test_a_minor_version_is_fine(tmp_path):
    (tmp_path / "registry.json").write_text('{"registry_version": "1.7", "models": []}')
    put(tmp_path)
    assert load_registry(tmp_path)["registry_version"] == "1.7"


def test_a_wrong_hash_or_a_missing_file_is_refused(tmp_path):
    files = run_files(HARMONY.id)
    entry = registry_entry(run_record(), HARMONY, files)
    with pytest.raises(RegistryError, match=r"sha256 of harmonypredictor\.onnx"):
        publish(tmp_path, entry, {**files, "harmonypredictor.onnx": b"other"})
    del files["golden/harmonypredictor.json"]
    with pytest.raises(RegistryError, match=r"names golden/harmonypredictor\.json"):
        publish(tmp_path, entry, files)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../up.json", "/abs.json", "registry.json", ".staging/x", ""])
def test_files_stay_in_the_folder(tmp_path, name):
    files = run_files(HARMONY.id)
    entry = registry_entry(run_record(), HARMONY, files)
    with pytest.raises(RegistryError, match="no name for a published file"):
        publish(tmp_path, entry, {**files, name: b""})


@pytest.mark.parametrize(("key", "value"), [("status", "finished"), ("params", float("nan")), ("input_size", 0)])
def test_an_invalid_entry_is_refused(tmp_path, key, value):
    put(tmp_path, "old")
    before = (tmp_path / "registry.json").read_bytes()
    files = run_files(HARMONY.id, "new")
    entry = {**registry_entry(run_record(), HARMONY, files), key: value}
    with pytest.raises(RegistryError):
        publish(tmp_path, entry, files)
    assert (tmp_path / "registry.json").read_bytes() == before
    check(tmp_path)


def failing(error: int) -> Any:
    def call(*_: Any, **__: Any) -> None:
        raise OSError(error, os.strerror(error))

    return call


def test_a_read_only_folder_can_be_read_and_not_published_to(tmp_path, monkeypatch):
    """Tests may run as root, whom no mode stops: the lock refuses instead."""
    put(tmp_path, "old")
    monkeypatch.setattr(registry.FileLock, "acquire", failing(errno.EROFS))
    assert published_entry(tmp_path, HARMONY.id)["training"]["run_id"] == "run-old"
    with pytest.raises(RegistryError, match=r"can't be written .Read-only file system.") as caught:
        put(tmp_path, "new")
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert published_entry(tmp_path, HARMONY.id)["training"]["run_id"] == "run-old"
    check(tmp_path)


def test_a_full_disk_while_staging_changes_nothing(tmp_path, monkeypatch):
    put(tmp_path, "old")
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(RegistryError, match=r"No space left on device.*as they were"):
        put(tmp_path, "new")
    assert published_entry(tmp_path, HARMONY.id)["training"]["run_id"] == "run-old"
    check(tmp_path)


def test_a_lock_that_is_held_is_waited_for_and_then_named(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_LOCK_TIMEOUT_S", 0.1)
    with registry._locked(tmp_path), pytest.raises(RegistryError, match=r"another process holds registry\.json\.lock"):
        put(tmp_path)


def test_models_published_at_once_are_all_there(tmp_path):
    """Fourteen processes, two for each model."""
    fork = multiprocessing.get_context("fork")
    jobs = [
        fork.Process(target=put, args=(tmp_path, mark), kwargs={"contract": c})
        for c in CONTRACTS.values()
        for mark in "ab"
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    assert [job.exitcode for job in jobs] == [0] * len(jobs)
    check(tmp_path)
    entries = load_registry(tmp_path)["models"]
    assert {e["id"] for e in entries} == {c.id for c in CONTRACTS.values()}
    assert all(len(e["history"]) == 1 for e in entries)


def test_a_stand_in_never_replaces_real_data():
    old = {"status": "trained", "training": {"run_id": "r1"}, "stand_in": None}
    assert not may_replace(old, "trained", "stands in")[0]
    assert may_replace({**old, "stand_in": "stands in"}, "trained", "stands in")[0]
    assert may_replace(old, "trained", None)[0]
