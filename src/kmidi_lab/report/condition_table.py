"""The scores of recordings that went through something (level, noise, telephone, …): a table by condition, beside the
clean ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.report.formats import NOTHING, fixed
from kmidi_lab.report.scores import plus_minus, ranked, runs_of
from kmidi_lab.run_scores import Scores, Spread, Statistic

_PLACES = 3
_NAMED = re.compile(
    rf"(?P<base>.+?)_(?P<condition>{'|'.join(sorted(CHANGES, key=len, reverse=True))})(?P<heard>_after_.+)?"
)


@dataclass(frozen=True)
class ConditionTable:
    """Rows begin with the name of a condition; the first is the recordings as they are."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def without_conditions(scores: Scores) -> Scores:
    """The scores less those of recordings that went through something."""

    def plain(values: Mapping[str, float | None]) -> dict[str, float | None]:
        return {metric: value for metric, value in values.items() if not _NAMED.fullmatch(metric)}

    metrics = {split: plain(own) for split, own in scores.metrics.items()}
    rivals = {s: {name: plain(own) for name, own in theirs.items()} for s, theirs in scores.baselines.items()}
    return replace(scores, metrics=metrics, baselines=rivals)


def condition_table(scores: Scores, spread: Spread | None, split: str) -> ConditionTable | None:
    """None where nothing of the split was scored in other conditions.

    Over folds a value is their mean ± standard deviation. The share is of the value as recorded; the baseline is the
    strongest that was scored in the conditions, too.
    """
    own, over = scores.metrics[split], spread.metrics.get(split, {}) if spread and spread.folds else {}
    found = {metric: match for metric in own if (match := _NAMED.fullmatch(metric))}
    if not found:
        return None
    columns = list(dict.fromkeys((match["base"], match["heard"] or "") for match in found.values()))
    conditions = [name for name in CHANGES if any(match["condition"] == name for match in found.values())]
    rivals, beside = scores.baselines.get(split, {}), spread.baselines.get(split, {}) if spread else {}
    headings: list[str] = []
    cells: dict[str, list[str]] = {name: [] for name in ("as recorded", *conditions)}
    for base, heard in columns:
        clean = _clean(own, base, heard)
        names = {"as recorded": clean} | {name: f"{base}_{name}{heard}" for name in conditions}
        scored = (r for r in ranked(scores.primary, rivals) if any(names[c] in rivals[r] for c in conditions))
        rival = next(scored, None)
        title = f"{base}{heard}".replace("_", " ")
        headings += [title, "share", *([f"{title}, {rival}"] if rival else [])]
        whole, _ = _value(own, over, clean)
        for name, metric in names.items():
            mean, text = _value(own, over, metric)
            cells[name] += [text, NOTHING if mean is None or not whole else fixed(mean / whole, 2)]
            cells[name] += [_value(rivals[rival], beside.get(rival, {}), metric)[1]] if rival else []
    first = f"mean ± std, {runs_of(spread)}" if spread and over else ""
    return ConditionTable((first, *headings), tuple((name.replace("_", " "), *row) for name, row in cells.items()))


def _clean(own: Iterable[str], base: str, heard: str) -> str | None:
    """The metric of the same recordings as they are."""
    return next((name for name in (f"{base}{heard}", f"{base}_accuracy{heard}") if name in own), None)


def _value(
    own: Mapping[str, float | None], over: Mapping[str, Statistic], metric: str | None
) -> tuple[float | None, str]:
    """As a number and as text."""
    if metric is None or metric not in own:
        return None, NOTHING
    if statistic := over.get(metric):
        return statistic.mean, plus_minus(statistic, _PLACES)
    return own[metric], fixed(own[metric], _PLACES)
