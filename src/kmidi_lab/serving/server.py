"""What the page and the collector share as servers: their packages, how they listen, and what a refusal or a fault looks like."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kmidi_lab.chords.chord import shortened
from kmidi_lab.errors import ConfigError, UserError
from kmidi_lab.stopping import Stopped
from kmidi_lab.streams import say

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

log = logging.getLogger(__name__)
_NEXT = 50
"""Ports behind a taken one that are tried for the message."""
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "media-src 'self' blob:; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Of every response of a page: it loads nothing from elsewhere, and no other site shows or plays what it has."""
PAGE_FAULT = "a fault of the server; the terminal tells more"


def check_packages(task: str) -> None:
    """Raises UserError: FastAPI or uvicorn is not installed."""
    if not all(find_spec(name) for name in ("fastapi", "uvicorn")):
        raise UserError(f"task={task} needs the packages of the page; type pip install 'kmidi_lab[demo]'")


def listen(app: FastAPI, task: str, host: str, port: int, **settings: Any) -> None:
    """Serves until Ctrl-C at an address that `check_free` has found free. Raises ConfigError: it has been taken since.

    Args:
        app: what answers.
        task: whose `port` the user may change.
        host: name or address that is listened on.
        port: of it.
        settings: further ones of `uvicorn.Config`.
    """
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning", **settings))
    try:
        server.run()
    except SystemExit as error:  # uvicorn's way to say that the address can't be had
        raise ConfigError(f"{task}.port={port}: {host} can't be listened on; choose another port") from error
    except Stopped as stop:
        if stop.reason != "stopped":
            raise
        say(f"ended; task={task} begins it again")  # Ctrl-C is how a page is meant to end, so nothing has failed


def check_free(task: str, host: str, port: int) -> None:
    """Raises ConfigError: the address is taken, or none of this machine."""
    try:
        _open(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigError(
                f"{task}.host={host}, {task}.port={port}: can't be listened on ({error.strerror or error}); type "
                f"{task}.host=127.0.0.1, or a port from 1024 on"
            ) from None
        free = next((n for n in range(port + 1, port + _NEXT) if _is_free(host, n)), None)
        another = f"type {task}.port={free}" if free else f"give another {task}.port"
        raise ConfigError(
            f"{task}.port={port} is taken on {host}, perhaps by another task={task}; end that, or {another}"
        ) from None


def _is_free(host: str, port: int) -> bool:
    try:
        _open(host, port)
    except (OSError, OverflowError):
        return False
    return True


def _open(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


def guard(app: FastAPI, check: Callable[[Request], None], headers: Mapping[str, str], fault: str) -> None:
    """Has every request checked first, and every refusal answered as JSON.

    Args:
        app: the application.
        check: raises HTTPException for what is not to be answered.
        headers: of every response.
        fault: what the client is told of an error of ours; the terminal tells where.
    """
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException  # also of what no route answers, which FastAPI's own is not

    async def guarded(request: Request, call_next: Any) -> Response:
        try:
            check(request)
            response: Response = await call_next(request)
        except HTTPException as error:
            response = JSONResponse({"error": error.detail}, error.status_code)
        except Exception:
            log.exception("%s", request.url.path)
            response = JSONResponse({"error": fault}, 500)
        response.headers.update(headers)
        return response

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        said, path, takes = error.detail, shortened(request.url.path), (error.headers or {}).get("Allow")
        if said == HTTPStatus(error.status_code).phrase:  # of the framework: no route of ours has answered
            said = (
                f"{path} takes {takes}, not {request.method}"
                if takes
                else f"nothing answers at {path}; the page is at /"
            )
        return JSONResponse({"error": said}, error.status_code, error.headers)

    app.middleware("http")(guarded)
    app.exception_handler(HTTPException)(refused)
