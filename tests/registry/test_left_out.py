"""A models folder without its RTNeural files, as in the wheel: what runs, what is refused, and what stays a fault."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from support.partial import MODEL, RELEASE, WHERE, partial_release, say_left_out

from kmidi_lab import start_weights
from kmidi_lab.config import check
from kmidi_lab.errors import RegistryError, UserError
from kmidi_lab.export.cpp.__main__ import main as make_cpp
from kmidi_lab.hub.push import published as to_push
from kmidi_lab.inference.published import example_root, load_published
from kmidi_lab.nn.module import LabModule
from kmidi_lab.registry.history import promote
from kmidi_lab.registry.left_out import is_partial, listed
from kmidi_lab.registry.registry import publish
from kmidi_lab.targets import build
from kmidi_lab.tasks import bench
from kmidi_lab.verify.folder import verify_folder

FILE = f"{MODEL}.json"
LEFT_OUT = f"{FILE} is left out here; it is {WHERE}"


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    return partial_release(tmp_path / "partial")


def faults(root: Path) -> list[str]:
    return [f"{f.subject}: {f.message}" for f in verify_folder(root, None).faults]


def test_it_is_sound_and_says_what_is_not_checked(partial: Path) -> None:
    before = {path: path.read_bytes() for path in partial.rglob("*") if path.is_file()}
    result = verify_folder(partial, None)
    assert result.faults == []
    assert [f"{n.subject}: {n.message}" for n in result.notes] == [f"{MODEL}: {LEFT_OUT}; it is not checked"]
    assert len(result.models) == 1 and result.models[0].passed > 100
    assert {path: path.read_bytes() for path in partial.rglob("*") if path.is_file()} == before


def _unnamed(root: Path) -> None:
    say_left_out(root, {})


def _without_a_list(root: Path) -> None:
    (root / "left_out.json").unlink()


def _of_another_version(root: Path) -> None:
    say_left_out(root, {FILE: "0" * 64})


def _onnx_too(root: Path) -> None:
    files = json.loads((root / "left_out.json").read_text())["files"]
    (root / f"{MODEL}.onnx").unlink()
    sha = hashlib.sha256((RELEASE / f"{MODEL}.onnx").read_bytes()).hexdigest()
    say_left_out(root, {**files, f"{MODEL}.onnx": sha})


def _golden_too(root: Path) -> None:
    (root / "golden" / FILE).unlink()


def _there_but_changed(root: Path) -> None:
    (root / FILE).write_bytes((RELEASE / FILE).read_bytes()[:-1] + b" ")


def _no_list_at_all(root: Path) -> None:
    (root / "left_out.json").write_text("[1]")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_unnamed, f"'{FILE}', and there is no such file"),
        (_without_a_list, f"'{FILE}', and there is no such file"),
        (_of_another_version, f"left_out.json names '{FILE}', which no entry has"),
        (_of_another_version, f"'{FILE}', and there is no such file"),
        (_onnx_too, f"names '{MODEL}.onnx'; only RTNeural files may be left out"),
        (_onnx_too, f"'{MODEL}.onnx', and there is no such file"),
        (_golden_too, f"'golden/{FILE}', and there is no such file"),
        (_there_but_changed, f"'{FILE}' has sha256"),
        (_no_list_at_all, "not a list of files left out"),
    ],
)
def test_only_a_named_rtneural_file_may_be_missing(partial: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(partial)
    assert any(said in line for line in faults(partial)), faults(partial)


def test_a_newer_version_that_is_published_there_is_no_fault_of_the_list(partial: Path) -> None:
    registry = json.loads((RELEASE / "registry.json").read_bytes())
    [entry] = [entry for entry in registry["models"] if entry["id"] == MODEL]
    files = {name: (RELEASE / name).read_bytes() for name in entry["files"]}
    files[FILE] += b"\n"
    sha = hashlib.sha256(files[FILE]).hexdigest()
    entry["exports"]["sha256"] = entry["files"][FILE]["sha256"] = sha
    entry["files"][FILE]["bytes"] = len(files[FILE])
    publish(partial, entry, files)
    assert (partial / FILE).read_bytes() == files[FILE]
    assert not [line for line in faults(partial) if "left" in line], faults(partial)
    (partial / FILE).unlink()
    assert any(f"left_out.json names '{FILE}', which no entry has" in line for line in faults(partial))


def test_only_a_file_that_is_not_there_goes_unchecked(partial: Path) -> None:
    (partial / FILE).symlink_to(partial / "nowhere")
    assert any(FILE in line for line in faults(partial)), faults(partial)
    (partial / FILE).unlink()
    assert is_partial(partial)
    (partial / FILE).write_bytes((RELEASE / FILE).read_bytes())
    for files in ({}, json.loads((partial / "left_out.json").read_text())["files"]):
        say_left_out(partial, files)
        result = verify_folder(partial, None)
        assert result.faults == [] and not is_partial(partial)
        assert [note.message for note in result.notes] == [
            "RTNEURAL_RUNNER is not set, so RTNeural files ran in the lab's own reader only"
        ]


@pytest.mark.parametrize("files", [[[1, "a"]], [[FILE, "0" * 64]], {FILE: 1}, {FILE: "0" * 63}, {FILE: "G" * 64}, None])
def test_a_list_that_maps_no_names_to_hashes_is_one_fault(partial: Path, files: object) -> None:
    say_left_out(partial, files)
    lines = [line for line in faults(partial) if "not a list of files left out" in line]
    assert len(lines) == 1 and "\n" not in lines[0]
    with pytest.raises(RegistryError, match="not a list of files left out"):
        listed(partial)
    assert is_partial(partial)


def test_it_answers_as_the_whole_release_does(partial: Path) -> None:
    model, whole = load_published(partial, "dynamics"), load_published(RELEASE, "dynamics")
    assert model is not None and whole is not None
    x = np.random.default_rng(0).random((4, model.contract.input_size), np.float32)
    assert np.array_equal(model.call(x), whole.call(x))
    (partial / "left_out.json").unlink()
    with pytest.raises(RegistryError, match="can't be read"):
        load_published(partial, "dynamics")


def test_it_is_timed_and_the_table_says_what_is_not(
    partial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMIDI_RUNNER", sys.executable)
    folder = tmp_path / "bench"
    folder.mkdir()
    bench.main(OmegaConf.create({"models_root": str(partial), "export": {"calls": 20}}), {"folder": folder})
    measured = json.loads((folder / "bench.json").read_text())["models"][MODEL]
    assert measured["not_measured"]["rtneural"] == measured["not_measured"]["kmidi_runtime"] == LEFT_OUT
    assert "onnxruntime" in measured["backends"]
    assert f"rtneural not measured: {LEFT_OUT}" in capsys.readouterr().out


def test_what_needs_the_file_is_refused_in_a_line_that_says_where_it_is(partial: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    refusals: list[Callable[[], object]] = [
        lambda: promote(partial, MODEL, "a test"),
        lambda: to_push(partial),
        lambda: make_cpp([str(partial), out]),
        lambda: make_cpp([str(partial / FILE), out]),
    ]
    for refused in refusals:
        with pytest.raises(UserError) as caught:
            refused()
        line = str(caught.value)
        assert WHERE in line and "\n" not in line, line


def test_a_training_starts_without_it(partial: Path) -> None:
    """The ONNX file holds the weights."""
    [cfg] = check(["experiment=dynamics_taught"], False)
    assert MODEL in start_weights.load(build(cfg.model.module, LabModule, ()), str(partial)).source


def test_it_is_no_example_where_its_files_are_needed(partial: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmidi_lab.inference.published.release_root", lambda: partial)
    assert example_root(whole=True) == "models_root=DIR"
    assert example_root("registry.other") == f"registry.other={partial}"
    monkeypatch.chdir(partial.parent)
    assert example_root() == "models_root=partial"
