"""The model's metrics beside its baselines', split by split, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmidi_lab.report.formats import NOTHING, count, decimals, fixed, is_number, text_table
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Primary, Scores, Spread, Statistic
from kmidi_lab.wording import many

ARROWS = {"min": "↓", "max": "↑"}


@dataclass(frozen=True)
class Cell:
    text: str
    best: bool = False


@dataclass(frozen=True)
class Row:
    """`kind` is model, spread (the model over several seeds or folds) or baseline."""

    name: str
    kind: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ScoreTable:
    """`counted` says how much was scored; `alone` are the model's metrics that no baseline has."""

    split: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    counted: str
    alone: tuple[tuple[str, str], ...]


def label(metric: str, mode: str | None) -> str:
    return f"{metric.replace('_', ' ')} {ARROWS[mode]}" if mode else metric.replace("_", " ")


def score_tables(model: str, scores: Scores | None, spread: Spread | None = None) -> list[ScoreTable]:
    """One table for every split that `model` was scored on."""
    return [_table(model, scores, split, spread) for split in scores.metrics] if scores else []


def _table(model: str, scores: Scores, split: str, spread: Spread | None) -> ScoreTable:
    own, rivals, way = scores.metrics[split], scores.baselines.get(split, {}), scores.directions
    scored = _leading(scores.primary, [m for m, v in own.items() if m in way or not isinstance(v, int)])
    shared = [m for m in scored if any(m in theirs for theirs in rivals.values())]
    columns = shared or scored
    over = spread.metrics.get(split, {}) if spread else {}
    places = {m: decimals([own[m], *(theirs.get(m) for theirs in rivals.values())]) for m in scored}
    best = {m: _best([own[m], *(s.get(m) for s in rivals.values())], way[m]) for m in columns if m in way and rivals}

    def cells(values: Mapping[str, Any]) -> tuple[Cell, ...]:
        return tuple(
            Cell(fixed(values.get(m), places[m]), best.get(m) is not None and values.get(m) == best[m]) for m in columns
        )

    rows = [Row(model, "model", cells(own))]
    if spread and over:
        ranges = tuple(Cell(plus_minus(over.get(m), places[m])) for m in columns)
        rows.append(Row(f"mean ± std, {runs_of(spread)}", "spread", ranges))
    rows += [Row(name, "baseline", cells(rivals[name])) for name in ranked(scores.primary, rivals)]
    return ScoreTable(
        split=split,
        headings=tuple(label(m, way.get(m)) for m in columns),
        rows=tuple(rows),
        counted=", ".join(f"{count(v)} {m}" for m, v in own.items() if m not in scored),
        alone=tuple(
            (label(m, way.get(m)), f"{fixed(own[m], places[m])}{_over(spread, over.get(m), places[m])}")
            for m in scored
            if m not in columns
        ),
    )


def _leading(primary: Primary | None, metrics: list[str]) -> list[str]:
    """The metrics of the verdict first: on a narrow screen they are what is seen without scrolling."""
    first = [c.metric for c in primary.comparisons] if primary else []
    return sorted(metrics, key=lambda m: first.index(m) if m in first else len(first))


def plus_minus(statistic: Statistic | None, places: int) -> str:
    """`7.120 ± 0.050`; a single seed has no standard deviation."""
    if statistic is None:
        return NOTHING
    std = "" if statistic.std is None else f" ± {fixed(statistic.std, places)}"
    return fixed(statistic.mean, places) + std


def _over(spread: Spread | None, own: Statistic | None, places: int) -> str:
    what = "folds" if spread and spread.folds else "seeds"
    return f" (over {what} {plus_minus(own, places)})" if own else ""


def typical(run: RunRecord, rival: str | None = None) -> float | None:
    """The primary metric of the model, or of a baseline: its mean over folds where there are some, else the run's own.

    What one fold has depends on who is in it.
    """
    primary, spread = run.primary, run.spread
    assert primary
    if spread and spread.folds:
        tables = spread.baselines if rival else spread.metrics
        scores: Any = tables.get(primary.split, {}).get(rival, {}) if rival else tables.get(primary.split, {})
        if statistic := scores.get(primary.metric):
            return float(statistic.mean)
    if rival is None:
        return primary.value
    return run.scores.baselines.get(primary.split, {}).get(rival, {}).get(primary.metric) if run.scores else None


def runs_of(spread: Spread) -> str:
    """`1 seed`, `3 seeds`, `5 folds` or `5 folds x 2 seeds`: what a spread is over."""
    seeds, folds = len(set(spread.seeds)), len(set(spread.folds))
    if not folds:
        return many(seeds, "seed")
    return f"{folds} folds" + (f" x {seeds} seeds" if seeds > 1 else "")


def _best(values: list[Any], mode: str) -> float | None:
    there = [v for v in values if is_number(v)]
    return (min if mode == "min" else max)(there) if there else None


def ranked(primary: Primary | None, rivals: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Baselines, the strongest on the primary metric first."""
    sign = 1 if primary and primary.mode == "min" else -1

    def key(name: str) -> tuple[bool, float]:
        value = rivals[name].get(primary.metric) if primary else None
        return (value is None, sign * value if value is not None else 0.0)

    return sorted(rivals, key=key)


def plain_tables(scores: Scores) -> str:
    """The same tables as aligned text for a terminal."""
    parts = []
    for table in score_tables("model", scores):
        rows = [(row.name, *(c.text for c in row.cells)) for row in table.rows]
        text = text_table(("", *table.headings), rows, range(1, len(table.headings) + 1))
        parts.append(f"{table.split} ({table.counted})\n{text}")
    return "\n\n".join(parts)
