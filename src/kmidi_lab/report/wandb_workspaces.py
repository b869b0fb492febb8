"""The dashboard in Weights & Biases: a workspace over all models, one for each over all its runs, and a report."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kmidi_lab.errors import UserError, reason
from kmidi_lab.files import write_atomic
from kmidi_lab.report import wandb_report
from kmidi_lab.report.formats import cell, table
from kmidi_lab.report.registry_table import models_cells

OVERVIEW = "all models"
_DRAWN_BY_CHANCE = ("__id__", "id")
"""Ids that the package draws anew each time."""


def views(entries: Sequence[Mapping[str, Any]], project: str, entity: str | None) -> dict[str, Any]:
    """Workspaces and the report by name, made from a registry's entries.

    Args:
        entries: as `load_registry` gives them.
        project: of W&B, where the runs are.
        entity: whose project; None is the user's default, which the package writes as an empty name.

    Raises:
        UserError: `wandb-workspaces` is not there.
    """
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise UserError("task=dashboard logger=wandb needs wandb-workspaces; type pip install 'kmidi_lab[dashboards]'")
    from wandb_workspaces import workspaces as ws
    from wandb_workspaces.reports import v2 as wr

    headings, rows = models_cells(entries)
    overview = table(headings, [[cell(text) for text in row] for row in rows])
    primaries = {str(e["id"]): (e.get("primary") or {}) for e in entries}
    by_metric = sorted({f"test/{p['metric']}" for p in primaries.values() if p.get("metric")})
    made = {
        OVERVIEW: ws.Workspace(
            entity=entity or "", project=project, name=f"kmidi_lab: {OVERVIEW}",
            sections=[
                ws.Section(name="Registry", is_open=True, panels=[wr.MarkdownPanel(markdown=overview)]),
                ws.Section(name="Test scores", is_open=True, panels=[wr.BarPlot(metrics=[m], title=m) for m in by_metric]),
            ],
        )
    }  # fmt: skip
    for name, primary in primaries.items():
        metric = str(primary.get("metric") or "loss")
        best = primary.get("best_baseline")
        rivals = [f"baseline/{best}/{metric}"] if best else []
        curves = ["val/loss", "train/loss", "train/step_loss"]
        made[name] = ws.Workspace(
            entity=entity or "", project=project, name=f"kmidi_lab: {name}",
            sections=[
                ws.Section(name="Curves", is_open=True, panels=[wr.LinePlot(title=c, x="Step", y=[c]) for c in curves]),
                ws.Section(name="Training", panels=[
                    wr.LinePlot(title=c, x="Step", y=[f"train/{c}"]) for c in ("learning_rate", "examples_per_s")
                ]),
                ws.Section(name="Test", is_open=True, panels=[
                    wr.BarPlot(title=f"test {metric} beside the best baseline", metrics=[f"test/{metric}", *rivals]),
                    wr.ScalarChart(title=f"test {metric}", metric=f"test/{metric}"),
                ]),
            ],
            runset_settings=ws.RunsetSettings(filters=f"Tags in ['{_model(name)}']"),
        )  # fmt: skip
    return {**made, wandb_report.NAME: wandb_report.report(entries, project, entity)}


def spec(workspace: Any) -> dict[str, Any]:
    """What would be saved, without the ids that are drawn anew each time: the same entries give the same text."""
    model = workspace._to_model().model_dump(by_alias=True, exclude_none=True, mode="json")
    del model["name"]  # of the view, which W&B draws
    return dict(_without(model))


def write_specs(made: Mapping[str, Any], path: Path) -> None:
    """Writes every view's specification as one JSON file. Raises FileError as `write_atomic`."""
    text = json.dumps({name: spec(workspace) for name, workspace in made.items()}, indent=1, sort_keys=True)
    write_atomic(path, text.encode())


def send(made: Mapping[str, Any], kept: Path) -> list[str]:
    """Saves the views at W&B, those of the last time again and not beside them; returns their addresses.

    Args:
        made: as `views` gives them.
        kept: the file that holds the addresses from one time to the next.

    Raises:
        UserError: not logged in, or W&B refuses.
    """
    from wandb_workspaces import workspaces as ws
    from wandb_workspaces.reports import v2 as wr

    try:
        before = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
        urls = {}
        for name, workspace in made.items():
            there = workspace
            if name in before and name == wandb_report.NAME:
                there = wr.Report.from_url(before[name])
                there.blocks, there.description = workspace.blocks, workspace.description
            elif name in before:
                there = ws.Workspace.from_url(before[name])
                there.sections, there.runset_settings = workspace.sections, workspace.runset_settings
            there.save()
            urls[name] = str(there.url)
    except Exception as error:  # whatever the network, the account or the package's checks lead to
        raise UserError(
            f"W&B did not take the views ({reason(error)}); type wandb login, or dashboard.dry_run=true"
        ) from None
    write_atomic(kept, json.dumps(urls, indent=1).encode())
    return list(urls.values())


def _model(model_id: str) -> str:
    """The tag that the runs of a registry id have."""
    from kmidi_lab.contracts import CONTRACTS

    return next((c.model for c in CONTRACTS.values() if c.id == model_id), model_id)


def _without(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without(value) for key, value in node.items() if key not in _DRAWN_BY_CHANCE}
    return [_without(value) for value in node] if isinstance(node, list) else node
