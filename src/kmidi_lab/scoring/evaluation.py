"""What an evaluator declares and returns, and the verdict against the baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import DataError
from kmidi_lab.run_analysis import Note
from kmidi_lab.scoring.heard import HeardItem
from kmidi_lab.scoring.items import ScoredItem

Direction = Literal["min", "max"]
"""Which way a metric improves."""
Predictions = TypeVar("Predictions")
Part = TypeVar("Part")


@dataclass
class Evaluation:
    """The scores of a model and its baselines.

    Attributes:
        metrics: `metrics[split][metric]`; a part of a split is named `split/part`.
        baselines: `baselines[split][baseline][metric]`.
        analysis: what the report shows beside the scores. `not_comparable`, if it is there and not empty, says why the
            baselines can't be compared with the model.
    """

    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    baselines: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    analysis: dict[str, Any] = field(default_factory=dict)


class Evaluator(ABC):
    """Scores a model on a split beside its baselines.

    Attributes:
        METRICS: every metric that the evaluator may report, with the way that it improves.
        COUNTS: what it reports beside them that is neither better high nor better low.
        primary: the metric that the verdict rests on.
        also: further metrics that the verdict names, in this order.
        loss: the metric that is the training loss, too.
        student_limit: share of the primary metric that a student may be behind its teacher; beyond it the RTNeural file is
            not published. None publishes every student's.
    """

    METRICS: ClassVar[Mapping[str, Direction]]
    COUNTS: ClassVar[tuple[str, ...]] = ("events",)
    primary: ClassVar[str]
    also: ClassVar[tuple[str, ...]] = ()
    loss: ClassVar[str]
    student_limit: ClassVar[float | None] = None

    @staticmethod
    def notes(analysis: Mapping[str, Any]) -> list[Note]:
        """What its analysis says in words, each under a title of its own; asked again of the analyses of earlier runs."""
        return []

    @abstractmethod
    def __call__(self, call: Any, head: Any, data: Any, split: str, training: Any) -> Evaluation:
        """Scores a model and its baselines on the same examples.

        Args:
            call: the model, arrays in and out.
            head: weights of its `head.json` by name; empty for a model without a head.
            data: the data module to score on.
            split: `train`, `val`, `test` or `all` of `data`.
            training: the data module whose train and val splits the baselines are fitted on.

        Raises:
            DataError: the split holds nothing to score.
        """

    def items(self, call: Any, head: Any, data: Any, split: str) -> Iterable[ScoredItem]:
        """The songs, takes or clips of a split, each with the model's loss; arguments as of a call. None by default."""
        return ()

    def heard(self, call: Any, head: Any, data: Any, split: str) -> Iterable[HeardItem]:
        """Some songs or takes of a split to listen to; arguments as of a call. None by default."""
        return ()

    def verdict(self, evaluation: Evaluation, split: str) -> dict[str, Any]:
        """The `primary` object of run.json: the verdict on `primary`, and in `also` on the further metrics there are."""
        there = evaluation.metrics[split]
        also = [verdict(evaluation, split, name, self.METRICS[name]) for name in self.also if name in there]
        reason = evaluation.analysis.get("not_comparable")
        return {
            **verdict(evaluation, split, self.primary, self.METRICS[self.primary]),
            **({"not_comparable": reason} if reason else {}),
            "also": also,
        }

    @classmethod
    def student_rivals(cls, baselines: Iterable[str]) -> list[str]:
        """The baselines, by name, that a student must beat for its RTNeural file to be published; none by default."""
        return []

    @classmethod
    def why_withheld(cls, teacher: Evaluation, student: Evaluation, split: str) -> str:
        """Why a student's RTNeural file is not published, by the primary metric alone; empty where it is.

        Args:
            teacher: its scores, and those of the baselines.
            student: its scores.
            split: that both were scored on.
        """
        if cls.student_limit is None:
            return ""
        metric, sign = cls.primary, 1 if cls.METRICS[cls.primary] == "min" else -1
        own, theirs = student.metrics[split][metric], teacher.metrics[split][metric]
        behind, reasons = sign * (own - theirs) / abs(theirs), []
        if not behind <= cls.student_limit:
            share = f"{100 * behind:.0f}" if behind >= 2 * cls.student_limit else f"{100 * behind:.1f}"
            reasons.append(f"{share} % behind its teacher (limit {100 * cls.student_limit:.3g} %)")
        rivals = {name: teacher.baselines[split][name][metric] for name in cls.student_rivals(teacher.baselines[split])}
        if rivals:
            best = min(rivals, key=lambda name: sign * rivals[name])
            if not sign * own < sign * rivals[best]:
                reasons.append(f"does not beat {best} on {split} {metric} ({own:.4g} against {rivals[best]:.4g})")
        return "; ".join(reasons)


def verdict(evaluation: Evaluation, split: str, metric: str, mode: str) -> dict[str, Any]:
    """The model's value of one metric beside the best baseline's; `mode` is `min` or `max`."""
    value = evaluation.metrics[split][metric]
    rivals = {name: scores[metric] for name, scores in evaluation.baselines[split].items()}
    best = (min if mode == "min" else max)(rivals, key=lambda name: rivals[name])
    beats = value < rivals[best] if mode == "min" else value > rivals[best]
    return {
        "metric": metric,
        "mode": mode,
        "split": split,
        "value": value,
        "best_baseline": best,
        "best_baseline_value": rivals[best],
        "beats_baselines": bool(beats),
    }


def check_scorable(there: object, split: str, lack: str) -> None:
    """Before a split is scored.

    Args:
        there: what is scored, empty or false where there is nothing.
        split: its name.
        lack: what it has not, such as `holds no songs`.

    Raises:
        DataError: there is nothing to score.
    """
    if not there:
        raise DataError(f"the split {split!r} {lack}; give data.split=all or another data.root")


def score_alike(
    score: Callable[[Predictions, Part], dict[str, float]],
    own: Predictions,
    baselines: Mapping[str, Predictions],
    parts: Mapping[str, Part],
) -> Evaluation:
    """Scores the model's predictions and every baseline's in the same way, on each part of the split.

    Args:
        score: metrics of predictions on a part.
        own: the model's predictions over the whole split, or what makes them.
        baselines: the same of each baseline by name.
        parts: the parts of the split by name, such as the masks of `parts_of`.
    """
    return Evaluation(
        {name: score(own, part) for name, part in parts.items()},
        {name: {b: score(p, part) for b, p in baselines.items()} for name, part in parts.items()},
    )


def parts_of(split: str, groups: NDArray[Any], fewest: int = 1) -> dict[str, NDArray[np.bool_]]:
    """The whole split, then each of its groups with at least `fewest` examples as `split/group`.

    Args:
        split: its name.
        groups: `[E]`, which group each example belongs to, such as its source.
        fewest: smaller groups are left out.

    Returns:
        Masks `[E]` by name.
    """
    own = {f"{split}/{name}": groups == name for name in np.unique(groups)}
    return {split: np.ones(len(groups), bool), **{name: rows for name, rows in own.items() if rows.sum() >= fewest}}
