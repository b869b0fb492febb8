"""One run as one HTML file that needs nothing else: no network, no scripts, no fonts."""

from __future__ import annotations

import base64
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from kmidi_lab import run_file
from kmidi_lab.files import write_atomic
from kmidi_lab.report import curves as curve_rows
from kmidi_lab.report import latency_view, view
from kmidi_lab.report.formats import count, duration, microseconds
from kmidi_lab.report.scores import label, score_tables
from kmidi_lab.report.verdict import verdict
from kmidi_lab.run_record import RunRecord
from kmidi_lab.scoring.heard import SECONDS

_HELD = {".svg": "image/svg+xml", ".ogg": "audio/ogg"}
_SOUND = re.compile(r"<audio [^>]*></audio>")
"""Names in it are escaped, so that none holds a `>`."""


def write_report(run: RunRecord, curves: list[dict[str, float]], path: Path) -> Path:
    """Writes the report of a run, of a failed or half-finished one too; what is missing is said in it."""
    write_atomic(path, rendered("report.html.j2", _context(run, curves, path.parent)).encode())
    return path


def without_sounds(page: str) -> str:
    """A report without what its players play: sounds of test data, whose licence may forbid a copy elsewhere."""
    return _SOUND.sub("Its sound stays in the run's folder.", page)


def rendered(template: str, context: dict[str, Any]) -> str:
    """A page of this package with its style; everything in `context` but what a template calls safe is escaped."""
    import jinja2

    # Only our own SVG is safe: names of songs and messages of errors come from files.
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    own = files("kmidi_lab.report")
    source = own.joinpath(template).read_text(encoding="utf-8")
    style = own.joinpath("page.css").read_text(encoding="utf-8")
    return environment.from_string(source).render({**context, "style": style})


def _context(run: RunRecord, curves: list[dict[str, float]], folder: Path) -> dict[str, Any]:
    parts = {
        "run": run,
        "title": run.identity.model,
        "identity": _identity(run),
        "verdict": verdict(run),
        "facts": _facts(run),
        "tables": score_tables(str(run.identity.model), run.scores, run.spread),
        "bars": _bars(run),
        "curves": _curves(run, curves),
        "confusions": _confusions(run),
        "reliability": _reliability(run),
        "latency": latency_view.latency(run),
        "latency_setting": latency_view.setting(run),
        "latency_figure": _latency(run),
        "not_measured": latency_view.measured(run).not_measured,
        "parity": view.parity(run),
        "parity_calls": count(run.export.parity.get("calls") if run.export else None),
        "files": view.files(run),
        "sources": view.sources(run),
        "splits": view.splits(run),
        "split_rule": view.split_rule(run)[0],
        "problems": view.problems(run),
        "provenance": view.provenance(run),
        "config": _config(folder),
        "worst": [(item, _held(folder, item.figure)) for item in run.analysis.worst],
        "heard": [(item, [(v.by, _held(folder, v.file)) for v in item.versions]) for item in run.analysis.heard],
        "heard_seconds": f"{SECONDS:g}",
        "raw": run_file.text(run),
    }
    return {**parts, "missing": _missing(run, parts)}


def _missing(run: RunRecord, parts: dict[str, Any]) -> list[str]:
    """A sentence for each part that a report has and this one has not."""
    timed, exported = bool(parts["latency"].rows), run.export is not None
    there = {
        "The run has no metrics.": parts["tables"],
        "The run logged no curves.": parts["curves"],
        "The run holds no confusion matrix.": parts["confusions"],
        "Nothing was exported, so nothing was timed.": exported,
        "The export was not timed.": timed or not exported,
        "The run holds no parity check.": parts["parity"].rows or not exported,
        "The run holds no word on its data.": run.data,
        "No composed config lies beside this report.": parts["config"],
    }
    others = () if timed else parts["not_measured"].items()
    return [
        *(sentence for sentence, has in there.items() if not has),
        *(f"{name} was not measured: {why}." for name, why in others),
        *([f"Its test items can't be heard: {run.analysis.unheard}."] if run.analysis.unheard else []),
    ]


def _config(folder: Path) -> str:
    """What Hydra composed for the run; interpolations stay as written, so nothing from the environment shows."""
    config = folder / ".hydra" / "config.yaml"
    return config.read_text(encoding="utf-8") if config.exists() else ""


def _held(folder: Path, name: str | None) -> str:
    """A picture or sound of the run's folder as an address that holds it: nothing in it runs. Empty without."""
    path = folder / str(name)
    kind = _HELD.get(path.suffix)
    if name is None or kind is None or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return ""
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _identity(run: RunRecord) -> str:
    own = run.identity
    started = own.started_at
    parts = [
        f"{own.id}, contract v{own.contract_version}" if own.id else "",
        f"run {own.run_id}" if own.run_id else "",
        f"{started[:10]}\u00a0{started[11:16]}\u00a0UTC" if started else "",
    ]
    return " · ".join(filter(None, parts))


def _facts(run: RunRecord) -> list[tuple[str, str, str]]:
    """The strip under the verdict: name, value, small print."""
    timed = latency_view.measured(run)
    facts = []
    if run.network:
        facts.append(("parameters", count(run.network.params), run.network.arch or ""))
    if name := latency_view.fastest_of_run(run):
        small_print = f"{name}; budget {timed.budget_ms:g}\u00a0ms" if timed.budget_ms is not None else name
        facts.append(("p99 of one call", microseconds(timed.backends[name].p99_us), small_print))
    if run.training and run.training.seconds is not None:
        facts.append(("training", duration(run.training.seconds), f"seed {run.identity.seed}"))
    if run.export:
        facts.append(("registry status", run.export.status, run.export.reason))
    return facts


def _bars(run: RunRecord) -> list[tuple[str, str]]:
    from kmidi_lab.report import plots

    charts = []
    for c in run.primary.comparisons if run.primary and run.scores else ():
        rivals = run.scores.baselines.get(c.split, {})  # type: ignore[union-attr]
        values = {name: value for name, scores in rivals.items() if (value := scores.get(c.metric)) is not None}
        own = str(run.identity.model)
        if values and c.value is not None:
            svg = plots.bars(c.metric, own, {own: c.value, **values}, c.mode)
            charts.append((f"{label(c.metric, c.mode)} on {c.split}", svg))
    return charts


def _curves(run: RunRecord, rows: list[dict[str, float]]) -> list[tuple[str, str]]:
    from kmidi_lab.report import plots

    best = run.training.best_epoch if run.training else None
    way = {"loss": "min", **(run.scores.directions if run.scores else {})}
    charts = curve_rows.panels(rows).items()
    return [(label(metric, way.get(metric)), plots.learning_curve(metric, lines, best)) for metric, lines in charts]


def _confusions(run: RunRecord) -> list[tuple[str, str]]:
    from kmidi_lab.report import plots

    tables = run.analysis.confusions.items()
    return [(name, plots.confusion(name, table.labels, table.counts)) for name, table in tables]


def _reliability(run: RunRecord) -> str:
    from kmidi_lab.report import plots

    return plots.reliability(run.analysis.reliability) if run.analysis.reliability else ""


def _latency(run: RunRecord) -> str:
    from kmidi_lab.report import plots

    timed = latency_view.measured(run)
    if not any(b.histogram for b in timed.backends.values()):
        return ""
    return plots.latency(timed.backends, timed.budget_ms * 1000 if timed.budget_ms is not None else None)
