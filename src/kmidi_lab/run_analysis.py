"""Of the record of a run: what an evaluator found beside the scores, such as confusions, worst items, remarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kmidi_lab.typed_json import from_json

_CONFUSION = "confusion_"


@dataclass
class Confusion:
    """Counts, rows true, columns predicted."""

    labels: list[str]
    counts: list[list[int]]


@dataclass
class Reliability:
    """Mean confidence, share right and share of the events, for each bin."""

    confidence: list[float]
    accuracy: list[float]
    share: list[float]


@dataclass
class SliceEvidence:
    """What a slice of the output was taught by: on what its labels rest, and how many training clips have one."""

    slice: str
    trained: bool
    evidence: str
    clips: dict[str, int]
    never_heard: list[str]


@dataclass
class Note:
    """A finding in words, under a title of its own."""

    title: str
    text: str


@dataclass
class WorstItem:
    """A song, take, clip or sentence of the test; `loss` is the mean over its `events`, `said` what was right and what
    came.

    `figure` is its picture, below the run's folder. `quoted` says that the picture holds the item itself, such as a
    text.
    """

    name: str
    source: str
    loss: float
    events: int
    said: str = ""
    figure: str | None = None
    quoted: bool = False


@dataclass
class HeardVersion:
    """A test item as something or somebody plays it; `file` is its sound, Ogg Vorbis below the run's folder."""

    by: str
    file: str


@dataclass
class HeardItem:
    """A song or take of the test that a report plays."""

    name: str
    source: str
    versions: list[HeardVersion] = field(default_factory=list)


@dataclass
class Analysis:
    """What an evaluator found beside the scores; `more` is what only its own model knows.

    `worst` are the test items of greatest loss, the worst first. `heard` are some to listen to, and `unheard` says why
    there is no sound of them, empty otherwise.
    """

    confusions: dict[str, Confusion] = field(default_factory=dict)
    reliability: Reliability | None = None
    slices: list[SliceEvidence] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    worst: list[WorstItem] = field(default_factory=list)
    heard: list[HeardItem] = field(default_factory=list)
    unheard: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, flat: Mapping[str, Any], notes: list[Note]) -> Analysis:
        """From an evaluator's flat one, whose confusion matrices are named `confusion_…`. Raises MisfitError."""
        confusions = {k.removeprefix(_CONFUSION): v for k, v in flat.items() if k.startswith(_CONFUSION)}
        own = {k: v for k, v in flat.items() if k in ("reliability", "slices")}
        more = {k: v for k, v in flat.items() if k not in own and not k.startswith(_CONFUSION)}
        analysis = from_json(cls, {**own, "confusions": confusions, "more": more}, "analysis")
        analysis.notes = notes
        return analysis
