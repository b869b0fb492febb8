"""A released model as the wheel has it: its folder without the RTNeural file, and the list that says so."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

RELEASE = Path(__file__).resolve().parents[2] / "outputs" / "release"
MODEL = "dynamicsengine"
WHERE = "in outputs/release of the repository"


def partial_release(root: Path) -> Path:
    """`root` with the smallest released model, of which the RTNeural file is left out."""
    root.mkdir(parents=True)
    registry: dict[str, Any] = json.loads((RELEASE / "registry.json").read_bytes())
    registry["models"] = [entry for entry in registry["models"] if entry["id"] == MODEL]
    (root / "registry.json").write_text(json.dumps(registry), encoding="utf-8")
    for name in registry["models"][0]["files"]:
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(RELEASE / name, root / name)
    rtneural = root / f"{MODEL}.json"
    say_left_out(root, {rtneural.name: hashlib.sha256(rtneural.read_bytes()).hexdigest()})
    rtneural.unlink()
    return root


def stand_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`root` with that, in the place of the release that comes with the package."""
    partial_release(root)
    for module in ("kmidi_lab.tasks.roots", "kmidi_lab.inference.published"):
        monkeypatch.setattr(f"{module}.release_root", lambda: root)
    return root


def say_left_out(root: Path, files: object, where: str = WHERE) -> None:
    (root / "left_out.json").write_text(json.dumps({"where": where, "files": files}), encoding="utf-8")
