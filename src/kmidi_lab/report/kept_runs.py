"""The training runs below an output folder: what can be read of each, and a word on each that can't be."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kmidi_lab import run_file
from kmidi_lab.errors import DataError, reason
from kmidi_lab.report.curves import Row, read_curves
from kmidi_lab.run_record import RunRecord

_PATTERNS = ("runs/*/*", "sweeps/*/*")
"""Where `conf/config.yaml` puts the folders of runs and of the jobs of sweeps."""
_MOST_BYTES = 64_000_000


@dataclass(frozen=True)
class KeptRun:
    """One run: its folder's path below the output folder, its record, the rows of its curves."""

    folder: str
    record: RunRecord
    curves: list[Row]


@dataclass
class KeptRuns:
    """`runs` newest first; `faults` holds (folder, why) of each that can't be shown whole."""

    runs: list[KeptRun] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)


def kept_runs(output_root: Path) -> KeptRuns:
    """Reads every run below `output_root`, an empty or missing folder too. Links are not followed."""
    kept = KeptRuns()
    for folder in _folders(output_root):
        name = folder.relative_to(output_root).as_posix()
        try:
            record = _record(folder / run_file.FILE)
        except DataError as error:
            kept.faults.append((name, reason(error)))
            continue
        try:
            rows = read_curves(_small_file(folder / "curves" / "metrics.csv"))
        except (DataError, OSError, ValueError, csv.Error) as error:
            kept.faults.append((name, f"its curves can't be read: {reason(error)}"))
            rows = []
        kept.runs.append(KeptRun(name, record, rows))
    kept.runs.sort(key=lambda run: (run.record.identity.started_at or "", run.folder), reverse=True)
    return kept


def _folders(output_root: Path) -> Iterator[Path]:
    for pattern in _PATTERNS:
        for path in sorted(output_root.glob(pattern)):
            # A sweep's own folders begin with a dot, such as .hydra.
            if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                yield path


def _record(path: Path) -> RunRecord:
    if not path.exists():
        raise DataError("it left no run.json: killed before it began, or no run")
    return run_file.read(_small_file(path))


def _small_file(path: Path) -> Path:
    """Raises DataError for what is no file that a run writes: a pipe, a folder, gigabytes."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path.name} is no file")
    if path.exists() and path.stat().st_size > _MOST_BYTES:
        raise DataError(f"{path.name} is larger than {_MOST_BYTES // 1_000_000} MB")
    return path
