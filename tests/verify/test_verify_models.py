"""Verifying whole models: state, students, many faults at once, the real RTNeural, and files of any content."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from test_verify_faults import GOLDEN, JSON, ONNX, of, registry, set_entry, set_part, write
from test_verify_folder import MODELS, D, G, edit, golden, groove, json_file, onnx_file, put, swap, write_clean
from torch import nn

from kmidi_lab.contracts import DYNAMICS, GROOVE
from kmidi_lab.errors import RegistryError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.golden import golden_vectors
from kmidi_lab.export.proof.probes import contract_inputs
from kmidi_lab.export.rtneural.cpp_header import cpp_header
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain, TorchModel
from kmidi_lab.registry.registry import opened
from kmidi_lab.verify.entry import LAB_KEYS
from kmidi_lab.verify.findings import NOTE
from kmidi_lab.verify.folder import verify_folder

DEEP = b'{"registry_version": ' + b"[" * 900 + b"]" * 900 + b', "models": [{"id": ' + b"[" * 900 + b"]" * 900 + b"}]}"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean folder that may be broken, in the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_clean(tmp_path / MODELS)


def test_two_entries_of_one_id(root: Path) -> None:
    registry(lambda w: w["models"].append(w["models"][0]))(root)
    found = verify_folder(root, None)
    assert [(f.check, f.subject) for f in found.faults] == [("ids", "folder")]
    assert {c.subject for c in found.models} == {f"{D} (models[0])", G, f"{D} (models[2])"}


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b'{"models": [', b"[" * 5000, b"[]", b"null", b'{"models": 3}', DEEP]
)
def test_a_broken_registry_still_has_the_files_checked(root: Path, data: bytes) -> None:
    write("registry.json", data)(root)
    write(JSON, b"{")(root)
    found = verify_folder(root, None)
    assert found.folder.faults
    models = {c.subject: c for c in found.models}
    assert set(models) - {"models[0]"} == {D, G}
    assert [f.check for f in models[D].faults] == ["rtneural"]
    assert models[G].faults == [] and models[G].passed > 20


def make_foreign(root: Path, model_id: str) -> None:
    """Takes away what marks an entry as the lab's."""
    edit(root, lambda entry: [entry.pop(key, None) for key in LAB_KEYS], model_id)


def no_zeros(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if tensor.name == "state_0":
            tensor.CopyFrom(numpy_helper.from_array(np.ones(list(tensor.dims), np.float32), "state_0"))


STATE_FAULTS: list[tuple[str, Callable[[onnx.ModelProto], object], dict[str, str]]] = [
    ("state not returned", lambda m: m.graph.output.pop(), {"onnx state": r"goes in as \"?{'0': .*comes out as {}"}),
    ("state without a default", lambda m: m.graph.initializer.remove(next(t for t in m.graph.initializer if t.name == "state_0")),
     {"onnx input": "needs 'state_0' beside"}),
    ("state does not start from zeros", no_zeros, {"onnx state": "default of 'state_0' must be zeros", "golden": "", "agreement": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), [f[1:] for f in STATE_FAULTS], ids=[f[0] for f in STATE_FAULTS])
def test_state_of_an_onnx_file(root: Path, change: Callable[[onnx.ModelProto], object], says: dict[str, str]) -> None:
    onnx_file(root, change, G)
    found = verify_folder(root, None)
    assert {f.check for f in found.faults} == set(says), found.faults
    for check, pattern in says.items():
        assert any(re.search(pattern, f.message) for f in found.faults if f.check == check), found.faults
    assert of(found, D) == []


def test_all_of_many_faults_are_found(root: Path) -> None:
    """Whatever one file does, each of the others is still looked at."""
    set_entry(task="custom", params="many", model_card="gone.md")(root)
    set_part("training", duration_seconds=0)(root)
    swap(root, ONNX, b"garbage")
    json_file(root, GOLDEN, lambda f: f.update(feature_version="v0"))
    json_file(root, JSON, lambda f: f["layers"][0].update(activation="gelu"))
    edit(root, lambda e: e["files"][f"{D}_model.h"].update(sha256="0" * 64))
    swap(root, f"{G}.json", export_rtneural(groove(4), GROOVE), G)
    edit(root, lambda e: e.update(status="production", metrics=None), G)
    write(".a.tmp", b"")(root)
    (root / ".staging").mkdir()
    write("stray.json", b'{"layers": []}')(root)
    write("stray.onnx", b"")(root)
    registry(lambda w: w.update(registry_version="3.0"))(root)
    found = verify_folder(root, None)
    checks = {(f.subject, f.check) for f in found.faults}
    assert checks == {
        *(
            (D, c)
            for c in ("task", "schema", "card", "duration", "onnx", "feature_version", "rtneural", "hash", "params")
        ),
        *((G, c) for c in ("claim", "primary", "schema", "golden", "agreement", "header", "history", "card")),
        *(("folder", c) for c in ("half-written", "version")),
        *(("stray", c) for c in ("rtneural", "onnx")),
    }
    assert next(f.message for f in found.notes if f.subject == "stray").startswith("not in the registry: stray.json")


@pytest.mark.slow
def test_a_student_has_golden_vectors_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / MODELS
    put(root, GROOVE, groove(1), student=groove(2, hidden=6))
    found = verify_folder(root, None)
    assert found.faults == []
    assert [f.check for f in of(found, G)] == ["agreement"]
    swap(root, f"golden/{G}.onnx.json", golden(groove(3), GROOVE), G)
    found = verify_folder(root, None)
    assert {f.check for f in found.faults} == {"golden"}
    assert all(f.message.startswith(f"{G}.onnx against") for f in found.faults)


def rare(weight: float) -> nn.Module:
    """A unit that only large leaps up, then large leaps down, wake up; `weight` is all it does."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 16), nn.Sigmoid()).eval()
    with torch.no_grad():
        network[0].weight[0] = 0
        network[0].weight[0, DYNAMICS.input("contour").index] = torch.tensor([1.0] * 3 + [-1.0] * 3)
        network[0].bias[0] = -5.2
        network[2].weight[:, 0] = weight
    return network


def test_a_wrong_weight_that_neither_golden_nor_gate_inputs_show(root: Path) -> None:
    network, rtneural = rare(0.1), export_rtneural(rare(0.1), DYNAMICS)
    vectors = contract_inputs(DYNAMICS.inputs, 16, 0)
    swap(root, JSON, rtneural)
    swap(root, ONNX, export_onnx(network, DYNAMICS))
    swap(root, GOLDEN, golden_vectors(TorchModel(network), DYNAMICS, vectors[8:], vectors[:8]))
    swap(root, f"{D}_model.h", cpp_header(rtneural, DYNAMICS).encode())
    assert verify_folder(root, None).faults == []
    wrong = export_rtneural(rare(0.2), DYNAMICS)
    swap(root, JSON, wrong)
    swap(root, f"{D}_model.h", cpp_header(wrong, DYNAMICS).encode())
    (fault,) = verify_folder(root, None).faults
    assert fault.check == "agreement" and f"{JSON} against {ONNX} on random inputs" in fault.message


def test_a_network_with_state_where_the_contract_has_none(root: Path) -> None:
    swap(root, JSON, export_rtneural(Chain(GRU(32, 8), nn.Linear(8, 16)).eval(), DYNAMICS))
    assert any(f.check == "state" and "has no state" in f.message for f in verify_folder(root, None).faults)


def test_notes_are_no_faults(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(root, lambda e: e.update(onnx_path="/elsewhere/x.onnx"))
    edit(root, lambda e: e.update(id="somethingelse", golden_path=None), G)
    make_foreign(root, "somethingelse")
    monkeypatch.chdir("/")
    found = verify_folder(root, None)
    assert [f for f in found.faults if f.subject == D] == []
    assert [f.message for f in of(found, D)] == [
        "onnx_path '/elsewhere/x.onnx' does not open: the folder was moved; type registry.action=rehome"
    ]
    notes = [f for f in found.notes if f.subject == "somethingelse"]
    assert {f.check for f in notes} == {"id", "golden", "onnx_path"}
    assert any("does not open from here" in f.message for f in notes)
    assert all(f.severity == NOTE for f in notes)


RUNNER = """#!{python}
import json, sys
import numpy as np
from pathlib import Path
from kmidi_lab.export.rtneural.reader import RTNeuralModel
n, m, count, warmup, each = map(int, sys.argv[5:])
model = RTNeuralModel.from_bytes(Path(sys.argv[1]).read_bytes())
rows = []
for x in np.fromfile(sys.argv[2], "<f4").reshape(count, n):
    if each:
        model.reset()
    rows.append(model(x) + {off})
np.stack(rows).astype("<f4").tofile(sys.argv[3])
Path(sys.argv[4]).write_text(json.dumps(dict(version="v", backend="fake", flags="", first_ns=1, ns=[1] * count)))
{end}
"""


@pytest.mark.parametrize(
    ("off", "end", "says"),
    [
        ("0.0", "", None),
        ("0.01", "", "in the real RTNeural .*off by"),
        ("0.0", "sys.exit('bang')", "exit code 1: bang"),
    ],
)
def test_the_real_rtneural(root: Path, tmp_path: Path, off: str, end: str, says: str | None) -> None:
    runner = tmp_path / "runner"
    runner.write_text(RUNNER.format(python=sys.executable, off=off, end=end))
    runner.chmod(0o755)
    edit(root, lambda e: e.update(golden_path=None), G)
    make_foreign(root, G)
    (root / f"golden/{G}.json").unlink()
    edit(root, lambda e: e["files"].pop(f"golden/{G}.json"), G)
    found = verify_folder(root, runner)
    assert found.folder.notes == []
    assert {(f.subject, f.check) for f in found.faults} == (
        {(D, "real RTNeural"), (G, "real RTNeural")} if says else set()
    )
    assert all(re.search(says or "", f.message) for f in found.faults)


def test_a_model_on_disk_that_the_registry_lost(root: Path) -> None:
    registry(lambda w: w["models"].pop())(root)
    [fault] = verify_folder(root, None).faults
    assert (fault.subject, fault.check) == (G, "registry") and "publish or remove it" in fault.message


@pytest.mark.slow
def test_a_student_without_a_registry_is_held_to_its_own_golden_vectors(tmp_path: Path) -> None:
    put(tmp_path, GROOVE, groove(1), student=groove(2, hidden=6))
    (tmp_path / "registry.json").unlink()
    assert verify_folder(tmp_path, None).faults == []
    (tmp_path / f"{G}.onnx").write_bytes(export_onnx(groove(3), GROOVE))
    assert {f.check for f in verify_folder(tmp_path, None).faults} == {"golden", "random"}


def test_a_publish_is_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmidi_lab.registry.lock._LOCK_TIMEOUT_S", 0.1)
    with opened(root), pytest.raises(RegistryError, match="another process holds"):
        verify_folder(root, None)


def test_an_older_version_that_is_kept_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = write_clean(tmp_path / MODELS)
    kept = root / "history" / D / "run-1"
    kept.mkdir(parents=True)
    entry = json.loads((root / "registry.json").read_bytes())["models"][0]
    (kept / "entry.json").write_text(json.dumps(entry))
    for name in entry["files"]:
        (kept / name).parent.mkdir(exist_ok=True)
        (kept / name).write_bytes((root / name).read_bytes())
    edit(root, lambda e: e.update(history=[{"version": "run-1", "kept": True}, {"run_id": "older"}]))
    assert verify_folder(root, None).faults == []
    (kept / ONNX).unlink()
    assert {f.check for f in verify_folder(root, None).faults} == {"file"}
    edit(root, lambda e: e.update(history=[{"version": "../..", "kept": True}, {"version": "gone", "kept": True}]))
    found = verify_folder(root, None)
    assert [f.check for f in found.faults] == ["history", "history"]
    assert "version '../..' is no name" in found.faults[0].message


@pytest.mark.slow
@pytest.mark.parametrize("name", [JSON, GOLDEN, "registry.json", f"{D}.head.json"])
def test_no_content_of_a_file_raises_or_stops_the_other_model(root: Path, name: str) -> None:
    """Values of every type in every place, and bytes changed at random."""
    draw, whole = random.Random(0), (root / name).read_bytes()
    odd = (None, True, -1, 1e308, "", "\ud800\x1b[2J\n", [], [[]], {}, {"a": {}}, [None], 2**40)
    for turn in range(24):
        if turn % 2:
            data = bytearray(whole)
            for _ in range(3):
                data[draw.randrange(len(data))] = draw.randrange(256)
            broken = bytes(data)
        else:
            content = json.loads(whole)
            holder, key = draw.choice(list(places(content)))
            holder[key] = draw.choice(odd)
            broken = json.dumps(content).encode()
        write(name, broken)(root)
        found = verify_folder(root, None)
        assert name == "registry.json" or of(found, G) == []
        assert all(f.message.isprintable() for f in (*found.faults, *found.notes))


def places(value: object) -> list[tuple[object, object]]:
    """(holder, key) of some of the places in a JSON value, short lists' and objects' alike."""
    keys = list(value) if isinstance(value, dict) else range(min(len(value), 3)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]
