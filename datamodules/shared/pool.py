"""Many tasks, such as files to read, through worker processes: one that kills, hangs or bloats its worker costs only itself.

Memory does not grow with the number of tasks: they are taken as they are needed and results handed on as they come.

`concurrent.futures` gives up the whole pool when a worker dies and can't end one that hangs. `pebble` can, but it takes
all tasks at once, one message each, and knows no limit of memory: the feeding and watching below would stay.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import wait
from typing import Annotated, Any, Generic, TypeVar

from annotated_types import Ge, Gt

from datamodules.shared.pool_worker import Answer, NotedResult, resident_mb, serve
from kmidi_lab.bounds import Bounded, Count
from kmidi_lab.errors import LabError
from kmidi_lab.hardware import usable_cores

Task = TypeVar("Task")
T = TypeVar("T")

DIED, TIMEOUT, MEMORY = "worker died", "timeout", "memory"
_BATCH = 16
_LOOK_S = 0.25
_START_S = 300.0
_FAILED_STARTS = 3
_MOST_A_CORE = 4


@dataclass(frozen=True)
class TaskResult(Generic[Task, T]):
    """What became of one task: `value`, or the `reason` (short, countable) and `detail` why there is none.

    A value may have a reason, too: it is used, and that is said of it.
    """

    task: Task
    value: T | None
    reason: str = ""
    detail: str = ""


class _Worker:
    def __init__(self, work: Callable[[Any], Any], memory_mb: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, work, memory_mb), daemon=True)
        with _deaf_to_ctrl_c():
            self.process.start()
        theirs.close()
        self.ready = False
        self.start_mb = 0.0
        self.tasks: deque[Any] = deque()
        """Given and not yet answered, in the order in which it will answer."""
        self.since = time.monotonic()
        """When it was started, last given tasks or last heard of."""

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What ignores Ctrl-C starts processes that do: it is the caller's to handle, who ends the workers."""
    if threading.current_thread() is not threading.main_thread():  # no other may change how signals are handled
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Readers(Bounded, Generic[Task, T]):
    """A pool of processes that work; started as tasks come, ended by leaving the `with` block.

    Args:
        work: makes of a task, such as a file, what is wanted of it; both picklable (a function of a module, a partial
            of one). It may raise a UserError with a `reason` that can be counted and a `detail`, such as MidiError or
            AudioError.
        workers: processes, at least 1; no more than four a core are started.
        timeout_s: seconds a task may take before its worker is killed.
        memory_mb: MiB a worker may take beyond what it needs to start.

    Raises:
        ConfigError: a value out of range. LabError: workers can't be started.
    """

    config_key = "data"

    def __init__(
        self,
        work: Callable[[Task], T | NotedResult[T]],
        workers: Count = 2,
        timeout_s: Annotated[float, Gt(0)] = 30.0,
        memory_mb: Annotated[int, Ge(16)] = 1024,
    ) -> None:
        most = min(workers, _MOST_A_CORE * usable_cores())
        self._work, self._most, self._timeout_s, self._memory_mb = work, most, timeout_s, memory_mb
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> Readers[Task, T]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def read(self, tasks: Iterable[Task]) -> Iterator[TaskResult[Task, T]]:
        """One `TaskResult` a task, in order of completion."""
        source, returned = iter(tasks), deque[Task]()
        self._give(source, returned)
        while any(w.tasks for w in self._workers):
            ready: list[Any] = wait([w.pipe for w in self._workers], _LOOK_S)
            for worker in list(self._workers):
                # A caller who pauses between two results lets answers pile up, and those of the others come after `wait`:
                # only silence counts against a worker.
                if worker.pipe in ready or worker.pipe.poll():
                    yield from self._hear(worker, returned)
                else:
                    yield from self._look(worker, returned)
            self._give(source, returned)

    def _give(self, source: Iterator[Task], returned: deque[Task]) -> None:
        """Tasks for every worker that has none, and for new ones up to the limit."""
        while True:
            worker = next((w for w in self._workers if not w.tasks), None)
            if worker is None and len(self._workers) == self._most:
                return
            batch = [returned.popleft() for _ in range(min(_BATCH, len(returned)))] or list(islice(source, _BATCH))
            if not batch:
                return
            if worker is None:
                worker = _Worker(self._work, self._memory_mb)
                self._workers.append(worker)
            try:
                worker.pipe.send(batch)
            except OSError:  # ended between two batches
                returned.extendleft(reversed(batch))
                self._remove(worker, returned)
            else:
                worker.tasks.extend(batch)
                worker.since = time.monotonic()

    def _hear(self, worker: _Worker, returned: deque[Task]) -> Iterator[TaskResult[Task, T]]:
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
                yield TaskResult(worker.tasks.popleft(), value, reason, detail)
                if reason == MEMORY:
                    self._remove(worker, returned)
                    return
            if not worker.pipe.poll():
                return

    def _look(self, worker: _Worker, returned: deque[Task]) -> Iterator[TaskResult[Task, T]]:
        silent = time.monotonic() - worker.since
        if not worker.ready:
            if silent > _START_S:
                yield from self._lose(worker, returned, DIED)
        elif worker.tasks and silent > self._timeout_s:
            yield from self._lose(worker, returned, TIMEOUT)
        # The limit that a worker sets itself acts sooner, but macOS does not hold a process to it.
        elif worker.tasks and resident_mb(worker.process.pid) - worker.start_mb > self._memory_mb:
            yield from self._lose(worker, returned, MEMORY)

    def _lose(self, worker: _Worker, returned: deque[Task], reason: str) -> Iterator[TaskResult[Task, T]]:
        """Ends a worker; the task it was at is lost, the others that it had go back."""
        lost = worker.tasks.popleft() if worker.ready and worker.tasks else None
        if reason == DIED:
            worker.process.join(1)  # its own exit code, not that of being killed
        self._remove(worker, returned)
        if lost is not None:
            yield TaskResult(lost, None, reason, f"exit code {worker.process.exitcode}" if reason == DIED else "")

    def _remove(self, worker: _Worker, returned: deque[Task]) -> None:
        worker.end()
        self._workers.remove(worker)
        returned.extendleft(reversed(worker.tasks))
        if not worker.ready:
            self._failed_starts += 1
        if self._failed_starts == _FAILED_STARTS:
            raise LabError(
                f"reading files: worker processes end before they start (exit code {worker.process.exitcode}); "
                'a script that reads many files needs `if __name__ == "__main__":` around its work'
            )
