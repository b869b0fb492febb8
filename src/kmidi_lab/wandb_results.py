"""What only the end of a run knows, in Weights & Biases: verdict, tables, report, artefacts and what they were made
from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from kmidi_lab import run_file
from kmidi_lab.feedback.rounds import LAST, facts_of
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report.html import without_sounds
from kmidi_lab.run_export import Export, Timing
from kmidi_lab.run_record import DataDescription, RunRecord


def finish_wandb(logger: WandbLogger, record: RunRecord, folder: Path, failed: bool) -> None:
    """Adds what only the end knows (verdict, tables, report, artefacts with what they were made from) and closes the
    run.
    """
    run, export = logger.experiment, record.export
    run.summary["status"] = "failed" if failed else "ok"
    run.summary["stand_in"] = (record.data and record.data.stand_in) or "none"
    if record.data:
        _log_data(run, record.data)
    _log_scores(run, record)
    if record.data and (retrained := record.data.more.get("retrained")):
        facts = {**facts_of(retrained), "published": bool(export and export.published)}
        run.log({"round": run.config["round"], **{f"{LAST}/{key}": value for key, value in facts.items()}})
    if export:
        run.summary["registry_status"] = export.status
        _log_latency(run, export.latency.backends)
        _log_model(run, record, export)
    _log_worst(run, record, folder)
    _log_report(run, record, folder)
    run.finish(exit_code=1 if failed else 0)


def _log_data(run: Any, data: DataDescription) -> None:
    """What the run was trained on: an input of the run where W&B takes one, which it does online only."""
    import wandb

    facts = {"version": data.version, "licence": data.licence, "settings": data.settings, "split": data.split}
    run.summary["data_version"] = data.version
    artifact = wandb.Artifact(_name(data.id or "data"), type="dataset", metadata=facts)
    # Without files, so the version is in what is hashed: other data are another version of the artefact.
    with artifact.new_file("version.txt") as file:
        file.write(str(data.version))
    if run.settings._offline:
        run.log_artifact(artifact)
    else:
        run.use_artifact(artifact)


def _log_scores(run: Any, record: RunRecord) -> None:
    """The model and its baselines on every split, and confusion matrices, as tables."""
    import wandb

    if record.scores:
        rows = [
            [split, name, metric, value]
            for split, own in record.scores.metrics.items()
            for name, scores in {str(record.identity.model): own, **record.scores.baselines.get(split, {})}.items()
            for metric, value in scores.items()
        ]
        run.log({"baselines": wandb.Table(columns=["split", "name", "metric", "value"], data=_cells(rows))})
    for name, table in record.analysis.confusions.items():
        counts = [[true, *row] for true, row in zip(table.labels, table.counts, strict=True)]
        run.log({f"confusion/{name}": wandb.Table(columns=["true \\ predicted", *table.labels], data=counts)})


def _log_worst(run: Any, record: RunRecord, folder: Path) -> None:
    """The worst test items, each with its picture; nothing of a recording goes along, and no text."""
    import wandb

    rows = [
        [
            item.name, item.source, item.loss, float(item.events), item.said,
            wandb.Html("<p>stays here</p>" if item.quoted else path.read_text(encoding="utf-8"), inject=False),
        ]
        for item in record.analysis.worst
        if item.figure and (path := folder / item.figure).is_file()
    ]  # fmt: skip
    if rows:
        columns = ["item", "source", "loss", "events", "said", "picture"]
        run.log({"worst_test_items": wandb.Table(columns=columns, data=rows)})


def _cells(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """A column of W&B's table has one type: numbers are floats."""
    return [[float(v) if isinstance(v, int | float) else v for v in row] for row in rows]


def _log_latency(run: Any, backends: dict[str, Timing]) -> None:
    import wandb

    columns = ["backend", "first_us", "median_us", "p90_us", "p99_us", "max_us"]
    rows = [[name, b.first_us, b.median_us, b.p90_us, b.p99_us, b.max_us] for name, b in backends.items()]
    run.log({"latency": wandb.Table(columns=columns, data=rows)})
    bins = [
        [name, edge, count]
        for name, b in backends.items()
        if b.histogram
        for edge, count in zip(b.histogram.edges_us, b.histogram.counts, strict=False)
    ]
    if bins:
        run.log({"latency_histogram": wandb.Table(columns=["backend", "from_us", "calls"], data=bins)})


def _log_model(run: Any, record: RunRecord, export: Export) -> None:
    """The published files and what the registry says of them as an artefact; its alias is the registry's status."""
    import wandb

    if not export.files:
        return
    facts = {
        "status": export.status,
        "reason": export.reason,
        "published": export.published,
        "run": record.identity.run_id,
    }
    facts |= {"data_version": record.data.version, "licence": record.data.licence} if record.data else {}
    models = load_registry(Path(export.models_root))["models"] if export.published else []
    entry = next((one for one in models if one["id"] == record.identity.id), None)
    if entry:
        facts["registry_entry"] = entry.get("digest")
    artifact = wandb.Artifact(_name(str(record.identity.id)), type="model", metadata=facts)
    if entry:
        with artifact.new_file("registry_entry.json") as file:
            file.write(json.dumps(entry, indent=1))
    for name in export.files:
        artifact.add_file(str(Path(export.models_root) / name), name=name)
    run.log_artifact(artifact, aliases=["latest", export.status])


def _log_report(run: Any, record: RunRecord, folder: Path) -> None:
    """report.html without sounds as a panel, and with run.json as an artefact; a run that failed early has none."""
    import wandb

    report = folder / "report.html"
    if not report.is_file():
        return
    page = without_sounds(report.read_text(encoding="utf-8"))
    run.log({"report": wandb.Html(page, inject=False)})
    artifact = wandb.Artifact(_name(f"{record.identity.id}-report"), type="report")
    with artifact.new_file(report.name, encoding="utf-8") as file:
        file.write(page)
    record_file = folder / run_file.FILE
    if record_file.is_file():
        artifact.add_file(str(record_file), name=record_file.name)
    run.log_artifact(artifact)


def _name(text: str) -> str:
    """As W&B takes names of artefacts: letters, digits, dot, dash and underscore, 128 at most."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text)[:128]
