"""The registry as a report of Weights & Biases: what is published, its test scores, and what each model has replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kmidi_lab.report.formats import cell, table
from kmidi_lab.report.registry_table import models_cells

NAME = "report on the registry"
_MOST_LINES = 10


def report(entries: Sequence[Mapping[str, Any]], project: str, entity: str | None) -> Any:
    """A `wandb_workspaces.reports.v2.Report`; nothing is sent.

    Args:
        entries: as `load_registry` gives them.
        project: of W&B, where the runs are.
        entity: whose project; None is the user's default.
    """
    from wandb_workspaces.reports import v2 as wr

    headings, rows = models_cells(entries)
    overview = table(headings, [[cell(text) for text in row] for row in rows])
    metrics = sorted({f"test/{p['metric']}" for e in entries if (p := e.get("primary") or {}).get("metric")})
    plots = [wr.BarPlot(metrics=[metric], title=metric) for metric in metrics]
    return wr.Report(
        entity=entity or "", project=project, title="kmidi_lab: the registry",
        description=f"{len(entries)} published models, each beside its best baseline.",
        blocks=[
            wr.TableOfContents(),
            wr.H1(text="Published models"),
            wr.MarkdownBlock(text=overview),
            *([wr.H1(text="Test scores of all runs"), wr.PanelGrid(panels=plots, runsets=[wr.Runset(name="all runs")])]
              if plots else []),
            wr.H1(text="Each model"),
            *(block for entry in entries for block in (wr.H2(text=str(entry["id"])), wr.MarkdownBlock(text=_about(entry)))),
        ],
    )  # fmt: skip


def _about(entry: Mapping[str, Any]) -> str:
    """Why it is published, on which data, and the newest lines of its history, as Markdown."""
    training = entry.get("training") or {}
    data = " ".join(str(training[key]) for key in ("dataset_id", "dataset_version") if training.get(key))
    lines = [
        f"**{cell(entry['status'])}**: {cell(entry.get('status_reason') or entry.get('note') or 'no reason is given')}.",
        f"Data: {cell(data or 'not recorded')}. Licences: {cell(entry.get('license') or 'not recorded')}.",
    ]
    past = (entry.get("history") or [])[:_MOST_LINES]
    if past:
        rows = [
            [cell(line.get(k) or "–") for k in ("replaced_at", "status", "replaced_because", "reason")] for line in past
        ]
        lines.append(table(["changed", "status before", "because", "was so because"], rows))
    return "\n\n".join(lines)
