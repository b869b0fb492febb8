"""The typed root of the config: what may stand there and of what type. Components (`_target_`) stay open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class Paths:
    data_root: str = MISSING
    models_root: str = MISSING
    output_root: str = MISSING
    cache_dir: str = MISSING


@dataclass
class HardwareConfig:
    accelerator: str = MISSING
    devices: int = 1
    num_nodes: int = 1
    precision: str = "32-true"
    strict: bool = False
    memory_budget_gb: float = 4.0


@dataclass
class BuildConfig:
    name: str = MISSING
    may_train: bool = MISSING


@dataclass
class TrainerConfig:
    _target_: str = "lightning.pytorch.Trainer"
    max_epochs: int = MISSING
    min_epochs: int = 1
    patience: int = 10
    limit_train_batches: int | float = 1.0
    gradient_clip: float = 1.0
    ema: float = 0.0
    accumulate: int = 1
    resume: str | None = None
    progress: bool = True
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class ExportConfig:
    enabled: bool = True
    tolerance: float = 1e-4
    calls: int = 5000
    source: str | None = None
    spread: str | None = None
    release: bool = False
    cpp: str | None = None


@dataclass
class LoggerConfig:
    wandb: bool = False
    project: str = "kmidi_lab"
    entity: str | None = None
    tags: list[str] = field(default_factory=list)
    offline: bool = False
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class SweepConfig:
    name: str = "none"
    test: str = "auto"
    rank_by: str = "validation"
    resume: str | None = None
    retry_failed: bool = False
    only: list[str] | None = None
    points: int = 3
    trials: int = 24
    parallel: int = 1
    prune: bool = True
    study: str = "search"
    storage: str | None = None
    trial: int | None = None


@dataclass
class ModelConfig:
    name: str = MISSING
    accepts: list[str] = field(default_factory=list)
    module: Any = MISSING
    evaluator: Any = MISSING
    feedback: Any = None
    no_feedback: str | None = None
    init_from: str | None = None
    freeze: list[str] = field(default_factory=list)
    layer_rate: float = 1.0
    mix_with_start: list[float] | None = None


@dataclass
class EvalConfig:
    model: str | None = None
    sweep: str | None = None
    out: str | None = None


@dataclass
class RegistryConfig:
    action: str = "list"
    model: str | None = None
    other: str | None = None
    version: str | None = None
    reason: str = ""


@dataclass
class ServeConfig:
    host: str = "127.0.0.1"
    port: int = 8765
    upload_mb: float = 20.0


@dataclass
class CollectConfig:
    host: str = "127.0.0.1"
    port: int = 8766
    upload_mb: float = 1.0
    per_minute: int = 60
    keep_days: int = 365
    most_events: int = 1_000_000


@dataclass
class DashboardConfig:
    runs: str | None = None
    out: str | None = None
    sweep: str | None = None
    dry_run: bool = False


@dataclass
class MonitorConfig:
    days: int = 30
    store: str | None = None


@dataclass
class QueueConfig:
    by: str | None = None
    count: int = 100
    diverse: bool = True
    members: list[str] = field(default_factory=list)
    checkpoint: str | None = None


@dataclass
class LabelConfig:
    file: str | None = None
    page: bool = False
    host: str = "127.0.0.1"
    port: int = 8767
    by: str | None = None
    count: int = 100


@dataclass
class HubConfig:
    push: str | None = None
    pull: str | None = None
    revision: str | None = None
    public: bool = False


@dataclass
class RetrainConfig:
    feedback: str | None = None
    recordings: str | None = None
    share: float = 0.3
    steps: int = 300
    learning_rate: float | None = None
    held_out: float = 0.25
    margin: float = 0.01
    weigh: bool = True


@dataclass
class AdaptConfig:
    name: str = "mine"
    feedback: str | None = None
    use: str | None = None


@dataclass
class LabConfig:
    seed: int = MISSING
    task: str = MISSING
    preset: str = MISSING
    launcher: str = MISSING
    sweep: SweepConfig = field(default_factory=SweepConfig)
    models_root: str = MISSING
    trusted: list[str] = field(default_factory=list)
    paths: Paths = field(default_factory=Paths)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    build: BuildConfig = field(default_factory=BuildConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    callbacks: dict[str, Any] = field(default_factory=dict)
    model: ModelConfig = field(default_factory=ModelConfig)
    data: Any = MISSING
    predict: Any = MISSING
    compose: Any = None
    feedback: Any = None  # has a key `import`, which no field of a class can be named
    eval: EvalConfig | None = None
    registry: RegistryConfig | None = None
    serve: ServeConfig | None = None
    collect: CollectConfig | None = None
    monitor: MonitorConfig | None = None
    queue: QueueConfig | None = None
    label: LabelConfig | None = None
    retrain: RetrainConfig | None = None
    adapt: AdaptConfig | None = None
    dashboard: DashboardConfig | None = None
    hub: HubConfig | None = None


@dataclass
class WorkersConfig:
    """`hydra.launcher` of launcher=workers."""

    _target_: str = "hydra_plugins.kmidi_lab_launchers.WorkersLauncher"
    n_jobs: int = 2


@dataclass
class SlurmConfig:
    """`hydra.launcher` of launcher=slurm."""

    _target_: str = "hydra_plugins.kmidi_lab_launchers.SlurmLauncher"
    partition: str | None = None
    account: str | None = None
    time: Any = "24:00:00"
    gpus: int = 0
    cpus: int = 2
    memory_gb: float | None = None
    timeouts: int = 10
    at_once: int = 100
    cluster: str = "slurm"


@dataclass
class RayConfig:
    """`hydra.launcher` of launcher=ray."""

    _target_: str = "hydra_plugins.kmidi_lab_launchers.RayLauncher"
    address: str | None = None
    cpus: int = 1
    gpus: float = 0
    retries: int = 3
    at_once: int = 2


def register() -> None:
    """Makes the schema known to Hydra; safe to call again."""
    ConfigStore.instance().store(name="schema", node=LabConfig)
