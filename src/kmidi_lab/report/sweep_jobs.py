"""The jobs of a sweep as its folder holds them: what was typed, how they ended, their records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kmidi_lab import run_config, run_file
from kmidi_lab.errors import DataError
from kmidi_lab.run_record import Objective, RunRecord
from kmidi_lab.run_scores import Primary


@dataclass(frozen=True)
class SweepJob:
    """One job: its number, what was typed for it alone, its record where that can be read, and how it ended."""

    number: int
    overrides: tuple[str, ...]
    run: RunRecord | None
    status: str

    @property
    def is_tested(self) -> bool:
        return self.status == "ok" and bool(self.run and self.run.scores)

    @property
    def primary(self) -> Primary | None:
        return self.run.primary if self.run else None

    @property
    def objective(self) -> Objective | None:
        return self.run.objective if self.run else None

    @property
    def fold(self) -> int | None:
        return self.run.data.split.get("fold") if self.run and self.run.data else None


def sweep_jobs(sweep_dir: Path) -> list[SweepJob]:
    """All jobs by number."""
    folders = sorted((f for f in sweep_dir.iterdir() if f.is_dir() and f.name.isdigit()), key=lambda f: int(f.name))
    return [SweepJob(int(f.name), _overrides(f), *_run(f / run_file.FILE)) for f in folders]


def _run(path: Path) -> tuple[RunRecord | None, str]:
    """A job that was killed before it began leaves no run.json; one of an older lab may have left half of one."""
    if not path.exists():
        return None, "no result"
    try:
        run = run_file.read(path)
    except DataError:
        return None, "unreadable run.json"
    return run, run.identity.status


def _overrides(folder: Path) -> tuple[str, ...]:
    """What was typed for a job: without what the sweep itself adds when it goes on with one."""
    words = tuple(run_config.overrides(folder))
    itself = f"/{folder.parent.name}/{folder.name}"
    resumed = (w for w in words if w.startswith("trainer.resume=") and w.rstrip("'").endswith(itself))
    left_out = {*resumed, *(w for w in words if w.startswith("sweep."))}
    return tuple(word for word in words if word not in left_out)
