"""The command line without its start: a process that has imported everything forks once for each command.

Most of a command that is refused is `import torch, lightning`. `server` starts the process, `command` is what stands in
place of `python -m kmidi_lab`: a small client that hands over its arguments, folder, environment and standard streams,
passes signals on and ends as the command ended. What runs is `python -m kmidi_lab` in a process of its own, in which
only the imports have happened before: where those are the subject, or threads and workers that start at once, tests
start the real thing.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
_LEFT_OUT = ("kmidi_lab.__main__", "datamodules.shared.lakh_pieces")  # run by `python -m`
_PROGRAM = "program:"
"""Begins a word that is run as `python -c` runs it, in place of a command of the lab."""


def command(path: str) -> list[str]:
    """What a test types for `python -m kmidi_lab` where a server listens at `path`."""
    return [sys.executable, "-S", "-E", __file__, "ask", path]


def program(lab: Sequence[str], code: str) -> list[str]:
    """What a test types for `python -c code`; `lab` is what it types for `python -m kmidi_lab`."""
    return [*lab, _PROGRAM + code] if __file__ in lab else [sys.executable, "-c", code]


def server(path: str, owner: int) -> None:
    """Has a server listen at `path`, in a folder of its own, until the process `owner` ends.

    The first of several test workers that asks for one starts it, the others wait for it.
    """
    import subprocess  # the client imports neither it nor pathlib

    process = None
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.dirname(path), 0o700)  # noqa: PTH102, PTH120
        process = subprocess.Popen(
            [sys.executable, __file__, "serve", path, str(owner)], stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    for _ in range(2400):
        if os.path.exists(path):  # noqa: PTH110
            return
        assert process is None or process.poll() is None, "the server did not start"
        time.sleep(0.05)
    raise TimeoutError("the server has not started within two minutes")


def ask(path: str, arguments: list[str]) -> int:
    """The client: has the command run elsewhere and returns how it ended, as `subprocess` writes it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    request = json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode()  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        socket.send_fds(line, [struct.pack("!Q", len(request))], [0, 1, 2])
        line.sendall(request)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):  # who reads what the command prints waits for the command alone
            os.dup2(nowhere, stream)
        pid, *_ = struct.unpack("!q", line.recv(8, socket.MSG_WAITALL))
        for one in _PASSED_ON:
            signal.signal(one, lambda number, _: os.kill(pid, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        code, *_ = struct.unpack("!q", line.recv(8, socket.MSG_WAITALL))
    return code


def serve(path: str, owner: int) -> None:
    """The server; returns in the processes that are to run a command, with `sys.argv` set."""
    ended = os.pidfd_open(owner)
    _import_everything()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path + ".new")
        door.listen()
        os.rename(path + ".new", path)  # noqa: PTH104
        while True:
            ready, _, _ = select.select([door, ended], [], [])
            if ended in ready:
                os.unlink(path)  # noqa: PTH108
                os.rmdir(os.path.dirname(path))  # noqa: PTH106, PTH120
                os._exit(0)
            line, _ = door.accept()
            with line:
                if os.fork() == 0:
                    door.close()
                    os.close(ended)
                    if _handle(line):
                        return
            _bury()


def _import_everything() -> None:
    import gc
    import importlib.util
    import pkgutil

    gc.disable()  # imports leave no garbage, and looking for it is a tenth of them
    later = _Later("onnxruntime")  # its import starts a thread
    later.__spec__ = importlib.util.find_spec("onnxruntime")
    sys.modules["onnxruntime"] = later
    import datamodules
    import kmidi_lab

    for package in (kmidi_lab, datamodules):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name not in _LEFT_OUT:
                importlib.import_module(module.name)
    # What the lab imports inside its functions.
    for name in ("matplotlib.pyplot", "torch.onnx", "onnxscript", "sklearn", "jinja2", "rich.table", "symusic"):
        importlib.import_module(name)
    import composing
    import exporter
    import few_calls
    import undrawn

    composing.keep_composed()
    _look_up_once()
    exporter.keep_operators()
    exporter.export_once()
    undrawn.undraw()
    few_calls.shorten()
    threads = os.listdir("/proc/self/task")  # noqa: PTH208
    assert len(threads) == 1, f"{len(threads)} threads: a process with threads can't be forked"
    gc.enable()
    gc.collect()
    gc.freeze()


def _look_up_once() -> None:
    """What each process looks up anew: installed packages, what the lab's files import, the grammar of overrides."""
    import matplotlib.pyplot as plt

    from datamodules.shared.cache import code_version
    from kmidi_lab.conf_dir import options
    from kmidi_lab.config import check

    for model in options("model"):
        code_version(f"datamodules.{model}.module")
    for preset in ([], ["preset=smoke"]):
        check(["model=harmony", *preset, "hardware=cpu", "data.sources=[embedded]"], False)
    figure = plt.figure()
    figure.add_subplot(title="a", xlabel="b").plot([0, 1], [0, 1], label="c")
    figure.legend()
    figure.savefig(io.BytesIO(), format="svg")
    plt.close(figure)


class _Later(ModuleType):
    """Stands for a module until the process forks; what torchmetrics takes from it before, it needs for no use of ours."""

    forked = False

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # `inspect` asks all modules where they come from
            raise AttributeError(name)
        if not self.forked:
            return None
        import importlib

        del sys.modules[self.__name__]
        vars(self).update(vars(importlib.import_module(self.__name__)))
        return getattr(self, name)


def _handle(line: socket.socket) -> bool:
    """Forks the command and waits for it; returns in it, as True."""
    size, streams, *_ = socket.recv_fds(line, 8, 3)
    arguments, folder, environment = json.loads(_read(line, *struct.unpack("!Q", size)))
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(arguments, folder, environment, streams)
        return True
    for stream in streams:
        os.close(stream)
    line.sendall(struct.pack("!q", pid))
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([ended, line], [], [])
    if ended not in ready:  # the client was killed
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if ended in ready:
        line.sendall(struct.pack("!q", os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """Gives this process the arguments, the folder, the environment and the streams of the client."""
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    _Later.forked = True
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    own = [part for part in environment.get("PYTHONPATH", "").split(":") if part and part not in sys.path]
    sys.path[0:1] = [folder, *own]
    sys.argv = ["-m", *arguments]


def _run() -> None:
    """What `python -m kmidi_lab` does, and its end without taking down every module: that is half of a short command."""
    import atexit
    import runpy
    import threading

    code: object = 0
    typed = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if typed.startswith(_PROGRAM):
            sys.argv[:2] = ["-c"]
            sys.modules["__main__"] = ModuleType("__main__")
            exec(typed.removeprefix(_PROGRAM), vars(sys.modules["__main__"]))
        else:
            runpy._run_module_as_main("kmidi_lab", alter_argv=True)
    except SystemExit as error:
        code = error.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _read(line: socket.socket, size: int) -> bytes:
    return line.recv(size, socket.MSG_WAITALL)


def _bury() -> None:
    """Takes leave of the processes that waited for a command."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ended = ask(sys.argv[2], sys.argv[3:])
        if ended < 0:
            signal.signal(-ended, signal.SIG_DFL)
            os.kill(os.getpid(), -ended)
        sys.exit(ended)
    serve(sys.argv[2], int(sys.argv[3]))
    _run()
