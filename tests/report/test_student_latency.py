"""Beside a model's score stands the time of what was scored, never that of its student in the RTNeural file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report.baseline_report import baseline_report
from kmidi_lab.report.dashboard import write_dashboard
from kmidi_lab.report.html import write_report
from kmidi_lab.report.kept_runs import KeptRuns
from kmidi_lab.report.registry_table import models_table
from kmidi_lab.report.results import RECORDS, RELEASE, read_run
from kmidi_lab.report.results_text import readme_table
from kmidi_lab.run_export import Timing
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Student
from tests.support.page import Page
from tests.support.sample_run import sample_run

REPO = Path(__file__).resolve().parents[2]
View = Callable[[RunRecord, Path], str]
STUDENTS = {"rtneural": Timing(1.0, 2.0), "rtneural_stl": Timing(3.0, 4.0), "kmidi_runtime": Timing(5.0, 5.5)}


def of_registry(run: RunRecord, folder: Path) -> str:
    return models_table([entry_of(run)])


def of_dashboard(run: RunRecord, folder: Path) -> str:
    write_dashboard([entry_of(run)], KeptRuns(), {"models folder": "m"}, folder / "index.html")
    return " ".join(Page((folder / "index.html").read_text("utf-8")).tables[0][1])


def of_report(run: RunRecord, folder: Path) -> str:
    """The strip below the verdict."""
    text = Page(write_report(run, [], folder / "report.html").read_text("utf-8")).text
    return text.partition("p99 of one call")[2][:60]


def entry_of(run: RunRecord) -> dict[str, Any]:
    """What the registry keeps of it, as far as these pages read it."""
    timed = run.export.latency.backends if run.export else {}
    return {
        "id": "melodytransformer",
        "status": "trained",
        "rtneural_is_student": run.student is not None,
        "latency": {"backends": {n: {"median_us": b.median_us, "p99_us": b.p99_us} for n, b in timed.items()}},
    }


VIEWS: dict[str, View] = {
    "README": lambda run, _: readme_table([run]),
    "baselines": lambda run, _: baseline_report([run], []).partition("## Baselines")[0],
    "registry": of_registry,
    "dashboard": of_dashboard,
    "report": of_report,
}


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_time_beside_the_score_is_that_of_what_was_scored(view: View, tmp_path: Path) -> None:
    run = sample_run()
    assert run.export
    run.export.latency.backends |= STUDENTS
    assert "rtneural" in view(run, tmp_path), "without a student it is the fastest"
    run.student = Student("GRU", 9000, 3, 2, 0.05, "KL divergence, nats")
    text = view(run, tmp_path).replace("\\", "")
    assert "onnxruntime_iobinding" in text and "rtneural" not in text and "kmidi_runtime" not in text
    run.export.latency.backends = dict(STUDENTS)
    assert not any(name in view(run, tmp_path) for name in STUDENTS), "nothing that was scored was timed"


def test_the_released_melody_is_timed_as_onnx() -> None:
    """Its student, 65 µs in RTNeural, has 1.131 nats; the network with 1.057 takes 383 µs."""
    [entry] = [e for e in load_registry(REPO / RELEASE)["models"] if e["id"] == "melodytransformer"]
    [line] = models_table([entry]).splitlines()[1:]
    assert "1.057" in line and "383\u00a0µs onnxruntime_iobinding" in line
    [line] = [s for s in baseline_report([read_run(REPO / RECORDS / "melody.json")], []).splitlines() if "1.057" in s][
        :1
    ]
    assert "489\u00a0µs onnxruntime_iobinding" in line
