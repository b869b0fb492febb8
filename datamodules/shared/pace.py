"""How long a download may take: a floor of speed, a total time, and an end to a server that never ends its headers."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from kmidi_lab.errors import DataError


@dataclass
class Pace:
    """Watches one download, over all its attempts; time counts from when it is made.

    Args:
        slowest: bytes a second, on average over any `window_s` seconds.
        window_s: seconds.
        longest_s: seconds for all of it.
    """

    slowest: float = 8_192
    window_s: float = 60.0
    longest_s: float = 86_400.0
    _began: float = field(default_factory=time.monotonic, init=False)
    _window: tuple[float, int] | None = field(default=None, init=False)

    def start(self, done: int) -> None:
        """An attempt begins, with so many bytes there: the pause before it counts for nothing."""
        self._window = (time.monotonic(), done)

    def check(self, done: int) -> None:
        """Raises DataError: too slow, or too long. Called after each block, and at least once a time-out."""
        now = time.monotonic()
        if now - self._began > self.longest_s:
            raise DataError(f"not done after {self.longest_s:g} s")
        since, before = self._window or (now, done)
        if now - since >= self.window_s:
            speed = (done - before) / (now - since)
            if speed < self.slowest:
                raise DataError(
                    f"only {speed:.0f} bytes a second over {now - since:.0f} s, {self.slowest:g} is the least"
                )
            self._window = (now, done)


class _Prompt(http.client.HTTPConnection):
    """Hangs up where the headers aren't there in time: a time-out of the socket begins again with each byte."""

    def getresponse(self) -> http.client.HTTPResponse:
        timer = threading.Timer(self.timeout or 60.0, _hang_up, [self.sock])
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()


class _PromptTLS(_Prompt, http.client.HTTPSConnection):
    """The same under TLS."""


def _hang_up(line: Any) -> None:
    with contextlib.suppress(OSError):  # it has ended meanwhile
        line.shutdown(socket.SHUT_RDWR)


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Prompt, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_PromptTLS, req)


def open_url(request: urllib.request.Request, timeout_s: float) -> Any:
    """The reply, with its headers within `timeout_s` seconds; raises what `urllib.request.urlopen` raises."""
    return urllib.request.build_opener(_Http, _Https).open(request, timeout=timeout_s)
