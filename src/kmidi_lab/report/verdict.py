"""The first thing a reader wants to know, in words: did it beat its baselines, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmidi_lab.report.numbers import decimals, fixed, percent
from kmidi_lab.report.scores import plus_minus, runs_of


@dataclass(frozen=True)
class Verdict:
    """`kind` is good, mixed, bad or none."""

    kind: str
    headline: str
    details: tuple[str, ...]


def verdict(run: Mapping[str, Any]) -> Verdict:
    """Wins, losses and the spread over seeds or folds; where the model loses is always said."""
    if run.get("status") == "failed":
        return Verdict("bad", "The run failed", (str(run.get("error") or "It left no error message."),))
    primary = run.get("primary") or {}
    if not primary or primary.get("best_baseline") is None:
        return Verdict("none", "No verdict", ("No baseline was scored, so there is nothing to compare with.",))
    told = [primary, *primary.get("also", ())]
    if primary.get("not_comparable"):
        return Verdict("none", "No fair comparison", (f"{primary['not_comparable']}.", *map(compared, told)))
    won = [t["metric"] for t in told if t["beats_baselines"]]
    lost = [t["metric"] for t in told if not t["beats_baselines"]]
    if not lost:
        kind, headline = "good", f"Beats every baseline on {_and(won)}"
    elif primary["beats_baselines"]:
        kind, headline = "mixed", f"Beats every baseline on {_and(won)}, but not on {_and(lost)}"
    else:
        kind = "bad"
        headline = f"Does not beat its baselines on {_and(lost)}" + (f", only on {_and(won)}" if won else "")
    details = [compared(t) for t in told]
    return Verdict(kind, headline, (*details, *_seeds(run, primary), *_other_splits(run, primary)))


def compared(told: Mapping[str, Any]) -> str:
    """`test perplexity 7.100 against 8.300 for 4-gram+cache: better by 1.200 (14.5 %).`"""
    value, rival = told["value"], told["best_baseline_value"]
    places = decimals([value, rival])
    gap = rival - value if told["mode"] == "min" else value - rival
    share = f" ({percent(abs(gap) / abs(rival))})" if rival else ""
    outcome = f"{'better' if gap > 0 else 'worse'} by {fixed(abs(gap), places)}{share}" if gap else "no difference"
    return (
        f"{told['split']} {told['metric']} {fixed(value, places)} against {fixed(rival, places)} "
        f"for {told['best_baseline']}: {outcome}."
    )


def _seeds(run: Mapping[str, Any], primary: Mapping[str, Any]) -> list[str]:
    spread = run.get("spread")
    if not spread:
        return ["One seed only: the spread over seeds is not known."]
    own = (spread["metrics"].get(primary["split"]) or {}).get(primary["metric"])
    if not own:
        return []
    places = decimals([own["mean"]])
    line = f"Over {runs_of(spread)} {primary['metric']} is {plus_minus(own, places)}"
    if spread.get("folds"):
        rival = spread["baselines"][primary["split"]][primary["best_baseline"]][primary["metric"]]
        return [f"{line}, {primary['best_baseline']} is {plus_minus(rival, places)}."]
    gap = abs(own["mean"] - primary["best_baseline_value"])
    if own.get("std"):
        line += f"; the distance to {primary['best_baseline']} is {gap / own['std']:.1f} times that spread"
    return [line + "."]


def _other_splits(run: Mapping[str, Any], primary: Mapping[str, Any]) -> list[str]:
    """Where the model loses on a part of the data, and on how many parts it wins."""
    metric, mode = primary["metric"], primary["mode"]
    lost: list[str] = []
    won = 0
    for split, baselines in (run.get("baselines") or {}).items():
        rivals = {name: s[metric] for name, s in baselines.items() if s.get(metric) is not None}
        value = ((run.get("metrics") or {}).get(split) or {}).get(metric)
        if split == primary["split"] or not rivals or value is None:
            continue
        name = (min if mode == "min" else max)(rivals, key=lambda n: rivals[n])
        if value < rivals[name] if mode == "min" else value > rivals[name]:
            won += 1
            continue
        told = {"split": split, "metric": metric, "mode": mode, "value": value}
        lost.append(compared({**told, "best_baseline": name, "best_baseline_value": rivals[name]}))
    if not won + len(lost):
        return []
    return [f"On {metric} it is ahead of every baseline on {won} of {won + len(lost)} other splits.", *lost]


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
