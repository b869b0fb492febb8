"""What ends a run from outside: Ctrl-C, SIGTERM (as `docker stop` sends it), SIGHUP and SIGUSR1 are heard alike.

The signal goes on to every process that this one has started, so that each job of a sweep leaves its own record; then
`Stopped` is raised where the main thread is. Where that is deep in C code and does not come back, or the exception is
lost in a destructor, a thread writes down why and ends the process: a job before the one that started it sends SIGKILL,
and that one before `docker stop` does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name))
_CHILDREN_S, _ALL_S, _ORPHAN_S = 5.0, 7.5, 1.0
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_JOB = (2.0, 3.5)
"""The first two for a process that the lab itself has started: shorter than what that one waits for it."""
_last_words: list[Callable[[str], None]] = []
_received: list[int] = []


def _forget() -> None:
    """A process forked off hears signals as any other: the handlers and the pipe are its parent's."""
    if signal.getsignal(signal.SIGTERM) is _raise:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            if signal.getsignal(number) is _raise:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Stopped(KeyboardInterrupt):
    """A signal has ended the work; `exit_code` is what a shell gives for it: 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self) -> None:
        number = _received[0] if _received else int(signal.SIGINT)
        self.exit_code = 128 + number
        self.reason = "stopped" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
        super().__init__(self.reason)


@contextmanager
def heard() -> Iterator[None]:
    """Raises Stopped in the main thread when a signal comes. What this process ignores, as under nohup, it ignores
    still.

    Also where a library met it in the middle of its own work and raised something else.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    done, (ours, theirs) = threading.Event(), os.pipe()
    os.set_blocking(theirs, False)
    waker = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    threading.Thread(target=_end_in_time, args=(ours, done), daemon=True).start()
    _received.clear()
    try:
        _install()
        with _for_what_it_is():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(waker)
        done.set()
        os.close(theirs)


@contextmanager
def _for_what_it_is() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if _received:
            raise Stopped from error
        raise


def hear_again() -> None:
    """For after a library has put its own handlers in place; does nothing outside a job of the command line."""
    if _last_words and threading.current_thread() is threading.main_thread():
        _install()


def _install() -> None:
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _raise)


@contextmanager
def recording(record: Callable[[str], None]) -> Iterator[None]:
    """Inside, `record` is what still writes down why the process ends where nothing else can."""
    _last_words.append(record)
    try:
        with _for_what_it_is():
            yield
    finally:
        _last_words.remove(record)


def end_with_parent() -> None:
    """For a job in a process of its own: it ends in less time than the one that started it waits for it.

    It also gets SIGTERM when that one is gone: killed, it can't say so itself.
    """
    global _CHILDREN_S, _ALL_S
    _CHILDREN_S, _ALL_S = _JOB

    def watch(parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHAN_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()


def _raise(number: int, frame: FrameType | None) -> None:
    if _received:  # once is enough: what follows must not be torn
        return
    _received.append(number)
    try:
        _end_children(number)
    finally:
        raise Stopped from None  # whatever a library's own handler raised while the children ended


def _end_children(number: int) -> None:
    """Sends the signal on, waits, and kills what is left then; after a kill there is nothing to wait for.

    Daemons have nothing to write down: Python itself ends them with this process. Those that read files are deaf to
    Ctrl-C besides, and would be waited for in vain.
    """
    import multiprocessing  # `--help` need not wait for them

    import psutil

    for daemon in multiprocessing.active_children():
        if daemon.daemon:
            daemon.kill()
    children = [child for child in psutil.Process().children(recursive=True) if not _is_helper(child)]
    for child in children:
        with suppress(psutil.Error):
            child.send_signal(number)
    if number == _KILL:
        return
    _, alive = psutil.wait_procs(children, _CHILDREN_S)
    for child in alive:
        with suppress(psutil.Error):
            child.kill()


def _is_helper(child: psutil.Process) -> bool:
    """Python's own processes that clean up when all others have ended, and end by themselves."""
    import psutil

    try:
        return any("resource_tracker" in part for part in child.cmdline())
    except psutil.Error:
        return True


def _end_in_time(pipe: int, done: threading.Event) -> None:
    """Ends the process where a signal has come and the main thread does not get to it."""
    with open(pipe, "rb", buffering=0) as numbers:
        while number := numbers.read(1):
            if number[0] in SIGNALS and signal.getsignal(number[0]) != signal.SIG_IGN:
                break
        if not number or done.wait(_ALL_S):
            return
    if not _received:
        _received.append(number[0])
    with suppress(Exception):
        for record in _last_words:
            record(Stopped().reason)
    with suppress(Exception):
        _end_children(_KILL)
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(128 + number[0])
