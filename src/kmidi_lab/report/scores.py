"""The model's metrics beside its baselines', split by split, ready to be set as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmidi_lab.report.numbers import count, decimals, fixed, is_number, modes

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


def score_tables(run: Mapping[str, Any]) -> list[ScoreTable]:
    """One table for every split the run was scored on."""
    return [_table(run, split) for split in run.get("metrics") or {}]


def _table(run: Mapping[str, Any], split: str) -> ScoreTable:
    own = run["metrics"][split]
    rivals = (run.get("baselines") or {}).get(split) or {}
    way = modes(run)
    scored = _leading(run, [m for m, v in own.items() if m in way or not isinstance(v, int)])
    shared = [m for m in scored if any(m in scores for scores in rivals.values())]
    columns = shared or scored
    spread = ((run.get("spread") or {}).get("metrics") or {}).get(split) or {}
    places = {m: decimals([own[m], *(scores.get(m) for scores in rivals.values())]) for m in scored}
    best = {m: _best([own[m], *(s.get(m) for s in rivals.values())], way[m]) for m in columns if m in way and rivals}

    def cells(scores: Mapping[str, Any]) -> tuple[Cell, ...]:
        return tuple(
            Cell(fixed(scores.get(m), places[m]), best.get(m) is not None and scores.get(m) == best[m]) for m in columns
        )

    rows = [Row(str(run.get("model")), "model", cells(own))]
    if spread:
        over = tuple(Cell(plus_minus(spread.get(m), places[m])) for m in columns)
        rows.append(Row(f"mean ± std, {runs_of(run['spread'])}", "spread", over))
    rows += [Row(name, "baseline", cells(rivals[name])) for name in _ranked(run, rivals)]
    return ScoreTable(
        split=split,
        headings=tuple(label(m, way.get(m)) for m in columns),
        rows=tuple(rows),
        counted=", ".join(f"{count(v)} {m}" for m, v in own.items() if m not in scored),
        alone=tuple(
            (label(m, way.get(m)), f"{fixed(own[m], places[m])}{_over(run.get('spread'), spread.get(m), places[m])}")
            for m in scored
            if m not in columns
        ),
    )


def _leading(run: Mapping[str, Any], metrics: list[str]) -> list[str]:
    """The metrics of the verdict first: on a narrow screen they are what is seen without scrolling."""
    primary = run.get("primary") or {}
    first = [told["metric"] for told in (primary, *primary.get("also", ())) if told]
    return sorted(metrics, key=lambda m: first.index(m) if m in first else len(first))


def plus_minus(spread: Mapping[str, Any] | None, places: int) -> str:
    """`7.120 ± 0.050`; a single seed has no standard deviation."""
    if not spread:
        return "–"
    std = "" if spread.get("std") is None else f" ± {fixed(spread['std'], places)}"
    return fixed(spread["mean"], places) + std


def _over(spread: Mapping[str, Any] | None, own: Mapping[str, Any] | None, places: int) -> str:
    what = "folds" if (spread or {}).get("folds") else "seeds"
    return f" (over {what} {plus_minus(own, places)})" if own else ""


def runs_of(spread: Mapping[str, Any]) -> str:
    """`3 seeds`, `5 folds` or `5 folds x 2 seeds`: what a spread is over."""
    seeds, folds = len(set(spread["seeds"])), len(set(spread.get("folds") or ()))
    if not folds:
        return f"{seeds} seeds"
    return f"{folds} folds" + (f" x {seeds} seeds" if seeds > 1 else "")


def _best(values: list[Any], mode: str) -> float | None:
    there = [v for v in values if is_number(v)]
    return (min if mode == "min" else max)(there) if there else None


def _ranked(run: Mapping[str, Any], rivals: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Baselines, the strongest on the primary metric first."""
    primary = run.get("primary") or {}
    metric, sign = primary.get("metric"), 1 if primary.get("mode") == "min" else -1

    def key(name: str) -> tuple[bool, float]:
        value = rivals[name].get(metric) if metric else None
        return (value is None, sign * value if value is not None else 0.0)

    return sorted(rivals, key=key)


def plain_tables(run: Mapping[str, Any]) -> str:
    """The same tables as aligned text for a terminal."""
    parts = []
    for scores in score_tables(run):
        lines = [("", *scores.headings), *((r.name, *(c.text for c in r.cells)) for r in scores.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        rows = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        parts.append("\n".join([f"{scores.split} ({scores.counted})", *rows]))
    return "\n\n".join(parts)
