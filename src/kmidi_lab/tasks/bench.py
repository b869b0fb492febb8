"""task=bench: single-call latency of every model in a folder, as a table, JSON, CSV and a picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import psutil
from omegaconf import DictConfig

from kmidi_lab.errors import ExportError, LabError, RegistryError
from kmidi_lab.export.bench.latency import measure_latency
from kmidi_lab.export.bench.published import read_published
from kmidi_lab.export.rtneural.runner import CPP_VARIABLE, runner_from_env
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import example_root
from kmidi_lab.provenance import machine_fingerprint
from kmidi_lab.registry.files import check_hashes
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report.bench import bench_csv, jitter_png
from kmidi_lab.report.formats import microseconds, percent, printable, text_table
from kmidi_lab.report.latency_view import runs_student
from kmidi_lab.tasks.roots import whole_root
from kmidi_lab.wording import many

_LOOKED_S, _DISTURBED = 0.3, 0.2


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Benches all models of the folder; one that fails is reported at the end and the others go on.

    Raises:
        RegistryError: the folder has no model. UserError: RTNEURAL_RUNNER or KMIDI_RUNNER is no program. ExportError: a model failed;
            all files are written.
    """
    root, runner, cpp_runner = whole_root(cfg), runner_from_env(), runner_from_env(CPP_VARIABLE)
    published = load_registry(root)["models"]
    entries = [entry for entry in published if entry["status"] != "stub"]
    for entry in published:
        if entry["status"] == "stub":
            print(f"{entry['id']}: stub, nothing to time")
    if not entries:
        raise RegistryError(f"{root}: no published model to bench; train one first, or type {example_root()}")
    busy = _busy()
    benches: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for entry in entries:
        print(f"{entry['id']}: {many(cfg.export.calls, 'call')} a backend …", flush=True)
        try:
            _check_timed(root, entry)
            model = read_published(root, entry)
            latency = measure_latency(
                None,
                model.contract,
                model.onnx,
                model.rtneural,
                model.frames,
                runner,
                cfg.export.calls,
                cpp_runner=cpp_runner,
                no_rtneural=model.no_rtneural,
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            reason = str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
            failed[entry["id"]] = reason.splitlines()[0]
            print(f"  failed: {printable(failed[entry['id']])}")
            continue
        benches[entry["id"]] = latency
        _say(latency, bool(entry.get("rtneural_is_student")))
    _write(
        context["folder"], {"machine": machine_fingerprint(), "busy_before": busy, "models": benches, "failed": failed}
    )
    if failed:
        reasons = "; ".join(f"{model_id}: {reason}" for model_id, reason in failed.items())
        raise ExportError(f"{len(failed)} of {len(entries)} models could not be benched: {reasons}")


def _busy() -> float:
    """The share 0..1 of all cores that other programs use now; says so where it disturbs what is timed."""
    share = psutil.cpu_percent(_LOOKED_S) / 100
    if share > _DISTURBED:
        print(
            f"note: other programs use {percent(share, 0)} of this machine's cores; on an idle machine the times are shorter",
            file=sys.stderr,
        )
    return round(share, 3)


def _check_timed(root: Path, entry: dict[str, Any]) -> None:
    """Raises RegistryError unless the entry names an ONNX file, and each file that it tells a hash of has that hash."""
    if entry.get("exports", {}).get("onnx_path") is None:
        raise RegistryError("the entry has no exports.onnx_path, so there is no file to time; export the model again")
    check_hashes(root, entry)


def _write(folder: Path, report: dict[str, Any]) -> None:
    write_atomic(folder / "bench.json", json.dumps(report, indent=1).encode())
    write_atomic(folder / "bench.csv", bench_csv(report).encode())
    if report["models"]:
        write_atomic(folder / "bench.png", jitter_png(report["models"]))
    print(f"written: {', '.join(str(path) for path in sorted(folder.glob('bench.*')))}")


_TIMES = ("first", "median", "p99", "max")


def _say(latency: dict[str, Any], student: bool) -> None:
    """A row a backend: times, median over the memory floor, share of the shortest audio block; then what is amiss.

    `student`: RTNeural's file holds another, smaller network than the ONNX file.
    """
    rows, notes = [], []
    for backend, b in latency["backends"].items():
        name = f"{backend} (student)" if student and runs_student(backend) else backend
        floor = b["memory_floor"]["floor_us"]
        ratio = f"{b['memory_floor']['floor_ratio']:.2f}× {microseconds(floor)}" if floor else "no floor"
        hardest = min(b["deadlines"], key=lambda d: d["deadline_us"])
        share = f"{percent(hardest['p99_share'])} of {hardest['block']} at {hardest['rate_hz'] / 1000:g} kHz"
        rows.append((name, *(microseconds(b[f"{key}_us"]) for key in _TIMES), ratio, share))
        if not b["within_budget"]:
            notes.append(f"{name}: OVER the budget of {latency['budget_ms']:g} ms at the 99th percentile")
    if rows and not notes:
        notes.append(f"within the time budget of {latency['budget_ms']:g} ms a call, at the 99th percentile")
    if rows:
        headings = ("", *_TIMES, "median / memory floor", "p99 of an audio block")
        notes.insert(0, text_table(headings, rows, range(1, 7)))
    notes += [f"{name} not measured: {printable(why)}" for name, why in latency["not_measured"].items()]
    print(indent("\n".join(notes), "  "))
