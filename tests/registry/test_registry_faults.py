"""Full disks, read-only folders, damaged files: one clear line, and the folder as it was, byte for byte."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.validated import validated_once  # noqa: F401  a fixture of all tests here
from test_registry import check, put

from kmidi_lab.contracts import GROOVE, HARMONY
from kmidi_lab.errors import RegistryError
from kmidi_lab.registry import lock
from kmidi_lab.registry.history import promote, rollback
from kmidi_lab.registry.registry import load_registry, published_entry

LOCK = "registry.json.lock"
Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "publish": lambda root: put(root, "new"),
    "promote": lambda root: promote(root, HARMONY.id, "why"),
    "rollback": lambda root: rollback(root, HARMONY.id, None, "why"),
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def snapshot(root: Path) -> dict[str, bytes | None]:
    """Every file and folder but the lock."""
    return {
        str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in root.rglob("*") if p.name != LOCK
    }


def refused(root: Path, change: Change, says: str) -> None:
    """The change ends in one line that matches, and nothing has changed."""
    before = snapshot(root)
    with pytest.raises(RegistryError, match=says) as caught:
        change(root)
    assert "\n" not in str(caught.value)
    assert snapshot(root) == before


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A neighbour, and a harmony model (with a header) that has a version to go back to."""
    root = tmp_path / "models"
    put(root, "n", contract=GROOVE)
    put(root, "old")
    put(root, "live", header=True)
    return root


class FullDisk:
    """Fails the n-th thing that needs space, and those after it too unless `once`; deleting works."""

    def __init__(self, patch: pytest.MonkeyPatch, step: int, once: bool) -> None:
        self.left, self.once, self.hits = step, once, 0
        for owner, name in ((os, "fsync"), (Path, "mkdir"), (Path, "replace"), (Path, "open")):
            patch.setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            writes = real.__name__ != "open" or "xb" in args
            self.left -= writes
            if writes and (self.left == 0 or (self.left < 0 and not self.once)):
                self.hits += 1
                if real.__name__ == "open":
                    with real(*args, **kwargs) as file:
                        file.write(b"half")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args, **kwargs)

        return call


@pytest.mark.slow
@pytest.mark.parametrize("once", [True, False], ids=["once", "for good"])
@every_change
def test_a_disk_that_is_full_at_any_step(models, tmp_path, change, once):
    root, done, waiting, step = tmp_path / "copy", 0, 0, 0
    while True:
        step += 1
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(models, root)
        before, entry = snapshot(root), published_entry(root, HARMONY.id)
        with pytest.MonkeyPatch.context() as patch:
            disk = FullDisk(patch, step, once)
            try:
                change(root)
            except RegistryError as error:
                said = str(error)
            else:
                said = ""
        if not disk.hits:
            break
        assert "No space left on device" in said and "\n" not in said
        if "the next opening puts them in place" in said:
            assert published_entry(root, HARMONY.id) != entry
            waiting += 1
        else:
            assert snapshot(root) == before
            done += 1
        check(root)
        assert published_entry(root, GROOVE.id)["training"]["run_id"] == "run-n"
    assert done > 5 and waiting > 2


@every_change
def test_a_full_disk_while_staging_changes_nothing(models, monkeypatch, change):
    FullDisk(monkeypatch, 3, once=False)
    refused(models, change, r"No space left on device.*as they were")


@every_change
def test_a_read_only_folder_can_be_read_and_not_changed(models, monkeypatch, change):
    """Tests may run as root, whom no mode stops: the lock refuses instead."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(lock.FileLock, "acquire", fail)
    assert published_entry(models, HARMONY.id)["training"]["run_id"] == "run-live"
    refused(models, change, r"can't be written .Read-only file system.")
    (models / ".staging" / "half").mkdir(parents=True)
    assert published_entry(models, HARMONY.id)["training"]["run_id"] == "run-live"
    (models / ".staging" / "journal.json").write_text("{}")
    refused(models, load_registry, r"can't be written .Read-only file system.")


@pytest.mark.parametrize("lock", [True, False], ids=["lock there", "no lock"])
@every_change
def test_a_folder_without_write_permission(models, change, lock):
    if not lock:
        (models / LOCK).unlink()
    models.chmod(0o555)
    if os.access(models, os.W_OK):
        pytest.skip("no mode stops root")
    try:
        assert published_entry(models, HARMONY.id)["training"]["run_id"] == "run-live"
        refused(models, change, r"can't be written .Permission denied.")
    finally:
        models.chmod(0o755)


@every_change
def test_a_registry_of_another_version(models, change):
    path = models / "registry.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "registry_version": "2.0"}))
    refused(models, change, r"registry_version 2\.0, this lab knows 1\.x; update kmidi_lab")


@pytest.mark.parametrize("name", ["harmonypredictor.onnx", "golden/harmonypredictor.json", f"{HARMONY.id}_model.h"])
def test_promote_wants_every_file_as_published(models, name):
    content = (models / name).read_bytes()
    (models / name).write_bytes(content[:-1])
    refused(models, CHANGES["promote"], rf"{name}: half-written or changed")
    (models / name).unlink()
    refused(models, CHANGES["promote"], rf"{name}: can't be read .No such file")


@pytest.mark.parametrize("name", ["harmonypredictor.onnx", "golden/harmonypredictor.json", "entry.json"])
def test_rollback_wants_every_file_as_kept(models, name):
    [folder] = (models / "history" / HARMONY.id).iterdir()
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    refused(models, CHANGES["rollback"], rf"{name}: (half-written or changed|can't be read)")
    (folder / name).unlink()
    refused(models, CHANGES["rollback"], rf"{name}: can't be read .No such file")


def unsign(models):
    """The history as a lab wrote it that kept no hash of an entry."""
    registry = json.loads((models / "registry.json").read_text())
    for entry in registry["models"]:
        for line in entry["history"]:
            for key in ("entry_sha256", "older", "digest"):
                line.pop(key, None)
    (models / "registry.json").write_text(json.dumps(registry))


def test_a_kept_entry_of_another_model_or_with_paths_outside(models):
    [folder] = (models / "history" / HARMONY.id).iterdir()
    kept = json.loads((folder / "entry.json").read_text())
    (folder / "entry.json").write_text(json.dumps({**kept, "id": GROOVE.id}))
    refused(models, CHANGES["rollback"], "it was changed since it was kept")
    unsign(models)
    refused(models, CHANGES["rollback"], "it is of groovepredictor")
    (folder / "entry.json").write_text(json.dumps({**kept, "file": "../../../x"}))
    refused(models, CHANGES["rollback"], r"'\.\./\.\./\.\./x' is no name for a published file")
    (folder / "entry.json").write_text(json.dumps({**kept, "status": "finished"}))
    refused(models, CHANGES["rollback"], "'finished' is not one of")


def test_a_broken_journal(models):
    (models / ".staging").mkdir()
    (models / ".staging" / "journal.json").write_text('{"run": "x", "fi')
    for change in (load_registry, *CHANGES.values()):
        refused(models, change, r"journal\.json: broken .*; delete .*\.staging")


def test_rollback_rescues_a_damaged_model(models):
    (models / "harmonypredictor.onnx").write_bytes(b"ha")
    entry = rollback(models, HARMONY.id, None, "the file broke")
    assert entry["training"]["run_id"] == "run-old"
    assert [(h["run_id"], h["kept"]) for h in entry["history"]] == [("run-live", False), ("run-old", False)]
    check(models)
