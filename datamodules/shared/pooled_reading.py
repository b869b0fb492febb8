"""Many files read through the pool, with a progress bar, and what becomes of those that can't be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from datamodules.shared.library import Report
from datamodules.shared.pool import Readers, T, Task, TaskResult
from datamodules.shared.pool_worker import NotedResult, reason_of


def read_many(
    tasks: Sequence[Task],
    work: Callable[[Task], T | NotedResult[T]],
    workers: int = 2,
    timeout_s: float = 30.0,
    memory_mb: int = 1024,
    progress: bool = False,
    text: str = "reading",
) -> Iterator[TaskResult[Task, T]]:
    """`work(task)` of every task, each in its own good time: results in order of completion.

    Args as of `Readers`; `progress` draws a bar with the count of those that failed. Nothing is raised for a bad one.
    """
    with Readers(work, workers, timeout_s, memory_mb) as readers:
        yield from counted(readers.read(tasks), len(tasks), progress, text)


@contextmanager
def survived(report: Report, file: Path | str, where: str = "") -> Iterator[None]:
    """For readers of this process: whatever is raised inside leaves one song out, with its reason, and ends nothing."""
    try:
        yield
    except Exception as error:
        report.skip(file, where, *reason_of(error))


def read_all(
    report: Report,
    tasks: Sequence[Task],
    work: Callable[[Task], T | NotedResult[T]],
    workers: int = 2,
    progress: bool = False,
    text: str = "",
) -> dict[Task, T]:
    """`work(task)` of every task that gave something, in the tasks' order; the others are problems of `report`."""
    reads = read_many(tasks, work, workers, progress=progress, text=text or f"reading {report.source}")
    done = {read.task: read for read in reads}
    results: dict[Task, T] = {}
    for task in tasks:
        value = done[task].value
        if value is None:
            report.skip(str(task), "", done[task].reason, done[task].detail)
            continue
        results[task] = value
        if done[task].reason:
            report.remark(str(task), done[task].reason, done[task].detail)
    return results


def counted(
    reads: Iterable[TaskResult[Task, T]], total: int, progress: bool, text: str
) -> Iterator[TaskResult[Task, T]]:
    """The same results, with a progress bar that counts those without a value."""
    if not progress:
        yield from reads
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, TextColumn("{task.fields[failed]} failed"), transient=True) as bar:
        task, failed = bar.add_task(text, total=total, failed=0), 0
        for read in reads:
            failed += read.value is None and bool(read.reason)
            bar.update(task, advance=1, failed=failed)
            yield read
