"""What may stand in the groups of tasks, such as `serve` and `hub`, and of what type."""

from __future__ import annotations

from dataclasses import dataclass, field


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
