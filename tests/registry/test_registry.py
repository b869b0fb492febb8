from __future__ import annotations

import contextlib
import json
import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.run_fixture import run_files, run_record

from kmidi_lab.contracts import CONTRACTS, GROOVE, HARMONY, Contract
from kmidi_lab.errors import RegistryError
from kmidi_lab.files import sha256_file
from kmidi_lab.registry import transaction
from kmidi_lab.registry.entry import registry_entry
from kmidi_lab.registry.registry import BetterPublishedError, load_registry, publish, published_entry
from kmidi_lab.registry.rehoming import rehome
from kmidi_lab.registry.versions import kept_versions, read_version, version_of
from kmidi_lab.report.card import model_card
from kmidi_lab.report.formats import cell


def put(
    root: Path, mark: str = "a", *, contract=HARMONY, beats: bool = True, header: bool = False, **kwargs: Any
) -> dict[str, Any]:
    """Publishes what `made` makes; returns the entry as it was given."""
    entry, files = made(mark, contract, beats, header)
    publish(root, entry, files, **kwargs)
    return entry


def made(mark: str, contract: Contract, beats: bool, header: bool) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Entry and files of a model whose files and run carry `mark`, `header` one file more."""
    entry, files = _made(mark, contract.model, beats, header)
    return deepcopy(entry), dict(files)


@cache
def _made(mark: str, model: str, beats: bool, header: bool) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Made once: hundreds of tests, and of processes that they fork, publish the same."""
    contract, run = CONTRACTS[model], run_record(beats=beats, run_id=f"run-{mark}")
    files = run_files(contract.id, mark)
    files[f"{contract.id}.card.md"] = model_card(run, contract).encode()
    if header:
        files[f"{contract.id}_model.h"] = f"header {mark}".encode()
    return registry_entry(run, contract, files), files


def check(root: Path) -> None:
    """The registry parses, every file it names is the one it names, and the card tells the same status."""
    for entry in load_registry(root)["models"]:
        assert sha256_file(root / entry["file"]) == entry["exports"]["sha256"]
        assert sha256_file(root / entry["exports"]["onnx_path"]) == entry["exports"]["onnx_sha256"]
        for name, facts in entry["files"].items():
            assert sha256_file(root / name) == facts["sha256"]
        assert (
            f"Status **{entry['status']}**: {cell(entry['status_reason'])}.\n"
            in (root / entry["model_card"]).read_text()
        )
        for version in kept_versions(entry):
            assert version_of(read_version(root, entry, version)[0]) == version
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
    assert entry["onnx_path"] == entry["exports"]["onnx_path"] == "harmonypredictor.onnx"
    assert (tmp_path / "models" / entry["onnx_path"]).is_file()


def test_a_copied_folder_is_rehomed_for_the_reader_that_takes_the_path_as_it_is(tmp_path):
    for contract in (HARMONY, GROOVE):
        put(tmp_path / "made", contract=contract)
    shutil.copytree(tmp_path / "made", tmp_path / "copied")
    before = (tmp_path / "copied" / "registry.json").read_text()
    assert str(tmp_path) not in before
    assert rehome(tmp_path / "copied") == [HARMONY.id, GROOVE.id]
    for contract in (HARMONY, GROOVE):
        path = Path(published_entry(tmp_path / "copied", contract.id)["onnx_path"])
        assert path == tmp_path / "copied" / f"{contract.id}.onnx" and path.is_file()
        assert (tmp_path / "copied" / path).is_file()  # how the other reader joins it
    assert rehome(tmp_path / "copied") == []
    put(tmp_path / "copied", "later")
    assert Path(published_entry(tmp_path / "copied", HARMONY.id)["onnx_path"]).is_absolute()
    assert published_entry(tmp_path / "made", HARMONY.id)["onnx_path"] == "harmonypredictor.onnx"


def test_rehome_leaves_the_folder_to_nobody_else(tmp_path):
    put(tmp_path)
    registry = tmp_path / "registry.json"
    registry.write_text(registry.read_text().replace('"onnx_path": "harmony', '"onnx_path": "../harmony'))
    with pytest.raises(RegistryError, match="leaves the folder"):
        rehome(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda root: (root / "harmonypredictor.onnx").unlink(),
            "'harmonypredictor.onnx' is not there; copy the whole folder",
        ),
        (lambda root: (root / "registry.json").unlink(), "no registry.json there"),
        (lambda root: shutil.rmtree(root), "no registry.json there"),
        (lambda root: _change(root, lambda r: r["models"].append(r["models"][0])), "has 'harmonypredictor' twice"),
        (lambda root: _change(root, lambda r: r["models"][0]["exports"].update(onnx_path="a" * 5000)), "is not there"),
        (lambda root: _change(root, lambda r: r["models"][0]["exports"].update(onnx_path="golden")), "is not there"),
        (
            lambda root: _change(root, lambda r: r["models"][0]["exports"].update(onnx_path="/etc/hosts")),
            "leaves the folder",
        ),
    ],
)
def test_rehome_names_what_is_missing_and_changes_nothing(tmp_path, change, says):
    for contract in (HARMONY, GROOVE):
        put(tmp_path / "models", contract=contract)
    change(tmp_path / "models")
    registry = tmp_path / "models" / "registry.json"
    before = registry.read_bytes() if registry.exists() else None
    with pytest.raises(RegistryError, match=says):
        rehome(tmp_path / "models")
    assert (registry.read_bytes() if registry.exists() else None) == before


def _change(root, change):
    registry = json.loads((root / "registry.json").read_bytes())
    change(registry)
    (root / "registry.json").write_text(json.dumps(registry))


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


def test_a_run_below_its_baselines_leaves_the_trained_model(tmp_path):
    put(tmp_path, "good")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(RegistryError, match=r"trained .run run-good. and stays"):
        put(tmp_path, "bad", beats=False)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


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


@pytest.mark.parametrize(
    "name", ["../up.json", "/abs.json", "registry.json", "registry.json.lock", ".staging/x", "history/x", ""]
)
def test_files_stay_in_the_folder(tmp_path, name):
    files = run_files(HARMONY.id)
    entry = registry_entry(run_record(), HARMONY, files)
    with pytest.raises(RegistryError, match="no name for a published file"):
        publish(tmp_path, entry, {**files, name: b""})


@pytest.mark.parametrize(("key", "value"), [("status", "finished"), ("input_size", 0)])
def test_an_invalid_entry_is_refused(tmp_path, key, value):
    put(tmp_path, "old")
    before = (tmp_path / "registry.json").read_bytes()
    files = run_files(HARMONY.id, "new")
    entry = {**registry_entry(run_record(), HARMONY, files), key: value}
    with pytest.raises(RegistryError):
        publish(tmp_path, entry, files)
    assert (tmp_path / "registry.json").read_bytes() == before
    check(tmp_path)


def test_an_entry_with_nan_is_refused(tmp_path):
    """Python writes and reads it, and no other program."""
    put(tmp_path, "a")
    before = (tmp_path / "registry.json").read_bytes()
    entry, files = made("b", HARMONY, True, False)
    entry["training"]["val_loss"] = float("nan")
    with pytest.raises(RegistryError, match="harmonypredictor: the entry holds NaN or infinity; write null instead"):
        publish(tmp_path, entry, files)
    assert (tmp_path / "registry.json").read_bytes() == before


def test_every_new_name_is_on_the_disk_before_the_next(tmp_path, monkeypatch):
    """A power cut must not leave the new registry with the old files."""
    put(tmp_path, "a")
    done: list[tuple[str, Path]] = []
    real = Path.replace

    def replaced(path: Path, target: Path) -> Path:
        done.append(("moved", Path(target)))
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(transaction, "sync", lambda path: done.append(("synced", path)))
    put(tmp_path, "b")
    moves = [place for place, (what, target) in enumerate(done) if what == "moved" and ".staging" not in target.parts]
    assert len(moves) > 5 and done[moves[-1]] == ("moved", tmp_path / "registry.json")
    for place in moves:
        assert done[place + 1] == ("synced", done[place][1].parent)


def test_of_a_sweep_the_best_by_validation_stays_published(tmp_path):
    """In whatever order the jobs end; a run that is no job of the sweep replaces it as before."""

    def job(number: int, loss: float, sweep: str = "20261129-085057-e19a4c") -> tuple[dict[str, Any], dict[str, bytes]]:
        entry, files = made(str(number), HARMONY, True, False)
        entry["training"] |= {"run_id": f"{sweep}-{number}", "val_loss": loss}
        return entry, files

    group = "20261129-085057-e19a4c"
    for order in ([(0, 1.2), (1, 0.9), (2, 1.1)], [(2, 1.1), (0, 1.2), (1, 0.9)], [(1, 0.9), (0, 1.2), (2, 1.1)]):
        root = tmp_path / "".join(str(n) for n, _ in order)
        put(root, "other")
        for number, loss in order:
            entry, files = job(number, loss)
            with contextlib.suppress(BetterPublishedError):
                publish(root, entry, files, sweep=group)
        assert load_registry(root)["models"][0]["training"]["run_id"] == f"{group}-1"
        check(root)
        entry, files = job(0, 1.2)
        with pytest.raises(
            BetterPublishedError, match=r"job 1 of this sweep is as good or better by validation \(val/loss 0.9"
        ):
            publish(root, entry, files, sweep=group)
        publish(root, entry, files)  # task=export of a job that a person names
        assert load_registry(root)["models"][0]["training"]["run_id"] == f"{group}-0"
        entry, files = job(3, 5.0, "20261130-085057-aaaaaa")
        publish(root, entry, files, sweep="20261130-085057-aaaaaa")
        assert load_registry(root)["models"][0]["training"]["run_id"].endswith("aaaaaa-3")
