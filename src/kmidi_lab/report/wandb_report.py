"""Reports of Weights & Biases: on the registry, and on each model, what is published, its runs and what it has
replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.report.formats import cell, table
from kmidi_lab.report.registry_table import models_cells

NAME = "report on the registry"
CURVES = ("val/loss", "train/loss", "train/step_loss")
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


def report_on(entry: Mapping[str, Any], project: str, entity: str | None) -> Any:
    """A report on one model: what is published and why, its history, and curves and scores of all its runs.

    Args:
        entry: of the registry.
        project: of W&B, where the runs are.
        entity: whose project; None is the user's default.
    """
    from wandb_workspaces.reports import v2 as wr

    # Of the report's own project: one that is named is asked for at W&B, and a dry run asks nobody.
    runs = wr.Runset(name=f"runs of {tag_of(entry)}", filters=runs_of(entry))
    headings, rows = models_cells([entry])
    return wr.Report(
        entity=entity or "", project=project, title=f"kmidi_lab: report on {entry['id']}",
        description=f"{entry['id']}: what is published, and all its runs.",
        blocks=[
            wr.H1(text="What is published"),
            wr.MarkdownBlock(text=table(headings, [[cell(text) for text in row] for row in rows])),
            wr.MarkdownBlock(text=_about(entry)),
            wr.H1(text="Its runs"),
            wr.PanelGrid(runsets=[runs], panels=[
                *(wr.LinePlot(title=c, x="Step", y=[c]) for c in CURVES), wr.BarPlot(title="test", metrics=scores_of(entry)),
            ]),
        ],
    )  # fmt: skip


def scores_of(entry: Mapping[str, Any]) -> list[str]:
    """What runs call the test score of the verdict, and the best baseline's beside it."""
    primary = entry.get("primary") or {}
    metric, best = str(primary.get("metric") or "loss"), primary.get("best_baseline")
    return [f"test/{metric}", *([f"baseline/{best}/{metric}"] if best else [])]


def runs_of(entry: Mapping[str, Any]) -> str:
    """The filter of a model's runs, which have its name as a tag."""
    return f"Tags in ['{tag_of(entry)}']"


def tag_of(entry: Mapping[str, Any]) -> str:
    """The tag that the runs of a registry entry's model have."""
    return next((c.model for c in CONTRACTS.values() if c.id == entry["id"]), str(entry["id"]))


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
