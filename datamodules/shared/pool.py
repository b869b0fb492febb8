"""Many files through worker processes: a file that kills, hangs or bloats its worker costs only itself.

Memory does not grow with the number of files: paths are taken as they are needed and results handed on as they come.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from datamodules.shared.pool_worker import Answer, resident_mb, serve
from kmidi_lab.errors import ConfigError, LabError

T = TypeVar("T")
Work = Callable[[Path], T]

DIED, TIMEOUT, MEMORY = "worker died", "timeout", "memory"
_BATCH = 16
_LOOK_S = 0.25
_START_S = 300.0
_FAILED_STARTS = 3


@dataclass(frozen=True)
class Read(Generic[T]):
    """What became of one file: `value`, or the `reason` (short, countable) and `detail` why there is none."""

    file: Path
    value: T | None
    reason: str = ""
    detail: str = ""


class _Worker:
    def __init__(self, work: Work[Any], memory_mb: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, work, memory_mb), daemon=True)
        self.process.start()
        theirs.close()
        self.ready = False
        self.start_mb = 0.0
        self.files: deque[Path] = deque()
        """Given and not yet answered, in the order in which it will answer."""
        self.since = time.monotonic()
        """When it was started, last given files or last heard of."""

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Readers(Generic[T]):
    """A pool of processes that read files; started as files come, ended by leaving the `with` block.

    Args:
        work: makes of a file what is wanted of it; picklable (a function of a module, a partial of one). It may raise a
            UserError with a `reason` that can be counted and a `detail`, such as MidiError or AudioError.
        workers: processes, at least 1.
        timeout_s: seconds a file may take before its worker is killed.
        memory_mb: MiB a worker may take beyond what it needs to start.

    Raises:
        ConfigError: a value out of range. LabError: workers can't be started.
    """

    def __init__(self, work: Work[T], workers: int = 2, timeout_s: float = 30.0, memory_mb: int = 1024) -> None:
        if workers < 1 or timeout_s <= 0 or memory_mb < 16:
            raise ConfigError("reading files: workers must be 1 or more, timeout_s above 0, memory_mb 16 or more")
        self._work, self._most, self._timeout_s, self._memory_mb = work, workers, timeout_s, memory_mb
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> Readers[T]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def read(self, files: Iterable[Path]) -> Iterator[Read[T]]:
        """One `Read` a file, in order of completion."""
        source, returned = iter(files), deque[Path]()
        self._give(source, returned)
        while any(w.files for w in self._workers):
            heard: list[Any] = wait([w.pipe for w in self._workers], _LOOK_S)
            for worker in list(self._workers):
                # A caller who pauses between two results lets answers pile up: only silence counts against a worker.
                if worker.pipe in heard:
                    yield from self._hear(worker, returned)
                else:
                    yield from self._look(worker, returned)
            self._give(source, returned)

    def _give(self, source: Iterator[Path], returned: deque[Path]) -> None:
        """Files for every worker that has none, and for new ones up to the limit."""
        while True:
            worker = next((w for w in self._workers if not w.files), None)
            if worker is None and len(self._workers) == self._most:
                return
            batch = [returned.popleft() for _ in range(min(_BATCH, len(returned)))] or list(islice(source, _BATCH))
            if not batch:
                return
            if worker is None:
                worker = _Worker(self._work, self._memory_mb)
                self._workers.append(worker)
            try:
                worker.pipe.send([str(file) for file in batch])
            except OSError:  # ended between two batches
                returned.extendleft(reversed(batch))
                self._remove(worker, returned)
            else:
                worker.files.extend(batch)
                worker.since = time.monotonic()

    def _hear(self, worker: _Worker, returned: deque[Path]) -> Iterator[Read[T]]:
        while True:
            try:
                answer: Answer | str = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self._lose(worker, returned, DIED)
                return
            worker.since = time.monotonic()
            if isinstance(answer, str):
                worker.ready, worker.start_mb, self._failed_starts = True, resident_mb(worker.process.pid), 0
            else:
                value, reason, detail = answer
                yield Read(worker.files.popleft(), value, reason, detail)
                if reason == MEMORY:
                    self._remove(worker, returned)
                    return
            if not worker.pipe.poll():
                return

    def _look(self, worker: _Worker, returned: deque[Path]) -> Iterator[Read[T]]:
        silent = time.monotonic() - worker.since
        if not worker.ready:
            if silent > _START_S:
                yield from self._lose(worker, returned, DIED)
        elif worker.files and silent > self._timeout_s:
            yield from self._lose(worker, returned, TIMEOUT)
        # The limit that a worker sets itself acts sooner, but macOS does not hold a process to it.
        elif worker.files and resident_mb(worker.process.pid) - worker.start_mb > self._memory_mb:
            yield from self._lose(worker, returned, MEMORY)

    def _lose(self, worker: _Worker, returned: deque[Path], reason: str) -> Iterator[Read[T]]:
        """Ends a worker; the file it was at is lost, the others that it had go back."""
        lost = worker.files.popleft() if worker.ready and worker.files else None
        if reason == DIED:
            worker.process.join(1)  # its own exit code, not that of being killed
        self._remove(worker, returned)
        if lost is not None:
            yield Read(lost, None, reason, f"exit code {worker.process.exitcode}" if reason == DIED else "")

    def _remove(self, worker: _Worker, returned: deque[Path]) -> None:
        worker.end()
        self._workers.remove(worker)
        returned.extendleft(reversed(worker.files))
        if not worker.ready:
            self._failed_starts += 1
        if self._failed_starts == _FAILED_STARTS:
            raise LabError(
                f"reading files: worker processes end before they start (exit code {worker.process.exitcode}); "
                'a script that reads many files needs `if __name__ == "__main__":` around its work'
            )


def read_many(
    files: Sequence[Path],
    work: Work[T],
    workers: int = 2,
    timeout_s: float = 30.0,
    memory_mb: int = 1024,
    progress: bool = False,
    text: str = "reading",
) -> Iterator[Read[T]]:
    """`work(file)` of every file, each in its own good time: results in order of completion.

    Args as of `Readers`; `progress` draws a bar with the count of files that failed. Nothing is raised for a bad file.
    """
    with Readers(work, workers, timeout_s, memory_mb) as readers:
        yield from counted(readers.read(files), len(files), progress, text)


def counted(reads: Iterable[Read[T]], total: int, progress: bool, text: str) -> Iterator[Read[T]]:
    """The same results, with a progress bar that counts those without a value."""
    if not progress:
        yield from reads
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, TextColumn("{task.fields[failed]} failed"), transient=True) as bar:
        task, failed = bar.add_task(text, total=total, failed=0), 0
        for read in reads:
            failed += bool(read.reason)
            bar.update(task, advance=1, failed=failed)
            yield read
