"""No content of a registry or of a kept entry ends in a traceback: every task answers, or refuses it in one line."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from support.mutations import EXAMPLES, damaged, json_bytes, mutated
from test_verify_folder import MODELS, groove, put
from torch import nn

from kmidi_lab.contracts import GROOVE, HARMONY
from kmidi_lab.errors import LabError
from kmidi_lab.export.bench.published import read_published
from kmidi_lab.inference.published import load_published
from kmidi_lab.registry.files import check_hashes
from kmidi_lab.registry.registry import load_registry, publish
from kmidi_lab.registry.versions import sealed
from kmidi_lab.tasks import registry, verify

H = HARMONY.id


@functools.cache
def _clean() -> Path:
    """Harmony with an earlier version, and groove with a student."""
    root = Path(tempfile.mkdtemp()) / MODELS
    for seed in (0, 1):
        torch.manual_seed(seed)
        put(root, HARMONY, nn.Sequential(nn.Linear(128, 16), nn.Tanh(), nn.Linear(16, 64)).eval(), prefix=None)
    put(root, GROOVE, groove(1), student=groove(2, hidden=6), prefix=None)
    return root


@contextlib.contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield shutil.copytree(_clean(), Path(folder) / MODELS)


def _asked(root: Path, action: str) -> None:
    asked = {"action": action, "model": "harmony", "reason": "why", "version": None, "other": None}
    registry.main(OmegaConf.create({"registry": asked, "models_root": str(root)}), {})


def _predict(root: Path) -> None:
    for name, size in (("harmony", 128), ("groove", 64)):
        published = load_published(root, name)
        if published is not None:
            published.warnings()
            published.call(np.zeros((1, size), np.float32))


def _bench(root: Path) -> None:
    for entry in load_registry(root)["models"]:
        check_hashes(root, entry)
        read_published(root, entry)


def _verify(root: Path) -> None:
    verify.main(OmegaConf.create({"models_root": str(root)}), {"folder": root.parent})


def _publish(root: Path) -> None:
    other = load_registry(_clean())["models"][1]
    files = {name: (_clean() / name).read_bytes() for name in other["files"]}
    publish(root, {**other, "training": {**other["training"], "run_id": "later"}}, files)


TASKS: dict[str, Callable[[Path], None]] = {
    **{action: functools.partial(_asked, action=action) for action in registry._ACTIONS},
    "predict": _predict,
    "bench": _bench,
    "verify": _verify,
    "publish": _publish,
}


def _answered(task: str, root: Path) -> None:
    """The task ends well or in one line of its own."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            TASKS[task](root)
        except LabError as error:
            assert "\n" not in str(error) and str(error).isprintable() and len(str(error)) < 2000


every_task = pytest.mark.parametrize("task", TASKS)
few = settings(
    max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@every_task
@few
@given(data=st.data())
def test_a_registry_of_any_content(task: str, data: st.DataObject) -> None:
    document = json.loads((_clean() / "registry.json").read_bytes())
    changed = data.draw(mutated(document))
    models = changed.get("models") if isinstance(changed, dict) else None
    if isinstance(models, list) and data.draw(st.booleans()):
        # Else a digest tells of any change, and nothing further is read.
        models[:] = [sealed(entry) if isinstance(entry, dict) else entry for entry in models]
    with _copy() as root:
        (root / "registry.json").write_bytes(json_bytes(changed))
        _answered(task, root)


@every_task
@few
@given(data=st.data())
def test_a_damaged_file(task: str, data: st.DataObject) -> None:
    names = sorted(p.relative_to(_clean()).as_posix() for p in _clean().rglob("*") if p.is_file())
    name = data.draw(st.sampled_from(names))
    with _copy() as root:
        (root / name).write_bytes(data.draw(damaged((root / name).read_bytes())))
        _answered(task, root)


@pytest.mark.parametrize("task", ["compare", "rollback", "verify"])
@few
@given(data=st.data())
def test_a_kept_entry_of_any_content(task: str, data: st.DataObject) -> None:
    with _copy() as root:
        [kept] = (root / "history" / H).iterdir()
        changed = data.draw(mutated(json.loads((kept / "entry.json").read_bytes())))
        (kept / "entry.json").write_bytes(json_bytes(changed))
        whole: dict[str, Any] = json.loads((root / "registry.json").read_bytes())
        for entry in whole["models"]:
            for line in entry["history"]:
                # As a lab wrote it that kept no hash of an entry, which tells of any change.
                line.pop("entry_sha256"), line.pop("digest"), line.pop("older")
        (root / "registry.json").write_bytes(json_bytes(whole))
        _answered(task, root)
