"""Faults in the content of the lab's own entries, all hashes kept right: planted alone, found, nothing else said."""

from __future__ import annotations

import functools
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_verify_folder import HEAD, MODELS, G, edit, golden, groove, json_file, put, swap
from torch import nn

from kmidi_lab.contracts import EMOTION, GROOVE, HARMONY
from kmidi_lab.export.proof import random_calls
from kmidi_lab.export.proof.golden import checksum
from kmidi_lab.registry.versions import digest
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.folder import verify_folder
from kmidi_lab.verify.golden import check_golden_file

Plant = Callable[[Path], object]
H = HARMONY.id
HEADER, GOLDEN, ONNX_GOLDEN = f"{H}_model.h", f"golden/{H}.json", f"golden/{G}.onnx.json"


@functools.cache
def _clean_files() -> dict[str, bytes]:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        put(root, HARMONY, nn.Sequential(nn.Linear(128, 16), nn.Tanh(), nn.Linear(16, 64)).eval())
        put(root, GROOVE, groove(1), student=groove(2, hidden=6))
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with a head and one with a student, in the working directory; of the random calls of both there are few."""
    monkeypatch.setattr(random_calls, "CALLS", 64)
    monkeypatch.chdir(tmp_path)
    for name, data in _clean_files().items():
        (tmp_path / MODELS / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / MODELS / name).write_bytes(data)
    return tmp_path / MODELS


def change(change: Callable[[dict[str, Any]], object], model_id: str = H) -> Plant:
    return lambda root: edit(root, change, model_id)


def told(**values: object) -> Plant:
    return change(lambda entry: entry.update(values))


def inside(*path: str, model_id: str = H, **values: object) -> Plant:
    """Values of an object inside the entry."""
    return change(lambda e: functools.reduce(lambda at, key: at[key], path, e).update(values), model_id)


def unnamed(key: str, name: str) -> Plant:
    """A file, and all that the entry says about it, taken away."""

    def plant(root: Path) -> None:
        (root / name).unlink()
        edit(root, lambda e: [e.update({key: None}), e["files"].pop(name)], H)

    return plant


def head(**values: object) -> Plant:
    return lambda root: json_file(root, f"{H}.head.json", lambda file: file.update(values), H)


def in_golden(**values: object) -> Plant:
    return lambda root: json_file(root, GOLDEN, lambda file: file.update(values), H)


def without(*keys: str) -> Plant:
    return lambda root: json_file(root, GOLDEN, lambda file: [file.pop(key) for key in keys], H)


def worse_than_told(entry: dict[str, Any]) -> None:
    entry["primary"]["value"] = entry["metrics"]["test"]["perplexity"] = 9.0


def other_sequence(file: dict[str, Any]) -> None:
    """Another output of the ONNX network, with a checksum that fits it."""
    file["sequence"]["outputs"][3][0] += 0.1
    file["output_checksum"] = checksum(np.array(file["sequence"]["outputs"] + file["typical"]["outputs"], np.float32))


def moved_head(root: Path) -> None:
    (root / f"{H}.head.json").rename(root / "head.json")
    edit(
        root,
        lambda e: [e.update(head_path="head.json"), e["files"].update({"head.json": e["files"].pop(f"{H}.head.json")})],
        H,
    )


def baseline_score(root: Path) -> None:
    """A score that decides nothing, of a baseline that is not the best."""
    edit(root, lambda e: e["baselines"]["test"]["bigram"].update(top3=0.99), H)


def on_card(old: str, new: str) -> Plant:
    """The card with another text, its hash right."""

    def plant(root: Path) -> None:
        card = (root / CARD).read_text()
        assert old in card
        swap(root, CARD, card.replace(old, new, 1).encode(), H)

    return plant


INPUT = HEAD["input"]
CARD = f"{H}.card.md"
LINE = {"version": "run-a", "status": "trained", "kept": False, "replaced_because": "promoted to production: I say so"}
SIGNED = {**LINE, "older": None, "digest": digest({**LINE, "older": None})}
# (name, what breaks, the model, {check: what its message says})
FAULTS: list[tuple[str, Plant, str, dict[str, str]]] = [
    ("header", lambda r: swap(r, HEADER, (r / HEADER).read_bytes().replace(b"root { 0,", b"root { 1,"), H), H, {"header": "not the header of"}),
    ("no header", unnamed("header_path", HEADER), H, {"header": "header_path is None, must be"}),
    ("no head", unnamed("head_path", f"{H}.head.json"), H, {"head": f"head_path is None, must be '{H}.head.json'"}),
    ("head unnamed", told(head_path=None), H, {"head": "head_path is None"}),
    ("head elsewhere", moved_head, H, {"head": "head_path is 'head.json'"}),
    ("head without hash", change(lambda e: e["files"].pop(f"{H}.head.json")), H, {"hash": f"no hash of '{H}.head.json'"}),
    ("head: text", head(weight="many"), H, {"head": "weight is 'many', must be rows of numbers"}),
    ("head: ragged", head(weight=[[1.0] * 28, [1.0]]), H, {"head": "inhomogeneous"}),
    ("head: numbers as text", head(bias=["1", "2", "3", "4"]), H, {"head": "must be a list of numbers"}),
    ("head: null", head(bias=[1, 2, 3, None]), H, {"head": "bias is .*must be a list of numbers"}),
    ("head: no bias", lambda r: json_file(r, f"{H}.head.json", lambda f: f.pop("bias"), H), H, {"head": "bias is None"}),
    ("head: beyond float32", head(bias=[1, 2, 3, 1e300]), H, {"head": "bias holds NaN or infinity"}),
    ("head: bias too short", head(bias=[1, 2, 3]), H, {"head": "4 rows and bias 3 values"}),
    ("head: transposed", head(weight=[[0.5] * 4] * 28, bias=[0] * 28), H, {"head": "4 columns for an input of 28"}),
    ("head: classes", head(degrees=[0]), H, {"head": "4 rows for 2 classes"}),
    ("head: no input", head(input=None), H, {"head": "input is None, must name"}),
    ("head: unknown slice", head(input={**INPUT, "slice": "soul"}), H, {"head": "has no slice 'soul'"}),
    ("head: slice elsewhere", head(input={**INPUT, "start": 35, "stop": 63}), H, {"head": r"is \(35, 63\), the contract says \(36, 64\)"}),
    ("another model's card", lambda r: swap(r, CARD, (r / f"{G}.card.md").read_bytes(), H), H, {"card": "another model's card"}),
    ("card: status", on_card("Status **trained**", "Status **production**"), H, {"card": "status is 'production', the registry tells 'trained'"}),
    ("card: stand-in hidden", told(stand_in="eight made songs"), H, {"card": "stand-in is None, the registry tells 'eight made songs'"}),
    ("card: licence", on_card("Licences: ", "Licences: MIT or "), H, {"card": "licence is 'MIT or"}),
    ("card: run", on_card("| run | 2", "| run | 3"), H, {"card": "run is '30261122"}),
    ("card: seed", told(seed=99), H, {"card": "the registry tells 99"}),
    ("card: test loss", on_card("test\\_loss 1.963", "test\\_loss 1.5"), H, {"card": "test_loss is 1.5, the registry tells 1.963"}),
    ("card: test loss of the entry", inside("training", test_loss=1.0), H, {"card": "test_loss is 1.963, the registry tells 1;"}),
    ("card: a score", inside("metrics", "test", top3=0.1), H, {"card": r"top3 of .harmony. is 0.\d+, the registry tells 0.1"}),
    ("card: a score of a baseline", baseline_score, H, {"card": r"top3 of .bigram. is 0.584, the registry tells 0.99"}),
    ("card: reason", on_card("**trained**: beats", "**trained**: by far beats"), H, {"card": "reason is 'by far beats"}),
    ("card: fingerprint", on_card("fingerprint `", "fingerprint `x"), H, {"card": "fingerprint of the data is 'x"}),
    ("card: parameters", on_card(" trained parameters", "0 trained parameters"), H, {"card": "trained parameters is '3,1520'"}),
    ("card: commit", on_card("| commit | ", "| commit | 0"), H, {"card": "commit is '0"}),
    ("card: code", on_card("| code sha256 | ", "| code sha256 | 0"), H, {"card": "code sha256 is '0"}),
    ("card: use in a product", on_card("Use in a product: **", "Use in a product: **x"), H, {"card": "use in a product is 'x"}),
    ("card: effect", told(no_effect=["emotion"]), H, {"card": "inputs without effect is "}),
    ("card: deviation of the entry", inside("spread", "metrics", "test", "perplexity", std=0.5), H, {"card": "std of perplexity .* is 0.0\\d+, the registry tells 0.5"}),
    ("card: mean", on_card("seeds** | 7", "seeds** | 6"), H, {"card": "mean of perplexity of .mean ± std, 3 seeds. is 6"}),
    ("card: spread in words", on_card("perplexity is 7", "perplexity is 6"), H, {"card": "mean of perplexity over seeds or folds is 6"}),
    ("card: seeds", inside("spread", seeds=[1]), H, {"card": "seeds of the spread is '1, 2, 3', the registry tells '1'"}),
    ("card: latency of the entry", inside("latency", "backends", "onnxruntime", median_us=0.1), H, {"card": "median of onnxruntime is .*, the registry tells 0.1"}),
    ("card: p99 of the entry", inside("latency", "backends", "onnxruntime", p99_us=0.1), H, {"card": "p99 of onnxruntime is .*, the registry tells 0.1"}),
    ("card: machine", inside("latency", machine="f00"), H, {"card": "latency was measured on .*, the registry tells 'f00'"}),
    ("card: parity", inside("parity", onnx=9e-6), H, {"card": "parity of onnx is .*, the registry tells 9e-06"}),
    ("card: calls", inside("parity", calls=9), H, {"card": "calls of the parity is .*, the registry tells 9"}),
    ("card: way", inside("directions", top1="min"), H, {"card": "top1 is ↑, the registry tells 'min'"}),
    ("card: data", inside("training", dataset_id="my songs"), H, {"card": "data is 'chord_db', the registry tells 'my songs'"}),
    ("note", told(note="the best there is"), H, {"note": "note is 'the best there is', must begin with .* by status_reason"}),
    ("licence of the data", inside("training", dataset_license="MIT, all of it"), H, {"data": "dataset_license is 'MIT, all of it'"}),
    ("card: training time", inside("training", duration_seconds=1.0), H, {"card": "training time is .*, the registry tells '1.0 s'"}),
    ("card: batch", inside("training", batch_size=7), H, {"card": "settings are .*, the registry tells .batch"}),
    ("card: date", inside("training", training_date="1999-01-01T00:00:00+00:00"), H, {"card": "the run started '2026.*training_date is '1999"}),
    ("card: hardware", inside("training", hardware="gpu: a large one"), H, {"card": "hardware is 'cpu', the registry tells 'gpu'"}),
    ("card: network", told(arch_hint="two tin cans"), H, {"card": "network is None, the registry tells 'two tin cans'"}),
    ("use in a product", told(product_use="no"), H, {"data": "product_use is 'no', must be 'yes'"}),
    ("fingerprint", told(data_fingerprint="sha256:0"), H, {"data": "dataset_version is .*, must be 'sha256:0'"}),
    ("reach", told(receptive_field=9), H, {"receptive field": "receptive_field is 9, the RTNeural file has 1"}),
    ("reach of the ONNX file", told(onnx_receptive_field=9), H, {"receptive field": "onnx_receptive_field is 9"}),
    ("reach without an end", change(lambda e: e.update(receptive_field=9), G), G, {"receptive field": "is 9, .* has None"}),
    ("golden: effect", in_golden(no_effect=["emotion"]), H, {"golden": r"no_effect is \['emotion'\], the registry tells None"}),
    ("production by hand", told(status="production"), H, {"history": "no line of the history tells who promoted it"}),
    ("history: a line by hand", told(history=[SIGNED, LINE, SIGNED]), H, {"history": "changed by hand at 'run-a'"}),
    ("history: a line changed", told(history=[{**SIGNED, "status": "production"}]), H, {"history": "changed by hand"}),
    ("history: a line taken out", told(history=[{**SIGNED, "older": "0" * 64, "digest": digest({**LINE, "older": "0" * 64})}, SIGNED]), H,
     {"history": "changed by hand"}),
    ("golden: all the same", in_golden(typical={"inputs": [[0.0] * 128] * 8, "outputs": [[0.0] * 64] * 8}), H,
     {"golden": "the typical inputs are all the same", "checksum": ""}),
    ("no golden", unnamed("golden_path", GOLDEN), H, {"golden": "golden_path is not there"}),
    ("golden unnamed", told(golden_path=None), H, {"golden": "golden_path is not there"}),
    ("golden: no vectors", without("sequence", "typical"), H, {"golden": "checksums and no vectors"}),
    ("golden: contract", in_golden(contract_version="0"), H, {"contract_version": "'0', the contract says '2'"}),
    ("golden: no size", without("input_size"), H, {"size": "input_size is None"}),
    ("golden: no id", without("id"), H, {"golden": "is of None"}),
    ("no primary", told(primary=None), H, {"primary": "'trained' is claimed without primary"}),
    ("no primary key", change(lambda e: e.pop("primary")), H, {"primary": "claimed without primary"}),
    ("production without primary", told(status="production", primary=None), H, {"primary": "'production' is claimed", "history": ""}),
    ("primary: worse than told", change(worse_than_told), H, {"primary": "beats_baselines is True, must be False"}),
    ("primary: other value", inside("primary", value=1.0), H, {"primary": "value is 1.0, must be 7.121"}),
    ("primary: other mode", inside("primary", mode="max"), H, {"primary": "beats_baselines is True, must be False"}),
    ("primary: no mode", inside("primary", mode="best"), H, {"primary": "can't be told .*'best'"}),
    ("primary: other rival", inside("primary", best_baseline_value=99.0), H, {"primary": "best_baseline_value is 99.0, must be 8.302"}),
    ("primary: other metric", inside("primary", metric="soul"), H, {"primary": "can't be told .*soul"}),
    ("primary: also", change(lambda e: e["primary"]["also"][0].update(beats_baselines=False)), H, {"primary": r"\('top1'\): beats_baselines"}),
    ("no parity", told(parity=None), H, {"parity": "lacks tolerance, onnx, rtneural_reader"}),
    ("parity without the reader", inside("parity", rtneural_reader=None), H, {"parity": "lacks rtneural_reader"}),
    ("parity beyond", inside("parity", onnx=0.01), H, {"parity": r"beyond 0.0001 \(onnx 1.0e-02\)"}),
    ("parity: tolerance", inside("parity", tolerance=0.5), H, {"parity": "tolerance is 0.5, must be above 0 and at most 0.0001"}),
    ("parity: below 0", inside("parity", onnx=-1.0), H, {"parity": "onnx' must be a number of 0 or more"}),
    ("parity: text", inside("parity", onnx="fine"), H, {"parity": "onnx' must be a number"}),
    ("cpp without RTNeural", inside("integration", cpp_mlinterface=True), H, {"cpp_mlinterface": "never ran the file"}),
    ("contract version", told(contract_version="9"), H, {"contract_version": "is '9', the contract says '2'"}),
    ("no contract version", change(lambda e: e.pop("contract_version")), H, {"contract_version": "is None"}),
    ("feature version", told(feature_version="v0"), H, {"feature_version": "is 'v0', the contract says 'contract-v2'"}),
    ("budget", told(inference_target_ms=300), H, {"inference_target_ms": "is 300, the contract says 3.0"}),
    ("params", told(params=10**9, params_estimate=f"{10**9} trained, 3152 stored"), H, {"params": "can't be its number of weights"}),
    ("params 0", told(params=0, params_estimate="0 trained, 3152 stored"), H, {"params": "params is 0"}),
    ("params stored", told(params_estimate="3152 trained, 5 stored"), H, {"params": "RTNeural file holds 3152"}),
    ("params told twice", told(params_estimate="5 trained, 3152 stored"), H, {"params": "params is 3152"}),
    ("no file hash", change(lambda e: e["exports"].pop("sha256")), H, {"hash": "exports.sha256 is missing"}),
    ("no onnx hash", change(lambda e: e["exports"].pop("onnx_sha256")), H, {"hash": "exports.onnx_sha256 is missing"}),
    ("no files", change(lambda e: e.pop("files")), H, {"hash": f"files tells no hash of '{H}.json, {H}.onnx"}),
    ("student without record", change(lambda e: e.update(student=None), G), G, {"student": "is True, and student is missing"}),
    ("student unclaimed", change(lambda e: e.update(rtneural_is_student=False), G), G,
     {"student": "is False, and student is there", "golden": f"{G}.onnx against", "agreement": "off by"}),
    ("student without golden", change(lambda e: e.update(onnx_golden_path=None), G), G,
     {"student": "each of the two", "golden": "onnx_golden_path is not there"}),
    ("student with one golden", change(lambda e: e.update(onnx_golden_path=f"golden/{G}.json"), G), G,
     {"student": "each of the two", "golden": f"{G}.onnx against", "random": "off by"}),
    ("teacher not proved", lambda r: json_file(r, ONNX_GOLDEN, other_sequence, G), G, {"golden": f"{G}.onnx against its golden"}),
    ("student not proved", lambda r: swap(r, f"golden/{G}.json", golden(groove(3), GROOVE), G), G, {"golden": f"{G}.json against its golden"}),
    ("student's verdict", inside("student", "primary", model_id=G, value=1.0), G, {"primary": "student.primary .* value is 1.0"}),
    ("student beaten", inside("student", model_id=G, primary=None), G, {"primary": "without student.primary", "claim": "a student that does not beat"}),
]  # fmt: skip


@pytest.mark.slow
def test_the_folder_is_clean(root: Path) -> None:
    assert verify_folder(root, None).faults == []


@pytest.mark.parametrize(("plant", "model_id", "says"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_found_and_nothing_else_is(root: Path, plant: Plant, model_id: str, says: dict[str, str]) -> None:
    plant(root)
    # What the entry tells otherwise than before also contradicts the card, which no row tells again.
    faults = [f for f in verify_folder(root, None).faults if f.check in says or f.check != "card"]
    assert {(f.subject, f.check) for f in faults} == {(model_id, check) for check in says}, faults
    for check, pattern in says.items():
        assert any(re.search(pattern, f.message) for f in faults if f.check == check), faults


@pytest.mark.parametrize("drop", [(), ("exports", "training", "files", "parity", "primary", "contract_version")])
def test_a_stub_owes_nothing(root: Path, drop: tuple[str, ...]) -> None:
    stub = {"id": EMOTION.id, "file": "a.json", "format": "rtneural-json", "task": EMOTION.task, "status": "stub"}
    registry = json.loads((root / "registry.json").read_bytes())
    registry["models"].append({**stub, "input_size": 128, "output_size": 64})
    (root / "registry.json").write_text(json.dumps(registry))
    edit(root, lambda e: [e.update(status="stub"), *(e.pop(key) for key in drop)], H)
    found = verify_folder(root, None)
    assert {(f.subject, f.check) for f in found.faults} == {(EMOTION.id, "file")}


@pytest.mark.parametrize("rate", [None, 44_100])
def test_the_sample_rate_of_audio(rate: float | None) -> None:
    file = json.loads(golden(nn.Linear(128, 64).eval(), EMOTION))
    checks = Checks("a")
    assert check_golden_file(checks, "a", json.dumps(file).encode(), EMOTION.id, EMOTION, [], lab=True) is not None
    assert checks.faults == []
    data = json.dumps({**file, "sample_rate": rate})
    check_golden_file(checks, "a", data.encode(), EMOTION.id, EMOTION, [], lab=True)
    assert [f.check for f in checks.faults] == ["sample_rate"]
