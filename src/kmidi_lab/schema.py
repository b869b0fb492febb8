"""The typed root of the config: what may stand there and of what type. Components (`_target_`) stay open.

The groups of single tasks are in `task_schema.py`, those of launchers in `launcher_schema.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from kmidi_lab.task_schema import (
    AdaptConfig,
    CollectConfig,
    DashboardConfig,
    EvalConfig,
    HubConfig,
    LabelConfig,
    MonitorConfig,
    QueueConfig,
    RegistryConfig,
    RetrainConfig,
    ServeConfig,
)


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


def register() -> None:
    """Makes the schema known to Hydra; safe to call again."""
    store = ConfigStore.instance()
    if "schema.yaml" not in store.repo:
        store.store(name="schema", node=LabConfig)
