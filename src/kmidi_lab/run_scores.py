"""Of the record of a run: its scores beside the baselines', the verdict, the student's, those over seeds or folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MetricTable = Mapping[str, Mapping[str, float | None]]
"""Scores by split and metric; an int is a count."""


@dataclass
class Comparison:
    """One metric of the model beside the best baseline's; `mode` is min or max."""

    metric: str
    mode: str
    split: str
    value: float | None
    best_baseline: str | None
    best_baseline_value: float | None
    beats_baselines: bool


@dataclass
class Primary(Comparison):
    """The verdict: the primary metric and, in `also`, those named beside it. `not_comparable` says why it isn't fair."""

    also: list[Comparison] = field(default_factory=list)
    not_comparable: str | None = None

    @property
    def comparisons(self) -> list[Comparison]:
        """The primary one first."""
        return [self, *self.also]


@dataclass
class Scores:
    """The exported network beside its baselines, `baselines[split][baseline][metric]`.

    `directions` says for every metric which way it improves, min or max; one without is never called better.
    """

    metrics: MetricTable = field(default_factory=dict)
    baselines: Mapping[str, MetricTable] = field(default_factory=dict)
    primary: Primary | None = None
    directions: dict[str, str] = field(default_factory=dict)


@dataclass
class Student:
    """The network in the RTNeural file where it is distilled from the trained one.

    `curve` is [train, val] by epoch; `withheld` says why its file is not published, empty where it is
    (`Evaluator.why_withheld`).
    """

    arch: str
    params: int
    epochs: int
    best_epoch: int
    distance: float
    distance_unit: str
    curve: list[list[float]] = field(default_factory=list)
    metrics: MetricTable = field(default_factory=dict)
    primary: Primary | None = None
    withheld: str = ""


@dataclass
class SplitRun:
    """The run whose network has the scores of a record, where the record's own has heard the test, too.

    It was trained on `songs` (whatever the data set counts) of the `all_songs` that the record's own was trained on.
    `continued`: the record's own began with its weights.
    """

    run_id: str
    songs: int
    all_songs: int
    continued: bool

    def __str__(self) -> str:
        began = "; this file began with its weights" if self.continued else ""
        return (
            "This file was trained on all of the data, validation and test included, so it has no test of its own: all "
            f"scores are those of run {self.run_id}, a network of the same settings that was trained on {self.songs:,} of "
            f"{self.all_songs:,} songs and tested on others{began}"
        )


@dataclass
class Statistic:
    """Over the runs of a spread; `std` is the sample standard deviation, None for one run."""

    mean: float
    std: float | None = None


@dataclass
class Spread:
    """The same setting over several seeds or folds, a run each; the baselines vary over folds only."""

    seeds: list[int | None]
    metrics: dict[str, dict[str, Statistic]] = field(default_factory=dict)
    folds: list[int] = field(default_factory=list)
    baselines: dict[str, dict[str, dict[str, Statistic]]] = field(default_factory=dict)
