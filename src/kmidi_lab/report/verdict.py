"""The verdict in words: did the model beat its baselines, by how much, and how sure is that."""

from __future__ import annotations

from dataclasses import dataclass

from kmidi_lab.report.formats import decimals, fixed, percent
from kmidi_lab.report.scores import plus_minus, runs_of
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Comparison, Primary, Scores, Spread


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
