"""Opening published models, also those of another program, and telling a changed file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.run_fixture import tiny_onnx

from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.errors import RegistryError
from kmidi_lab.files import sha256_file
from kmidi_lab.inference.published import load_published
from kmidi_lab.registry.files import LARGEST_FILE


def folder(root: Path, **exports: Any) -> Path:
    """A registry with one entry, as a program that writes no more than the required fields has it."""
    root.mkdir()
    (root / "dynamicsengine.onnx").write_bytes(tiny_onnx(DYNAMICS))
    entry = {
        "id": DYNAMICS.id, "file": "dynamicsengine.onnx", "format": "onnx", "task": DYNAMICS.task, "input_size": 32,
        "output_size": 16, "status": "trained", "exports": {"onnx_path": "dynamicsengine.onnx", **exports},
    }  # fmt: skip
    registry = {"registry_version": "1.1", "generated_at": "2026-11-22T20:30:00+00:00", "models": [entry]}
    (root / "registry.json").write_text(json.dumps(registry))
    return root


def test_an_entry_without_a_hash_is_opened(tmp_path):
    published = load_published(folder(tmp_path / "models"), "dynamics")
    assert published is not None
    assert published.call(np.zeros((2, 32), np.float32)).shape == (2, 16)


def test_a_file_that_is_not_the_one_described_is_refused(tmp_path):
    root = folder(tmp_path / "models", onnx_sha256="0" * 64)
    with pytest.raises(RegistryError, match="half-written or changed"):
        load_published(root, "dynamics")
    sha = sha256_file(root / "dynamicsengine.onnx")
    assert load_published(folder(tmp_path / "same", onnx_sha256=sha), "dynamics") is not None


def test_without_a_registry_or_with_a_stub_there_is_nothing_to_open(tmp_path):
    assert load_published(tmp_path / "none", "dynamics") is None
    root = folder(tmp_path / "models")
    text = (root / "registry.json").read_text()
    (root / "registry.json").write_text(text.replace('"trained"', '"stub"'))
    assert load_published(root, "dynamics") is None


def test_every_hash_is_checked(tmp_path):
    root = folder(tmp_path / "models")
    (root / "dynamicsengine.json").write_text("{}")
    registry = json.loads((root / "registry.json").read_bytes())
    registry["models"][0]["files"] = {
        "dynamicsengine.json": {"sha256": sha256_file(root / "dynamicsengine.json"), "bytes": 2}
    }
    (root / "registry.json").write_text(json.dumps(registry))
    assert load_published(root, "dynamics") is not None
    (root / "dynamicsengine.json").write_text("{ }")
    with pytest.raises(RegistryError, match=r"dynamicsengine\.json: half-written or changed"):
        load_published(root, "dynamics")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link"])
def test_what_is_no_plain_file_below_the_folder_is_refused_at_once(tmp_path, kind):
    root = folder(tmp_path / "models")
    path = root / "dynamicsengine.onnx"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "/etc/passwd")
    with pytest.raises(RegistryError, match=r"not a plain file|leaves the folder"):
        load_published(root, "dynamics")


def test_a_file_larger_than_any_model_is_refused(tmp_path):
    root = folder(tmp_path / "models")
    with (root / "dynamicsengine.onnx").open("ab") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(RegistryError, match="larger than 512 MiB"):
        load_published(root, "dynamics")


def test_what_the_data_stand_in_for_is_said_once(tmp_path):
    root = folder(tmp_path / "models")
    registry = json.loads((root / "registry.json").read_bytes())
    told = {"status": "training", "stand_in": "Made by rule.", "note": "beats nothing. Stand-in data: Made by rule."}
    for extra in (told, told | {"status_reason": "beats nothing"}, told | {"status": "trained"}):
        registry["models"][0] = {**registry["models"][0], **extra}
        (root / "registry.json").write_text(json.dumps(registry))
        published = load_published(root, "dynamics")
        assert published and "\n".join(published.warnings()).count("Made by rule.") == 1
