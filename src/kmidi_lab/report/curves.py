"""Learning curves from the metrics.csv that Lightning's CSVLogger writes."""

from __future__ import annotations

import csv
from pathlib import Path

Row = dict[str, float]
Line = tuple[list[float], list[float]]


def read_curves(metrics_csv: Path) -> list[Row]:
    """The rows with the cells they have; none for a run that stopped before its first line.

    A run that was killed leaves half a line, whose last number may be cut to a wrong one: it is dropped.
    """
    if not metrics_csv.exists():
        return []
    lines = metrics_csv.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    return [row for cells in csv.DictReader(whole) if (row := _numbers(cells))]


def _numbers(cells: dict[str, str]) -> Row:
    row = {}
    for name, text in cells.items():
        try:
            row[name] = float(text)
        except (TypeError, ValueError):
            continue
    return row


def panels(curves: list[Row]) -> dict[str, dict[str, Line]]:
    """`panels[metric][stage] = (epochs, values)` for the train and val columns, loss first.

    Of a metric logged both ways, the mean of the epoch is drawn, not the steps.
    """
    lines: dict[str, dict[str, Line]] = {}
    for row in curves:
        for column, value in row.items():
            stage, _, metric = column.partition("/")
            if stage not in ("train", "val") or not metric or metric.endswith("_step") or "epoch" not in row:
                continue
            epochs, values = lines.setdefault(metric.removesuffix("_epoch"), {}).setdefault(stage, ([], []))
            epochs.append(row["epoch"])
            values.append(value)
    return dict(sorted(lines.items(), key=lambda item: item[0] != "loss"))
