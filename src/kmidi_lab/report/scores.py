"""The model's metrics beside its baselines', split by split, as a table, and the verdict in words: did it beat them, by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmidi_lab.report.formats import NOTHING, count, decimals, fixed, is_number, percent, text_table
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Comparison, Primary, Scores, Spread, Statistic
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


@dataclass(frozen=True)
class Verdict:
    """`kind` is good, mixed, bad or none."""

    kind: str
    headline: str
    details: tuple[str, ...]


def verdict(run: RunRecord) -> Verdict:
    """Wins, losses and the spread over seeds or folds; where the model loses is always said."""
    if run.identity.status == "failed":
        return Verdict("bad", "The run failed", (run.identity.error or "It left no error message.",))
    primary = run.primary
    if primary is None or primary.best_baseline is None:
        return Verdict("none", "No verdict", ("No baseline was scored, so there is nothing to compare with.",))
    if primary.not_comparable:
        compared_all = map(compared, primary.comparisons)
        return Verdict("none", "No fair comparison", (f"{primary.not_comparable}.", *compared_all))
    won = [c.metric for c in primary.comparisons if c.beats_baselines]
    lost = [c.metric for c in primary.comparisons if not c.beats_baselines]
    if not lost:
        kind, headline = "good", f"Beats every baseline on {_and(won)}"
    elif primary.beats_baselines:
        kind, headline = "mixed", f"Beats every baseline on {_and(won)}, but not on {_and(lost)}"
    else:
        kind = "bad"
        headline = f"Does not beat its baselines on {_and(lost)}" + (f", only on {_and(won)}" if won else "")
    details, over = [compared(c) for c in primary.comparisons], _seeds(run.spread, primary)
    # What one fold has depends on who is in it, so the folds come first.
    first = (*over, *details) if run.spread and run.spread.folds else (*details, *over)
    whose = (f"{run.split_run}.",) if run.split_run else ()
    return Verdict(kind, headline, (*whose, *first, *_other_splits(run, primary)))


def compared(c: Comparison) -> str:
    """`test perplexity 7.100 against 8.300 for 4-gram+cache: better by 1.200 (14.5 %).`"""
    value, rival = c.value, c.best_baseline_value
    places = decimals([value, rival])
    against = f"{c.split} {c.metric} {fixed(value, places)} against {fixed(rival, places)} for {c.best_baseline}"
    if value is None or rival is None:
        return f"{against}."
    gap = rival - value if c.mode == "min" else value - rival
    share = f" ({percent(abs(gap) / abs(rival))})" if rival else ""
    outcome = f"{'better' if gap > 0 else 'worse'} by {fixed(abs(gap), places)}{share}" if gap else "no difference"
    return f"{against}: {outcome}."


def _seeds(spread: Spread | None, primary: Primary) -> list[str]:
    if spread is None:
        return ["One seed only: the spread over seeds is not known."]
    own = spread.metrics.get(primary.split, {}).get(primary.metric)
    if own is None:
        return []
    places = decimals([own.mean])
    line = f"Over {runs_of(spread)} {primary.metric} is {plus_minus(own, places)}"
    if spread.folds:
        rival = spread.baselines[primary.split][str(primary.best_baseline)][primary.metric]
        return [f"{line}, {primary.best_baseline} is {plus_minus(rival, places)}."]
    if own.std and primary.best_baseline_value is not None:
        gap = abs(own.mean - primary.best_baseline_value)
        line += f"; the distance to {primary.best_baseline} is {gap / own.std:.1f} times that spread"
    return [line + "."]


def _other_splits(run: RunRecord, primary: Primary) -> list[str]:
    """Where the model loses on a part of the data, and on how many parts it wins."""
    metric, mode = primary.metric, primary.mode
    lost: list[str] = []
    won = 0
    scores = run.scores or Scores()
    for split, baselines in scores.baselines.items():
        rivals = {name: v for name, s in baselines.items() if (v := s.get(metric)) is not None}
        value = scores.metrics.get(split, {}).get(metric)
        if split == primary.split or not rivals or value is None:
            continue
        name = (min if mode == "min" else max)(rivals, key=lambda n: rivals[n])
        if value < rivals[name] if mode == "min" else value > rivals[name]:
            won += 1
            continue
        lost.append(compared(Comparison(metric, mode, split, value, name, rivals[name], False)))
    if not won + len(lost):
        return []
    return [f"On {metric} it is ahead of every baseline on {won} of {won + len(lost)} other splits.", *lost]


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
