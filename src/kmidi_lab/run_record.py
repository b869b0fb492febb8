"""What is kept of a run: filled by the recipe, read by the card, the report, the registry and later tasks.

Sections are None until the run has got that far; a run that failed or was stopped keeps those that it has. The file
that it is kept in is `run_file`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kmidi_lab.typed_json import from_json

SCHEMA = 2
_CONFUSION = "confusion_"
MetricTable = Mapping[str, Mapping[str, float | None]]
"""Scores by split and metric; an int is a count."""


@dataclass
class Identity:
    """Which run this is. `status` is running, ok or failed; `error` is one line; times are ISO 8601 in UTC."""

    run_id: str = ""
    model: str | None = None
    id: str | None = None
    """The contract's id of the model."""
    contract_version: str | None = None
    command: str | None = None
    overrides: list[str] = field(default_factory=list)
    seed: int | None = None
    status: str = "running"
    error: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    duration_seconds: float | None = None


@dataclass
class Code:
    """`git_dirty`: tracked files differ from the commit. `sha256` is of the lab's own Python files."""

    git_commit: str | None = None
    git_dirty: bool = False
    sha256: str | None = None
    versions: dict[str, str] = field(default_factory=dict)


@dataclass
class DataDescription:
    """What was trained on. `version` is a fingerprint of the examples, `stand_in` says why they are not the real ones.

    `sources` and `split` count whatever the data set counts; `split` also says the rule that it was drawn by.
    `settings` are those that decide which examples there are (`DataModule.identity`); `more` is what one data set alone tells.
    """

    id: str | None = None
    version: str | None = None
    stand_in: str | None = None
    licence: str | None = None
    sources: list[dict[str, Any]] = field(default_factory=list)
    split: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, flat: Mapping[str, Any]) -> DataDescription:
        """From what `DataModule.describe` gives. Raises MisfitError."""
        names = {own.name for own in fields(cls)}
        more = {key: value for key, value in flat.items() if key not in names}
        return from_json(cls, {**{key: flat[key] for key in flat if key in names}, "more": more}, "data")

    @property
    def began_with_all(self) -> bool:
        """Whether training began with weights that have heard all of their data, so perhaps the test of these."""
        started_from = self.more.get("started_from")
        return isinstance(started_from, Mapping) and bool(started_from.get("heard_all"))


@dataclass
class Network:
    """`params` are the trainable ones of the exported network, `arch` its layer sizes in one line."""

    params: int
    arch: str | None = None


@dataclass
class Training:
    """How the network was fitted. `batch_size` counts accumulated batches, losses are nats or what `loss` says."""

    epochs: int
    best_epoch: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    optimizer: str | None = None
    loss: str | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    test_loss: float | None = None
    seconds: float | None = None


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
    """A song, take, clip or sentence of the test; `loss` is the mean over its `events`, `said` what was right and what came.

    `figure` is its picture, below the run's folder. `quoted` says that the picture holds the item itself, such as a text.
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


@dataclass
class MemoryFloor:
    """Time in which one core reads the weights; None where the clock is too coarse."""

    weight_bytes: int
    bandwidth_gb_s: float | None
    floor_us: float | None
    floor_ratio: float | None


@dataclass
class Deadline:
    """One call in an audio block of `block` samples: shares of its time that the p99 and the slowest call take."""

    block: int
    rate_hz: int
    deadline_us: float
    p99_share: float
    max_share: float
    meets_p99: bool
    meets_max: bool


@dataclass
class Histogram:
    edges_us: list[float]
    counts: list[int]


@dataclass
class Timing:
    """Times of one call of a backend in µs; what an older lab did not measure is None or empty."""

    median_us: float
    p99_us: float
    first_us: float | None = None
    p90_us: float | None = None
    max_us: float | None = None
    mean_us: float | None = None
    within_budget: bool | None = None
    version: str | None = None
    flags: str | None = None
    histogram: Histogram | None = None
    memory_floor: MemoryFloor | None = None
    deadlines: list[Deadline] = field(default_factory=list)


@dataclass
class Latency:
    """Single calls by backend; `not_measured` says why a backend is not there."""

    budget_ms: float | None = None
    frames: int | None = None
    threads: int | None = None
    pinned_core: int | None = None
    backends: dict[str, Timing] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)


@dataclass
class FileFacts:
    sha256: str
    bytes: int


@dataclass
class Export:
    """The artefacts: `parity` holds the largest error by reader, with the `tolerance` and the number of `calls`.

    Receptive fields are in calls, None without an end. `no_effect` names the inputs of the RTNeural file that change
    nothing, None where nobody looked. `published` is False where a better entry stays.
    """

    models_root: str
    status: str
    reason: str
    stored_params: int | None = None
    receptive_field: int | None = None
    onnx_receptive_field: int | None = None
    parity: dict[str, float | None] = field(default_factory=dict)
    no_effect: list[str] | None = None
    latency: Latency = field(default_factory=Latency)
    published: bool = True
    files: dict[str, FileFacts] = field(default_factory=dict)


@dataclass(frozen=True)
class Objective:
    """What settings are chosen by: a score on the validation split, and which way it improves, min or max."""

    metric: str
    mode: str
    value: float


@dataclass
class RunRecord:
    """One run. `machine` is `machine.machine_fingerprint()`, `hardware` what was asked for, `config` all settings."""

    identity: Identity
    schema: int = SCHEMA
    code: Code = field(default_factory=Code)
    machine: dict[str, Any] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    data: DataDescription | None = None
    network: Network | None = None
    training: Training | None = None
    student: Student | None = None
    scores: Scores | None = None
    split_run: SplitRun | None = None
    """Whose scores and analysis these are; None for the run's own."""
    analysis: Analysis = field(default_factory=Analysis)
    spread: Spread | None = None
    export: Export | None = None

    @property
    def primary(self) -> Primary | None:
        """The verdict, None before the evaluation."""
        return self.scores.primary if self.scores else None

    @property
    def published_student(self) -> Student | None:
        """The student whose RTNeural file is published; None without one, and where it is withheld."""
        return self.student if self.student and not self.student.withheld else None

    @property
    def objective(self) -> Objective | None:
        """The validation loss of the best epoch; None before it is trained, and where the loss is no number."""
        loss = self.training.val_loss if self.training else None
        return None if loss is None else Objective("val/loss", "min", loss)
