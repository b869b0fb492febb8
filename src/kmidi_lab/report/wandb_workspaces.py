"""The dashboard in Weights & Biases: a workspace and a report over all models, and one of each over every model's runs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from kmidi_lab.errors import UserError, reason
from kmidi_lab.files import write_atomic
from kmidi_lab.report import wandb_report
from kmidi_lab.report.formats import cell, table
from kmidi_lab.report.registry_table import models_cells

OVERVIEW = "all models"
REPORT_ON = "report on"
_NOT_THERE = ("not found", "does not exist")
"""In what W&B's packages say."""
_NAME_SIGNS = 11
"""Of a workspace's name, as many as W&B itself draws."""
_DRAWN_BY_CHANCE = ("__id__", "id")
"""Ids that the package draws anew each time."""


def views(entries: Sequence[Mapping[str, Any]], project: str, entity: str | None) -> dict[str, Any]:
    """Workspaces and reports by name, made from a registry's entries.

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
    by_metric = sorted({f"test/{p['metric']}" for e in entries if (p := e.get("primary") or {}).get("metric")})
    made = {
        OVERVIEW: ws.Workspace(
            entity=entity or "", project=project, name=f"kmidi_lab: {OVERVIEW}",
            sections=[
                ws.Section(name="Registry", is_open=True, panels=[wr.MarkdownPanel(markdown=overview)]),
                ws.Section(name="Test scores", is_open=True, panels=[wr.BarPlot(metrics=[m], title=m) for m in by_metric]),
            ],
        )
    }  # fmt: skip
    for entry in entries:
        name, scores = str(entry["id"]), wandb_report.scores_of(entry)
        made[name] = ws.Workspace(
            entity=entity or "", project=project, name=f"kmidi_lab: {name}",
            sections=[
                ws.Section(name="Curves", is_open=True, panels=[
                    wr.LinePlot(title=c, x="Step", y=[c]) for c in wandb_report.CURVES
                ]),
                ws.Section(name="Training", panels=[
                    wr.LinePlot(title=c, x="Step", y=[f"train/{c}"]) for c in ("learning_rate", "examples_per_s")
                ]),
                ws.Section(name="Test", is_open=True, panels=[
                    wr.BarPlot(title=f"{scores[0]} beside the best baseline", metrics=scores),
                    wr.ScalarChart(title=scores[0], metric=scores[0]),
                ]),
            ],
            runset_settings=ws.RunsetSettings(filters=wandb_report.runs_of(entry)),
        )  # fmt: skip
        made[f"{REPORT_ON} {name}"] = wandb_report.report_on(entry, project, entity)
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
    try:
        before = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
        urls = {}
        for name, view in made.items():
            there = _there(view, before.get(name))
            if there is not view and hasattr(there, "blocks"):
                there.blocks, there.description = view.blocks, view.description
            elif there is not view:
                there.sections, there.runset_settings = view.sections, view.runset_settings
            there.save()
            urls[name] = str(there.url)
    except Exception as error:  # whatever the network, the account or the package's checks lead to
        raise UserError(
            f"W&B did not take the views ({reason(error)}); type wandb login, or dashboard.dry_run=true"
        ) from None
    write_atomic(kept, json.dumps(urls, indent=1).encode())
    return list(urls.values())


def _there(view: Any, address: str | None) -> Any:
    """What an earlier time has saved of it, here or on another machine; itself where there is nothing.

    Args:
        view: as `views` makes it.
        address: that this machine has kept.
    """
    import wandb
    from wandb_workspaces import workspaces as ws
    from wandb_workspaces.reports import v2 as wr

    try:
        if isinstance(view, wr.Report):
            project = "/".join(filter(None, (view.entity, view.project)))
            found = (report.url for report in wandb.Api().reports(project) if report.display_name == view.title)
            address = address or next(found, None)
            return wr.Report.from_url(address) if address else view
        # Without a name of its own, by which it can be found, it gets one that is drawn.
        view._internal_name = f"nw-{sha256(view.name.encode()).hexdigest()[:_NAME_SIGNS]}-v"
        return ws.Workspace.from_url(address or view.url)
    except ValueError as error:  # no such view, or no such project yet; one that can't be read must not be doubled
        if any(words in str(error) for words in _NOT_THERE):
            return view
        raise


def _without(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without(value) for key, value in node.items() if key not in _DRAWN_BY_CHANCE}
    return [_without(value) for value in node] if isinstance(node, list) else node
