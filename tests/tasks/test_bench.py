"""task=bench over a folder: every model, also beside ones that fail, as JSON, CSV and a picture."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from support.run_fixture import tiny_onnx

from kmidi_lab.contracts import DYNAMICS, EMOTION, GROOVE, HARMONY, MELODY, Contract
from kmidi_lab.errors import ExportError, RegistryError, UserError
from kmidi_lab.export.bench.timing import deadlines
from kmidi_lab.files import sha256_file
from kmidi_lab.report.bench import COLUMNS, bench_csv
from kmidi_lab.tasks import bench

BACKENDS = ["onnxruntime", "onnxruntime_iobinding"]


def put(root: Path, contract: Contract, model_id: str = "") -> dict[str, Any]:
    """A published ONNX model that works, and its entry."""
    model_id = model_id or contract.id
    (root / "golden").mkdir(parents=True, exist_ok=True)
    (root / f"{model_id}.onnx").write_bytes(tiny_onnx(contract))
    inputs = np.random.default_rng(0).normal(size=(8, contract.input_size)).tolist()
    (root / "golden" / f"{model_id}.json").write_text(json.dumps({"typical": {"inputs": inputs}}))
    return {
        "id": model_id,
        "file": f"{model_id}.onnx",
        "format": "onnx",
        "task": contract.task,
        "input_size": contract.input_size,
        "output_size": contract.output_size,
        "status": "trained",
        "exports": {"onnx_path": f"{model_id}.onnx"},
    }


def run(root: Path, entries: list[dict[str, Any]], folder: Path) -> None:
    registry = {"registry_version": "1.1", "generated_at": "2026-11-22T20:30:00+00:00", "models": entries}
    (root / "registry.json").write_text(json.dumps(registry))
    folder.mkdir(exist_ok=True)
    bench.main(OmegaConf.create({"models_root": str(root), "export": {"calls": 20}}), {"folder": folder})


@pytest.fixture(autouse=True)
def no_runner(monkeypatch):
    monkeypatch.delenv("RTNEURAL_RUNNER", raising=False)


@pytest.mark.parametrize(("percent", "told"), [(85.0, True), (3.0, False)])
def test_a_machine_that_is_busy_is_told(monkeypatch, capsys, percent, told):
    monkeypatch.setattr(bench.psutil, "cpu_percent", lambda seconds: percent)
    assert bench._busy() == percent / 100
    assert (f"other programs use {bench.percent(0.85, 0)}" in capsys.readouterr().err) is told


@pytest.mark.slow
def test_a_whole_folder(tmp_path, capsys):
    root, folder = tmp_path / "models", tmp_path / "bench"
    run(root, [put(root, HARMONY), put(root, DYNAMICS)], folder)
    report = json.loads((folder / "bench.json").read_text())
    assert list(report["models"]) == [HARMONY.id, DYNAMICS.id] and report["failed"] == {}
    rows = list(csv.DictReader((folder / "bench.csv").open()))
    assert [(r["model"], r["backend"]) for r in rows] == [(m, b) for m in (HARMONY.id, DYNAMICS.id) for b in BACKENDS]
    for row in rows:
        b = report["models"][row["model"]]["backends"][row["backend"]]
        assert float(row["p99_us"]) == b["p99_us"] and float(row["first_us"]) == b["first_us"]
        assert row["within_budget"] == ("yes" if b["within_budget"] else "no")
        assert int(row["weight_bytes"]) == b["memory_floor"]["weight_bytes"]
        assert row["machine"] == report["machine"]["id"] and row["flags"] == b["flags"]
        assert float(row["p99_share_64_at_48000_hz"]) == pytest.approx(b["p99_us"] / (64 / 0.048))
    assert int(rows[0]["weight_bytes"]) == 4 * 128 * 64 and float(rows[0]["budget_us"]) == 3000
    said = capsys.readouterr().out
    assert said.index(f"{HARMONY.id}: 20 calls") < said.index(f"{DYNAMICS.id}: 20 calls") < said.index("bench.png")


def test_a_student_is_called_one(tmp_path, capsys, monkeypatch):
    measured = {
        "backends": {"onnxruntime": _timed(), "rtneural": _timed() | {"within_budget": False}},
        "not_measured": {},
        "budget_ms": 5.0,
    }
    monkeypatch.setattr(bench, "measure_latency", lambda *_, **__: measured)
    monkeypatch.setattr(bench, "_write", lambda *_: None)
    run(tmp_path, [put(tmp_path, MELODY) | {"rtneural_is_student": True}], tmp_path / "bench")
    heading, *rows, over = (" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[-4:])
    assert heading == "first median p99 max median / memory floor p99 of an audio block"
    assert rows[0].startswith("onnxruntime 2.00 µs 2.00 µs 2.00 µs 2.00 µs no floor 0.3 % of 64 at ")
    assert rows[1].startswith("rtneural (student) 2.00 µs")
    assert over == "rtneural (student): OVER the budget of 5 ms at the 99th percentile"


def test_the_time_budget_that_all_backends_keep_is_told(tmp_path, capsys, monkeypatch):
    measured = {"backends": {"onnxruntime": _timed()}, "not_measured": {}, "budget_ms": 3.0}
    monkeypatch.setattr(bench, "measure_latency", lambda *_, **__: measured)
    monkeypatch.setattr(bench, "_write", lambda *_: None)
    run(tmp_path, [put(tmp_path, HARMONY)], tmp_path / "bench")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "  within the time budget of 3 ms a call, at the 99th percentile"


def _timed() -> dict[str, Any]:
    times = {f"{key}_us": 2.0 for key in ("first", "median", "p99", "max")}
    floor = {"floor_us": None, "floor_ratio": None}
    return {**times, "memory_floor": floor, "deadlines": deadlines(2.0, 2.0), "within_budget": True}


@pytest.mark.slow
def test_failing_models_are_named_and_the_others_are_benched(tmp_path, capsys):
    root, folder = tmp_path / "models", tmp_path / "bench"
    entries = [put(root, c) for c in (EMOTION, GROOVE, HARMONY, MELODY)] + [put(root, HARMONY, "foreign")]
    (root / "golden" / f"{EMOTION.id}.json").unlink()
    (root / f"{GROOVE.id}.onnx").write_bytes(b"not ONNX")
    (root / "golden" / f"{MELODY.id}.json").write_text('{"typical": {"inputs": [[1, 2]]}}')
    with pytest.raises(ExportError, match="4 of 5 models could not be benched") as raised:
        run(root, entries, folder)
    # The command line gives 1 for this error and 2 for what the user typed wrong.
    assert not isinstance(raised.value, UserError)
    report = json.loads((folder / "bench.json").read_text())
    assert list(report["models"]) == [HARMONY.id]
    reasons = report["failed"]
    assert f"{EMOTION.id}.json can't be read (No such file" in reasons[EMOTION.id]
    assert "not an ONNX file, or cut short" in reasons[GROOVE.id]
    assert "needs frames [K, 64]" in reasons[MELODY.id]
    assert "none of the contract's models" in reasons["foreign"]
    rows = list(csv.DictReader((folder / "bench.csv").open()))
    assert [r["failed"] for r in rows] == ["", "", *reasons.values()]
    assert all(row["median_us"] == "" for row in rows[2:])
    assert (folder / "bench.png").is_file()
    assert capsys.readouterr().out.count("  failed: ") == 4


@pytest.mark.slow
def test_stubs_have_nothing_to_time_and_other_files_than_the_registrys_are_not_timed(tmp_path, capsys):
    root, folder = tmp_path / "models", tmp_path / "bench"
    stub, bare = put(root, EMOTION), put(root, MELODY)
    for entry in (stub, bare):
        del entry["exports"]
    good, changed, inputs = put(root, HARMONY), put(root, GROOVE), put(root, DYNAMICS)
    good["exports"]["onnx_sha256"] = sha256_file(root / f"{HARMONY.id}.onnx").upper()
    changed["exports"]["onnx_sha256"] = "0" * 64
    golden = f"golden/{DYNAMICS.id}.json"
    inputs |= {"golden_path": golden, "files": {golden: {"sha256": "0" * 64, "bytes": 1}}}
    card = {f"{HARMONY.id}.card.md": {"sha256": "0" * 64, "bytes": 1}}
    with pytest.raises(ExportError, match="3 of 4 models"):
        run(root, [{**stub, "status": "stub"}, bare, {**good, "files": card}, changed, inputs], folder)
    report = json.loads((folder / "bench.json").read_text())
    assert list(report["models"]) == [HARMONY.id]
    assert f"{GROOVE.id}.onnx: half-written or changed" in report["failed"].pop(GROOVE.id)
    assert f"{DYNAMICS.id}.json: half-written or changed" in report["failed"].pop(DYNAMICS.id)
    assert "no exports.onnx_path" in report["failed"].pop(MELODY.id) and not report["failed"]
    assert f"{EMOTION.id}: stub, nothing to time" in capsys.readouterr().out


def test_a_folder_of_stubs(tmp_path):
    with pytest.raises(RegistryError, match="no published model to bench"):
        run(tmp_path, [{**put(tmp_path, HARMONY), "status": "stub"}], tmp_path / "bench")


def test_when_all_fail_there_is_no_picture(tmp_path):
    root, folder = tmp_path / "models", tmp_path / "bench"
    entry = put(root, HARMONY)
    (root / f"{HARMONY.id}.onnx").unlink()
    with pytest.raises(ExportError, match=r"1 of 1 .*harmonypredictor.onnx can't be read"):
        run(root, [entry], folder)
    assert sorted(p.name for p in folder.iterdir()) == ["bench.csv", "bench.json"]


def test_an_empty_folder(tmp_path):
    with pytest.raises(RegistryError, match="no published model to bench"):
        run(tmp_path, [], tmp_path / "bench")


def test_csv_survives_any_text_and_leaves_unknown_cells_empty():
    times = {f"{key}_us": 5.0 for key in ("first", "median", "p90", "p99", "max")}
    floor = {"weight_bytes": 2000, "bandwidth_gb_s": None, "floor_us": None, "floor_ratio": None}
    told = {"within_budget": False, "version": "1", "flags": 'eigen, "-O3"\nfast'}
    backend = {**times, **told, "memory_floor": floor, "deadlines": deadlines(5.0, 5.0)}
    latency = {"budget_ms": 1.0, "frames": 9, "backends": {"rtneural": backend}}
    report = {"machine": {"id": "m1"}, "models": {"x": latency}, "failed": {"y": "a, b"}}
    rows = list(csv.DictReader(io.StringIO(bench_csv(report))))
    assert tuple(rows[0]) == COLUMNS and sum(name.startswith("p99_share_") for name in COLUMNS) == 12
    assert (rows[0]["flags"], rows[0]["floor_us"], rows[0]["within_budget"]) == ('eigen, "-O3"\\nfast', "", "no")
    assert (rows[1]["model"], rows[1]["backend"], rows[1]["failed"]) == ("y", "", "a, b")
