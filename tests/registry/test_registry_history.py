"""What a publish keeps of the entry it replaces, and how a rollback uses it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.run_fixture import run_files, run_record
from test_registry import check, put

from kmidi_lab.contracts import GROOVE, HARMONY
from kmidi_lab.errors import RegistryError
from kmidi_lab.registry import versions
from kmidi_lab.registry.entry import registry_entry
from kmidi_lab.registry.history import rollback
from kmidi_lab.registry.registry import load_registry, publish, published_entry
from kmidi_lab.registry.rehoming import rehome
from kmidi_lab.registry.versions import kept_versions, version_of

HEADER = f"{HARMONY.id}_model.h"


def now(root: Path) -> dict[str, Any]:
    entry = published_entry(root, HARMONY.id)
    assert entry is not None
    return entry


def runs(root: Path) -> list[str]:
    return [line["run_id"] for line in now(root)["history"]]


def kept_folders(root: Path) -> set[str]:
    return {p.name for p in (root / "history" / HARMONY.id).iterdir()}


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def own_files(root: Path) -> dict[str, bytes]:
    return {name: (root / name).read_bytes() for name in now(root)["files"]}


def test_the_replaced_version_is_kept_whole(tmp_path):
    put(tmp_path, "a", header=True)
    before, files = now(tmp_path), own_files(tmp_path)
    put(tmp_path, "b")
    [line] = now(tmp_path)["history"]
    folder = tmp_path / "history" / HARMONY.id / line["version"]
    assert line["version"] == version_of(before) and line["version"].startswith("run-a-")
    assert json.loads((folder / "entry.json").read_bytes()) == before
    assert {name: (folder / name).read_bytes() for name in files} == files
    assert set(line) == {
        "version", "run_id", "status", "sha256", "training_date", "reason", "replaced_at", "replaced_because", "kept",
        "entry_sha256", "older", "digest",
    }  # fmt: skip
    assert line["reason"].startswith("beats 4-gram") and line["kept"] is True
    assert line["replaced_because"].startswith("published run run-b: beats 4-gram")
    assert not (tmp_path / HEADER).exists()
    check(tmp_path)


def test_history_is_newest_first_and_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "LINES", 3)
    monkeypatch.setattr(versions, "MOST_VERSIONS", 2)
    put(tmp_path, "0", beats=False)
    for n in range(1, 6):
        put(tmp_path, str(n))
    assert runs(tmp_path) == ["run-4", "run-3", "run-2"]
    assert [line["kept"] for line in now(tmp_path)["history"]] == [True, True, False]
    assert kept_folders(tmp_path) == set(kept_versions(now(tmp_path)))
    check(tmp_path)


def test_the_same_file_of_the_same_run_is_no_history(tmp_path):
    for mark in "abb":
        put(tmp_path, mark)
    assert runs(tmp_path) == ["run-a"]


@pytest.mark.parametrize("name", [f"{HARMONY.id}.onnx", f"{HARMONY.id}.head.json", f"{HARMONY.id}.card.md"])
def test_another_file_of_the_same_run_is_another_version(tmp_path, name):
    files = run_files(HARMONY.id, "a")
    publish(tmp_path, registry_entry(run_record(), HARMONY, files), files)
    changed = {**files, name: b"other"}
    for _ in range(2):
        publish(tmp_path, registry_entry(run_record(), HARMONY, changed), changed)
    [line] = now(tmp_path)["history"]
    assert line["kept"] and line["version"] != version_of(now(tmp_path))
    rollback(tmp_path, HARMONY.id, line["version"], "the first was right")
    assert (tmp_path / name).read_bytes() == files[name]


def test_a_version_that_an_older_lab_named_is_found_and_not_kept_twice(tmp_path):
    put(tmp_path, "a")
    before = now(tmp_path)
    put(tmp_path, "b")
    older = f"run-a-{before['exports']['sha256'][:8]}"
    folder = tmp_path / "history" / HARMONY.id
    (folder / version_of(before)).rename(folder / older)
    path = tmp_path / "registry.json"
    path.write_text(path.read_text().replace(version_of(before), older))
    put(tmp_path, "c")
    assert kept_versions(now(tmp_path))[1] == older and kept_folders(tmp_path) == set(kept_versions(now(tmp_path)))
    assert rollback(tmp_path, HARMONY.id, older, "why")["training"]["run_id"] == "run-a"
    assert [h["run_id"] for h in now(tmp_path)["history"] if h["kept"]] == ["run-c", "run-b"]
    assert kept_folders(tmp_path) == set(kept_versions(now(tmp_path)))
    check(tmp_path)


def test_a_kept_version_that_is_published_again_is_nothing_to_go_back_to(tmp_path):
    """Only a name from an older lab hides that the two are one."""
    put(tmp_path, "a")
    before = version_of(now(tmp_path))
    put(tmp_path, "b")
    folder, path = tmp_path / "history" / HARMONY.id, tmp_path / "registry.json"
    (folder / before).rename(folder / "run-a-01234567")
    path.write_text(path.read_text().replace(before, "run-a-01234567"))
    put(tmp_path, "a")
    with pytest.raises(RegistryError, match="run-a-01234567 is what is published; name another version of run-b-"):
        rollback(tmp_path, HARMONY.id, "run-a-01234567", "why")


def test_a_release_keeps_the_line_but_no_files(tmp_path):
    put(tmp_path, "a", onnx_prefix="release", header=True)
    put(tmp_path, "b", onnx_prefix="release")
    assert [(h["run_id"], h["kept"]) for h in now(tmp_path)["history"]] == [("run-a", False)]
    assert not (tmp_path / "history").exists() and not (tmp_path / HEADER).exists()
    with pytest.raises(RegistryError, match="no earlier version is kept"):
        rollback(tmp_path, HARMONY.id, None, "why not")


def test_a_file_that_another_model_names_stays(tmp_path):
    put(tmp_path, "a", header=True)
    put(tmp_path, "g", contract=GROOVE)
    path = tmp_path / "registry.json"
    registry = json.loads(path.read_text())
    registry["models"][1]["files"][HEADER] = registry["models"][0]["files"][HEADER]
    path.write_text(json.dumps(registry))
    put(tmp_path, "b")
    assert (tmp_path / HEADER).read_bytes() == b"header a"
    check(tmp_path)


@pytest.mark.parametrize("damage", ["half-written", "missing"])
def test_a_damaged_version_makes_way_and_is_not_kept(tmp_path, damage, caplog):
    put(tmp_path, "a")
    path = tmp_path / "harmonypredictor.onnx"
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes()[:9])
    put(tmp_path, "b")
    assert [h["kept"] for h in now(tmp_path)["history"]] == [False]
    assert "not kept for a rollback" in caplog.text
    check(tmp_path)


def test_a_foreign_entry_is_replaced_and_not_kept(tmp_path):
    theirs = {
        "id": HARMONY.id, "file": "h.json", "format": "rtneural-json", "task": "harmony_prediction", "status": "stub",
        "input_size": 128, "output_size": 64, "training": {"run_id": "../../up"}, "exports": {"sha256": "sha/1"},
    }  # fmt: skip
    (tmp_path / "registry.json").write_text(json.dumps({"registry_version": "1.0", "models": [theirs]}))
    put(tmp_path, "a")
    [line] = now(tmp_path)["history"]
    assert re.fullmatch(r"\.\._\.\._up-[0-9a-f]{8}", line["version"]) and not line["kept"]
    assert version_of(theirs) != version_of({**theirs, "exports": {"sha256": "sha/2"}})


def test_rollback_puts_files_and_entry_back(tmp_path):
    put(tmp_path, "a")
    before, files = now(tmp_path), own_files(tmp_path)
    put(tmp_path, "b", header=True)
    replaced = version_of(now(tmp_path))
    entry = rollback(tmp_path, HARMONY.id, None, "b sounds\n worse")
    assert entry == now(tmp_path)
    changed = {"history", "digest"}
    assert {k: v for k, v in entry.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}
    assert own_files(tmp_path) == files and not (tmp_path / HEADER).exists()
    assert runs(tmp_path) == ["run-b", "run-a"]
    assert entry["history"][0]["replaced_because"] == "rolled back: b sounds worse"
    assert kept_versions(entry) == [replaced] and kept_folders(tmp_path) == {replaced}
    check(tmp_path)
    again = rollback(tmp_path, HARMONY.id, None, "not so bad")
    assert version_of(again) == replaced and (tmp_path / HEADER).read_bytes() == b"header b"
    assert runs(tmp_path) == ["run-a", "run-b", "run-a"] and kept_versions(again) == [version_of(before)]
    check(tmp_path)


def test_rollback_to_a_named_version(tmp_path):
    for mark in "abc":
        put(tmp_path, mark)
    oldest = now(tmp_path)["history"][1]["version"]
    assert rollback(tmp_path, HARMONY.id, oldest, "first was best")["training"]["run_id"] == "run-a"
    assert [h["kept"] for h in now(tmp_path)["history"]] == [True, True, False]
    check(tmp_path)
    for version, says in ((oldest, "is the version that is published"), ("../../x", "is not kept; kept: run-c-")):
        with pytest.raises(RegistryError, match=says):
            rollback(tmp_path, HARMONY.id, version, "again")


def test_a_moved_folder_gets_a_new_onnx_path(tmp_path):
    put(tmp_path / "old", "a")
    put(tmp_path / "old", "b")
    rehome(tmp_path / "old")
    shutil.move(tmp_path / "old", tmp_path / "new")
    entry = rollback(tmp_path / "new", HARMONY.id, None, "moved")
    assert entry["onnx_path"] == str(tmp_path / "new" / "harmonypredictor.onnx")


def test_a_release_stays_relative_whatever_it_goes_back_to(tmp_path):
    put(tmp_path, "a")
    put(tmp_path, "b", onnx_prefix="outputs/release")
    put(tmp_path, "c")
    put(tmp_path, "d", onnx_prefix="outputs/release")
    [version] = kept_versions(now(tmp_path))
    entry = rollback(tmp_path, HARMONY.id, version, "why")
    assert entry["training"]["run_id"] == "run-b"
    assert entry["onnx_path"] == "outputs/release/harmonypredictor.onnx"


def test_unknown_keys_of_others_survive_a_rollback(tmp_path):
    put(tmp_path, "a")
    put(tmp_path, "b")
    path = tmp_path / "registry.json"
    registry = json.loads(path.read_text())
    registry["models"][0]["preset"] = registry["theirs"] = "of someone else"
    path.write_text(json.dumps(registry))
    rollback(tmp_path, HARMONY.id, None, "why")
    assert now(tmp_path)["preset"] == load_registry(tmp_path)["theirs"] == "of someone else"
