"""The process that works for `pool.Readers`; its memory has a limit where the system holds a process to one."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

import psutil

from kmidi_lab.errors import UserError

T = TypeVar("T")
READY = "ready"
Answer = tuple[Any, str, str]
"""Value, reason, detail."""


@dataclass(frozen=True)
class NotedResult(Generic[T]):
    """What work gives that was done, though something is to be said of it: `reason` short and countable, and `detail`."""

    value: T
    reason: str
    detail: str = ""


def serve(pipe: Connection, work: Callable[[Any], Any], memory_mb: int) -> None:
    """Answers READY, then every task of every list that comes in, one answer each, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it ends its workers
    _limit_memory(memory_mb)
    pipe.send(READY)
    while True:
        try:
            tasks = pipe.recv()
        except EOFError:
            return
        for task in tasks:
            answer = _answer(task, work)
            try:
                pipe.send(answer)
            except OSError:
                return  # nobody listens any more
            except Exception as error:  # a value that can't be pickled
                pipe.send(_failed(error))


def _answer(task: Any, work: Callable[[Any], Any]) -> Answer:
    try:
        result = work(task)
        return (result.value, result.reason, result.detail) if isinstance(result, NotedResult) else (result, "", "")
    except Exception as error:  # one task's fault must not end the job, whatever it is
        return _failed(error)


def _failed(error: Exception) -> Answer:
    return None, *reason_of(error)


def reason_of(error: Exception) -> tuple[str, str]:
    """(a reason that can be counted, a detail) of whatever a reader raised."""
    if isinstance(error, UserError):
        return getattr(error, "reason", "refused"), getattr(error, "detail", str(error))[:300]
    if isinstance(error, MemoryError):
        return "memory", ""
    return "extract failed", f"{type(error).__name__}: {error}"[:300]


def _limit_memory(memory_mb: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    limit = psutil.Process().memory_info().vms + memory_mb * 2**20
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or limit < hard:
        try:
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        except (ValueError, OSError):  # macOS refuses; the parent watches
            return


def resident_mb(pid: int | None) -> float:
    """MiB of memory that a process holds; 0 once it has ended."""
    try:
        return psutil.Process(pid).memory_info().rss / 2**20
    except psutil.Error:
        return 0.0
