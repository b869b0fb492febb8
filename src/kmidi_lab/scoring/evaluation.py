"""What every evaluator returns, and the verdict against the baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kmidi_lab.run_record import Note

Scores = Mapping[str, Mapping[str, float]]


@dataclass
class Evaluation:
    """`metrics[split][metric]`, `baselines[split][baseline][metric]`, `analysis` for the report."""

    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    baselines: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    analysis: dict[str, Any] = field(default_factory=dict)


class Evaluator(ABC):
    """Scores a model on a split beside the baselines. `loss` names the metric that is the training loss, too."""

    loss: str
    METRICS: ClassVar[Mapping[str, str]] = {}

    @staticmethod
    def notes(analysis: Mapping[str, Any]) -> list[Note]:
        """What its analysis says in words, each under a title of its own; asked again of the analyses of earlier runs."""
        return []

    @abstractmethod
    def __call__(self, call: Any, head: Any, data: Any, split: str, training: Any) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train and val splits of `training`."""

    @abstractmethod
    def verdict(self, evaluation: Evaluation, split: str) -> dict[str, Any]:
        """Whether the baselines are beaten, for run.json."""


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
