"""task=verify and the files that only a reading model has: each planted fault is found, by its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kmidi_lab.contracts import INTENT
from kmidi_lab.inference.published import release_root
from kmidi_lab.verify.folder import verify_folder

_TABLE, _TEXTS = f"{INTENT.id}.table.bin", f"golden/{INTENT.id}.text.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The released model alone."""
    release = release_root()
    assert release is not None
    registry = json.loads((release / "registry.json").read_text())
    registry["models"] = [m for m in registry["models"] if m["id"] == INTENT.id]
    for name in registry["models"][0]["files"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((release / name).read_bytes())
    (tmp_path / "registry.json").write_text(json.dumps(registry))
    return tmp_path


def _edit(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    registry = json.loads((root / "registry.json").read_text())
    change(registry["models"][0])
    (root / "registry.json").write_text(json.dumps(registry))


def _put(root: Path, name: str, data: bytes) -> None:
    """Another content under its true hash."""
    (root / name).write_bytes(data)
    _edit(root, lambda e: e["files"][name].update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)))


def _other_row(root: Path) -> None:
    data = bytearray((root / _TABLE).read_bytes())
    data[20:131092] = b"\0" * 131072
    _put(root, _TABLE, bytes(data))


def _other_text(root: Path) -> None:
    file = json.loads((root / _TEXTS).read_text())
    file["texts"][0] = "sad"
    _put(root, _TEXTS, json.dumps(file).encode())


def test_the_release_is_whole(root: Path) -> None:
    assert verify_folder(root, None).faults == []


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (lambda root: _edit(root, lambda e: e.pop("table_path")), "table"),
        (lambda root: _edit(root, lambda e: e.pop("text_golden_path")), "text golden"),
        (lambda root: _put(root, _TABLE, b"KMTEXT1\0"), "table"),
        (_other_row, "text golden"),
        (_other_text, "text golden"),
    ],
    ids=["no table", "no texts", "cut short", "another table", "another text"],
)
def test_a_planted_fault_is_found(root: Path, plant: Callable[[Path], None], check: str) -> None:
    plant(root)
    assert check in {fault.check for fault in verify_folder(root, None).faults}
