"""One run as one HTML file that needs nothing else: no network, no scripts, no fonts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from kmidi_lab.report import curves as curve_rows
from kmidi_lab.report import view
from kmidi_lab.report.numbers import count, duration, microseconds, modes
from kmidi_lab.report.scores import label, score_tables
from kmidi_lab.report.verdict import verdict


def write_report(run: dict[str, Any], curves: list[dict[str, float]], path: Path) -> Path:
    """Writes the report of a run, of a failed or half-finished one too; what is missing is said in it."""
    import jinja2

    # Everything but our own SVG is escaped: names of songs and messages of errors come from files.
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    source = files("kmidi_lab.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    page = environment.from_string(source).render({**_context(run, curves), "config": _config(path.parent)})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _context(run: Mapping[str, Any], curves: list[dict[str, float]]) -> dict[str, Any]:
    data = view.part(run, "data")
    return {
        "run": run,
        "identity": _identity(run),
        "verdict": verdict(run),
        "data": data,
        "facts": _facts(run),
        "tables": score_tables(run),
        "bars": _bars(run),
        "curves": _curves(run, curves),
        "confusions": _confusions(run),
        "reliability": _reliability(run),
        "emotion": view.emotion(run),
        "export": run.get("export"),
        "latency": view.latency(run),
        "latency_setting": view.latency_setting(run),
        "latency_figure": _latency(run),
        "not_measured": view.part(run, "export", "latency", "not_measured"),
        "parity": view.parity(run),
        "parity_calls": count(view.part(run, "export", "parity").get("calls")),
        "files": view.files(run),
        "sources": view.sources(run),
        "splits": view.splits(run),
        "split_rule": view.part(run, "data", "split").get("rule"),
        "problems": view.problems(run),
        "provenance": view.provenance(run),
        "raw": view.raw(run),
    }


def _config(folder: Path) -> str:
    """What Hydra composed for the run; interpolations stay as written, so nothing from the environment shows."""
    config = folder / ".hydra" / "config.yaml"
    return config.read_text(encoding="utf-8") if config.exists() else ""


def _identity(run: Mapping[str, Any]) -> str:
    started = run.get("started_at")
    parts = [
        f"{run['id']}, contract v{run.get('contract_version')}" if run.get("id") else "",
        f"run {run['run_id']}" if run.get("run_id") else "",
        f"{started[:10]}\u00a0{started[11:16]}\u00a0UTC" if started else "",
    ]
    return " · ".join(filter(None, parts))


def _facts(run: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The strip under the verdict: name, value, small print."""
    backends = view.part(run, "export", "latency", "backends")
    budget = view.part(run, "export", "latency").get("budget_ms")
    facts = []
    if run.get("params") is not None:
        facts.append(("parameters", count(run["params"]), str(run.get("arch") or "")))
    if backends:
        name = min(backends, key=lambda n: backends[n]["p99_us"])
        facts.append(("p99 of one call", microseconds(backends[name]["p99_us"]), f"{name}; budget {budget:g}\u00a0ms"))
    if run.get("training_seconds") is not None:
        facts.append(("training", duration(run["training_seconds"]), f"seed {run.get('seed')}"))
    if run.get("export"):
        status = str(run["export"].get("status"))
        facts.append(("registry status", status, str(run["export"].get("reason") or "")))
    return facts


def _bars(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    from kmidi_lab.report import plots

    primary = view.part(run, "primary")
    drawn = []
    for told in (primary, *primary.get("also", ())) if primary else ():
        metric, split = told["metric"], told["split"]
        rivals = view.part(run, "baselines", split)
        values = {name: scores[metric] for name, scores in rivals.items() if scores.get(metric) is not None}
        own = str(run.get("model"))
        if values:
            svg = plots.bars(metric, own, {own: told["value"], **values}, told["mode"])
            drawn.append((f"{label(metric, told['mode'])} on {split}", svg))
    return drawn


def _curves(run: Mapping[str, Any], rows: list[dict[str, float]]) -> list[tuple[str, str]]:
    from kmidi_lab.report import plots

    best = view.part(run, "training").get("best_epoch")
    way = modes(run)
    drawn = curve_rows.panels(rows).items()
    return [(label(metric, way.get(metric)), plots.learning_curve(metric, lines, best)) for metric, lines in drawn]


def _confusions(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    from kmidi_lab.report import plots

    found = [
        (key.removeprefix("confusion_"), value)
        for key, value in view.part(run, "analysis").items()
        if key.startswith("confusion_")
    ]
    return [(name, plots.confusion(name, table["labels"], table["counts"])) for name, table in found]


def _reliability(run: Mapping[str, Any]) -> str:
    from kmidi_lab.report import plots

    points = view.part(run, "analysis", "reliability")
    return plots.reliability(points) if points else ""


def _latency(run: Mapping[str, Any]) -> str:
    from kmidi_lab.report import plots

    measured = view.part(run, "export", "latency")
    backends = measured.get("backends") or {}
    budget = measured.get("budget_ms")
    if not any(b.get("histogram") for b in backends.values()):
        return ""
    return plots.latency(backends, budget * 1000 if budget is not None else None)
