"""The student in the RTNeural file beside its teacher in the ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kmidi_lab.report.numbers import count, fixed
from kmidi_lab.report.view import Grid, part, text_of


def student(run: Mapping[str, Any]) -> Grid:
    """A row each for teacher, student and best baseline, a column for each metric of the verdict; no rows without one."""
    made = part(run, "student")
    if not made:
        return Grid((), ())
    ours = [part(run, "primary"), *part(run, "primary").get("also", ())]
    theirs = part(run, "student_scores", "primary")
    told = [theirs, *theirs.get("also", ())]
    rows = [
        ("teacher (ONNX)", text_of(run.get("arch")), count(run.get("params")), *(text_of(t["value"]) for t in ours)),
        ("student (RTNeural)", text_of(made["arch"]), count(made["params"]), *(text_of(t["value"]) for t in told)),
        ("best baseline", "", "", *(f"{text_of(t['best_baseline_value'])} ({t['best_baseline']})" for t in ours)),
    ]
    metrics = [f"{t['split']} {t['metric']}" for t in ours]
    return Grid(("", "network", "parameters", *metrics), tuple(rows), tuple(range(2, 3 + len(metrics))))


def distance(run: Mapping[str, Any]) -> str:
    """How far the student's outputs are from its teacher's, in a sentence."""
    made = part(run, "student")
    return (
        f"Its outputs are {fixed(made['distance'], 4)} from its teacher's on validation data ({made['distance_unit']}), "
        f"after {count(made['epochs'])} epochs of distillation."
    )
