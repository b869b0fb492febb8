"""A models folder from someone else: whatever its JSON and its links say, nothing outside what the lab writes changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_registry import put
from test_registry_faults import CHANGES, refused, snapshot

from kmidi_lab.contracts import HARMONY
from kmidi_lab.errors import RegistryError
from kmidi_lab.export.bench.published import read_published
from kmidi_lab.inference.published import load_published
from kmidi_lab.registry.history import rollback
from kmidi_lab.registry.names import is_of_model, is_written
from kmidi_lab.registry.registry import load_registry, published_entry

ID = HARMONY.id
FILES = [f"{ID}.onnx", "registry.json"]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a kept version, and a thesis beside it."""
    root = tmp_path / "models"
    put(root, "old")
    put(root, "live")
    (tmp_path / "thesis").mkdir()
    for name in ("chapter", "journal.json", "registry.json", f"{ID}.onnx"):
        (tmp_path / "thesis" / name).write_text("years of work")
    return root


def stage(root: Path, journal: Any, *names: str) -> None:
    """A journal, and staged files that would be put in place."""
    for name in names:
        path = root / ".staging" / ID / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("evil")
    (root / ".staging").mkdir(exist_ok=True)
    text = journal if isinstance(journal, str) else json.dumps(journal)
    (root / ".staging" / "journal.json").write_text(text)


def harmless(root: Path, says: str) -> None:
    """Every way to open the folder is refused in one line, and neither it nor what lies beside it has changed."""
    beside = snapshot(root.parent)
    for change in (load_registry, *CHANGES.values()):
        refused(root, change, says)
    assert snapshot(root.parent) == beside


@pytest.mark.parametrize(
    "name",
    [
        "../thesis/chapter", "/etc/hostname", ".bashrc", "notes.txt", "", ".", "..", "a\0b", "golden\\x.json", "golden",
        f"golden/../{ID}.onnx", f"./{ID}.onnx", f"{ID}.onnx/", f"{ID}.onnx\n", "groovepredictor.onnx", ".staging/journal.json",
        "registry.json.lock", f"history/{ID}/../{ID}.onnx", f"history/{ID}/v/../../x.json", f"history/{ID}/v/{ID}.exe",
        "history/groovepredictor/v/entry.json", f"history/{ID}/entry.json", "x" * 9000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["files", "remove"])
def test_a_journal_names_only_what_the_lab_writes(models, name, where):
    journal = {"run": ID, "files": FILES, "remove": []}
    journal[where] = [name, *journal[where]]
    stage(models, journal, *FILES)
    harmless(models, "is no file that the lab writes for harmonypredictor")


def test_an_absolute_name_removes_nothing(models):
    thesis = models.parent / "thesis" / "chapter"
    stage(models, {"run": "x", "files": [], "remove": [str(thesis)]})
    harmless(models, "is no file that the lab writes for x")
    assert thesis.read_text() == "years of work"


@pytest.mark.parametrize(
    ("journal", "says"),
    [
        ({"run": "../../thesis", "files": FILES}, "is no id of a model"),
        ({"run": "", "files": FILES}, "is no id of a model"),
        ({"run": f"{ID}\n", "files": FILES}, "is no id of a model"),
        ({"run": 7, "files": FILES}, "names no run"),
        ({"files": FILES}, "names no run"),
        ([], "names no run"),
        ({"run": ID}, "must be lists of names"),
        ({"run": ID, "files": "registry.json"}, "must be lists of names"),
        ({"run": ID, "files": [*FILES, None]}, "must be lists of names"),
        ({"run": ID, "files": FILES, "remove": {f"{ID}.json": 1}}, "must be lists of names"),
        ({"run": ID, "files": []}, "must be the last"),
        ({"run": ID, "files": FILES[::-1]}, "must be the last"),
        ({"run": ID, "files": [FILES[0], *FILES]}, "every name be there once"),
        ({"run": ID, "files": FILES, "remove": ["registry.json"]}, "every name be there once"),
        ({"run": ID, "files": [f"golden/{ID}.onnx.json", *FILES]}, r"onnx\.json. was lost"),
        ("[" * 50_000, "broken"),
        ("[" * 100_000, "has more than 65536 bytes"),
        ("\udcff".encode(errors="surrogateescape").decode("latin-1"), "broken"),
    ],
)  # fmt: skip
def test_a_journal_that_the_lab_cannot_have_written(models, journal, says):
    stage(models, journal, *FILES)
    harmless(models, says)


@pytest.mark.parametrize("where", [".staging", f".staging/{ID}", f".staging/{ID}/{FILES[0]}", FILES[0], "golden"])
def test_a_link_on_the_way(models, where):
    names = [f"golden/{ID}.json", *FILES]
    stage(models, {"run": ID, "files": names}, *names)
    path = models / where
    behind = models.parent / "thesis" / (FILES[0] if path.suffix == ".onnx" else "")
    if where == ".staging":
        shutil.move(models / where, models.parent / "thesis" / "staged")
        behind = models.parent / "thesis" / "staged"
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    path.symlink_to(behind)
    harmless(models, "is a link")


def test_a_journal_that_is_a_link(models):
    stage(models, "", *FILES)
    journal = models / ".staging" / "journal.json"
    journal.unlink()
    for behind in (models.parent / "thesis" / "journal.json", models / "nowhere"):
        journal.unlink(missing_ok=True)
        journal.symlink_to(behind)
        harmless(models, "is a link")


def test_a_folder_where_a_file_goes(models):
    stage(models, {"run": ID, "files": FILES, "remove": [f"{ID}_model.h"]}, *FILES)
    (models / f"{ID}_model.h").mkdir()
    harmless(models, "is a folder")


@pytest.mark.parametrize("name", ["thesis.txt", f"{ID}/notes.txt", "site/index.html", f"{ID}/golden/deep/{ID}.json"])
def test_a_staging_folder_of_another_program_is_left_alone(models, name):
    """Clearing what a publish left must not clear what it did not."""
    for journal in (False, True):
        if journal:
            stage(models, {"run": ID, "files": FILES}, *FILES)
        path = models / ".staging" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("years of work")
        beside = snapshot(models.parent)
        for change in CHANGES.values():
            refused(models, change, "which the lab does not write; nothing was touched")
        if not journal:
            assert load_registry(models)["models"], "it can still be read"
        assert snapshot(models.parent) == beside


def test_the_labs_own_journal_is_still_carried_out(models):
    staged = [f"golden/{ID}.json", f"history/{ID}/run-x-01234567/entry.json", "registry.json"]
    stage(models, {"run": ID, "files": staged, "remove": [f"{ID}.card.md"]}, *staged[:-1])
    (models / ".staging" / ID / "registry.json").write_bytes((models / "registry.json").read_bytes())
    load_registry(models)
    assert (models / staged[0]).read_text() == (models / staged[1]).read_text() == "evil"
    assert not (models / ".staging").exists() and not (models / f"{ID}.card.md").exists()


def test_what_a_publish_writes_is_what_a_journal_may_name(models):
    put(models, "new", header=True)
    written = {p.relative_to(models).as_posix() for p in models.rglob("*") if p.is_file()} - {"registry.json.lock"}
    assert len(written) > 10 and all(is_written(name, ID) for name in written)
    assert is_written("registry.json", "registry") and not is_of_model("registry.json", "registry")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("where", ["golden", "history", f"history/{ID}"])
def test_a_change_writes_and_clears_nothing_behind_a_link(models, where, change):
    """A promote writes neither, so it may go on; what lies behind the link stays in any case."""
    behind = models.parent / "thesis"
    shutil.rmtree(models / where)
    (models / where).symlink_to(behind)
    (behind / "folder").mkdir()
    (behind / "folder" / "page").write_text("more work")
    before = snapshot(behind)
    try:
        change(models)
    except RegistryError as error:
        assert "\n" not in str(error)
    assert snapshot(behind) == before


def test_a_lock_that_is_a_link_empties_no_file(models):
    lock, thesis = models / "registry.json.lock", models.parent / "thesis" / "chapter"
    lock.unlink()
    lock.symlink_to(thesis)
    refused(models, lambda root: rollback(root, ID, None, "why"), "a link, which the lab never makes")
    assert thesis.read_text() == "years of work"


def edit(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    registry = json.loads((root / "registry.json").read_text())
    change(registry["models"][0])
    (root / "registry.json").write_text(json.dumps(registry))


@pytest.mark.parametrize("name", ["../thesis/chapter", "/etc/hostname", "notes.txt", "a\0b"])
def test_an_entry_names_a_file_outside(models, name):
    """What is replaced is neither copied into the history nor removed; what is asked for is not read."""
    (models / "notes.txt").write_text("mine")
    edit(models, lambda e: e["files"].update({name: {"sha256": "0" * 64, "bytes": 1}}))
    beside = snapshot(models.parent / "thesis")
    put(models, "new")
    assert snapshot(models.parent / "thesis") == beside and (models / "notes.txt").read_text() == "mine"
    assert published_entry(models, ID)["history"][0]["kept"] is False
    if name == "notes.txt":
        return
    for key, ask in (
        ("onnx_path", lambda: load_published(models, "harmony")),
        ("onnx_path", lambda: read_published(models, published_entry(models, ID))),
    ):
        edit(models, lambda e, key=key: e["exports"].update({key: name}))
        with pytest.raises(RegistryError, match="leaves the folder"):
            ask()


@pytest.mark.parametrize("version", ["../../../thesis", "..", "", "a/b"])
def test_a_kept_version_is_a_plain_folder(models, version):
    edit(models, lambda e: e["history"][0].update(version=version))
    refused(models, lambda root: rollback(root, ID, None, "why"), "no earlier version is kept")


def test_a_registry_too_deep_to_read(models):
    (models / "registry.json").write_text('{"models": ' + "[" * 200_000)
    refused(models, load_registry, "not JSON")
