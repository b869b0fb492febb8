"""launcher=ray: a Ray task for each job of a sweep, on this machine or a cluster; one whose node is lost goes on
elsewhere.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra.core.utils import JobReturn

from kmidi_lab import stopping
from kmidi_lab.errors import ConfigError, UserError, first_line, one_line
from kmidi_lab.launcher_schema import RayConfig
from kmidi_lab.launchers.elsewhere import Elsewhere, results
from kmidi_lab.launchers.jobs import Jobs
from kmidi_lab.launchers.values import endpoint

log = logging.getLogger(__name__)
_STORE_BYTES = 100 * 2**20
"""Of a Ray of our own: jobs leave files, not objects."""
_ANSWER_S = 5.0
_POLL_S = 0.5
_TOKEN = (
    "; a Ray that was started where there is a token (~/.ray/auth_token) asks for it: type RAY_AUTH_MODE=token before the "
    "command, with the same token in ~/.ray/auth_token or RAY_AUTH_TOKEN"
)
"""Ray shows its token to no address that is typed unless it is told to, and its own line does not name the reason."""


def launch(jobs: Jobs, words: Sequence[Sequence[str]], first: int, own: RayConfig) -> list[JobReturn]:
    """Runs all jobs, as many at a time as there are CPUs and GPUs for, on a Ray of our own `own.at_once`.

    Raises:
        UserError: Ray is not there. ConfigError: nobody answers at the address.
    """
    with _connected(own) as ray:
        jobs.begin(words, first, f"on Ray at {own.address or 'this machine'}")
        configs = [jobs.config_of(each, first + place) for place, each in enumerate(words)]
        task = ray.remote(num_cpus=own.cpus, num_gpus=own.gpus, max_retries=own.retries)(_run)
        waiting = [task.remote(Elsewhere.of(jobs, each, first + place)) for place, each in enumerate(words)]
        while waiting:
            done, waiting = ray.wait(waiting, timeout=_POLL_S)  # a signal is heard between two waits
            for ended in done:
                try:
                    ray.get(ended)
                except ray.exceptions.RayError as error:  # its folder says how far it came
                    log.error("a task of Ray has failed: %s", one_line(first_line(error)))
    return results(configs)


def _run(job: Elsewhere) -> int:
    return job()


@contextmanager
def _connected(own: RayConfig) -> Iterator[Any]:
    try:
        import ray
    except ImportError:
        raise UserError("launcher=ray needs Ray; type pip install 'kmidi_lab[ray]'") from None
    if own.address:
        _check_answer(own.address)
    here: dict[str, Any] = {
        "num_cpus": own.cpus * own.at_once, "object_store_memory": _STORE_BYTES, "include_dashboard": False,
    }  # fmt: skip
    # A worker that ends would kill its job before that has saved; a job ends by itself when its worker is gone.
    os.environ.setdefault("RAY_kill_child_processes_on_worker_exit", "false")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    handlers = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    try:
        ray.init(address=own.address or "local", logging_level=logging.ERROR, **({} if own.address else here))
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        hint = _TOKEN if own.address else ""
        raise ConfigError(f"hydra.launcher.address={own.address}: {one_line(first_line(error))}{hint}") from None
    finally:
        for number, handler in handlers.items():  # Ray puts its own in their place
            signal.signal(number, handler)
    try:
        yield ray
    except Exception:
        ray.shutdown()
        raise
    except BaseException:  # a signal, which has ended Ray already: it would wait for an answer
        atexit.unregister(ray.shutdown)
        raise
    ray.shutdown()


def _check_answer(address: str) -> None:
    """Raises ConfigError: Ray itself tries for minutes."""
    place = endpoint(address)
    if place is None:
        return
    try:
        socket.create_connection(place, _ANSWER_S).close()
    except OSError as error:
        raise ConfigError(
            f"hydra.launcher.address={address}: nobody answers there ({error.strerror or error}); type the address that `ray start "
            "--head` printed, or null for a Ray here"
        ) from None
