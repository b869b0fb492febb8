"""All models of a folder and all runs beside it as one page that needs nothing else: no network, no server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kmidi_lab.errors import named, reason
from kmidi_lab.files import write_atomic
from kmidi_lab.report.curves import Line, panels
from kmidi_lab.report.dashboard_tables import (
    MODEL_HEADINGS,
    MOST_LINES,
    Entry,
    Table,
    baseline_table,
    history_table,
    latency_table,
    model_row,
    run_table,
)
from kmidi_lab.report.html import rendered
from kmidi_lab.report.kept_runs import KeptRun, KeptRuns
from kmidi_lab.report.many_lines import many_lines
from kmidi_lab.wording import many


@dataclass(frozen=True)
class ModelPart:
    """What the page says of one model: its baselines, its calls' times, what was published before, its runs."""

    name: str
    about: str
    baselines: Table
    latency: Table
    history: Table
    runs: Table
    curves: Sequence[tuple[str, str]]
    undrawn: int


def write_dashboard(entries: Sequence[Entry], kept: KeptRuns, about: Mapping[str, str], path: Path) -> list[str]:
    """Writes the page; returns a line for each entry that holds what can't be shown.

    Args:
        entries: of a registry, as `load_registry` gives them.
        kept: the runs beside it.
        about: facts for the head of the page, by name.
        path: the HTML file.

    Raises:
        FileError: as `write_atomic`.
    """
    rows, parts, faults = [], [], []
    for entry in entries:
        runs = [run for run in kept.runs if run.record.identity.id == entry["id"]]
        try:
            rows.append(model_row(entry))
            parts.append(_entry_part(entry, runs))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            # The schema leaves scores open, and other programs write entries, too.
            faults.append(f"{entry['id']}: its entry holds what can't be shown ({reason(error)})")
            del rows[len(parts) :]
    published = {entry["id"] for entry in entries}
    for model in sorted({str(run.record.identity.id) for run in kept.runs} - published):
        runs = [run for run in kept.runs if str(run.record.identity.id) == model]
        parts.append(_part(model, "not published in this folder", {}, runs))
    context = {
        "about": {**about, "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"},
        "models": Table(MODEL_HEADINGS, rows),
        "parts": parts,
        "notes": [*faults, *(named(folder, why) for folder, why in kept.faults)],
        "most_lines": MOST_LINES,
    }
    write_atomic(path, rendered("dashboard.html.j2", context).encode(errors="backslashreplace"))
    return faults


def _entry_part(entry: Entry, runs: Sequence[KeptRun]) -> ModelPart:
    return _part(str(entry["id"]), str(entry.get("status_reason") or entry["status"]), entry, runs)


def _part(name: str, about: str, entry: Entry, runs: Sequence[KeptRun]) -> ModelPart:
    drawn = list(enumerate(runs, start=1))[:MOST_LINES]
    return ModelPart(
        name, about, baseline_table(entry), latency_table(entry), history_table(entry), run_table(runs), _curves(drawn), len(runs) - len(drawn)
    )  # fmt: skip


def _curves(runs: Sequence[tuple[int, KeptRun]]) -> list[tuple[str, str]]:
    """A figure for each validation metric that a run logged, the loss first."""
    lines: dict[str, list[tuple[int, Line]]] = {}
    for number, run in runs:
        for metric, stages in panels(run.curves).items():
            if "val" in stages:
                lines.setdefault(metric, []).append((number, stages["val"]))
    return [
        (f"val {metric}", many_lines(own, f"val {metric} of {many(len(own), 'run')}")) for metric, own in lines.items()
    ]
