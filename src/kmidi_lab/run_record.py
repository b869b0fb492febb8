"""What is kept of a run: filled by the recipe, read by the card, the report, the registry and later tasks.

Sections are None until the run has got that far; a run that failed or was stopped keeps those that it has. The larger
ones stand in `run_scores`, `run_analysis` and `run_export`; the file that a record is kept in is `run_file`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kmidi_lab.run_analysis import Analysis
from kmidi_lab.run_export import Export
from kmidi_lab.run_scores import Primary, Scores, SplitRun, Spread, Student
from kmidi_lab.typed_json import from_json

SCHEMA = 2


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
    `settings` are those that decide which examples there are (`DataModule.identity`); `more` is what one data set alone
    tells.
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
