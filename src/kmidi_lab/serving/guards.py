"""What a page from elsewhere, or too much of anything, is refused by before it reaches a model."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import ip_address
from threading import Lock
from typing import Any

import orjson
from fastapi import HTTPException, Request

MEGABYTE = 2**20


class Shelf:
    """The last results, in memory, by names that the server makes. No path from a client reaches the disk.

    Args:
        most: results that are kept; the oldest goes first.
        most_bytes: of all of them together; the newest is always kept.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes, self._lock = most, most_bytes, Lock()
        self._files: OrderedDict[str, Mapping[str, bytes]] = OrderedDict()

    def put(self, files: Mapping[str, bytes]) -> str:
        """Keeps files by their endings, such as `mid`; gives the name to ask for them."""
        name = secrets.token_hex(8)
        with self._lock:
            self._files[name] = files
            while len(self._files) > 1 and (len(self._files) > self._most or self._size() > self._most_bytes):
                self._files.popitem(last=False)
        return name

    def _size(self) -> int:
        return sum(len(data) for files in self._files.values() for data in files.values())

    def has(self, name: str) -> bool:
        return name in self._files

    def get(self, name: str, ending: str) -> bytes:
        """Raises HTTPException: 404, nothing of that name is kept."""
        try:
            return self._files[name][ending]
        except KeyError:
            raise HTTPException(404, "not kept any more; compose again") from None


async def body(request: Request, most: int, kind: str) -> bytes:
    """What was sent, read block by block and never beyond `most` bytes.

    The content type must be `kind`: a form of another site can't set it without asking first (CORS).

    Raises:
        HTTPException: 415, another type; 413, more than `most`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != kind:
        raise HTTPException(415, f"send {kind}")
    out = bytearray()
    async for block in request.stream():
        out += block
        if len(out) > most:
            raise HTTPException(413, f"more than {most / MEGABYTE:g} MB; send less")
    return bytes(out)


async def json_body(request: Request, most: int) -> Any:
    """The JSON that was sent. Raises HTTPException: as `body`; 400, not JSON."""
    try:
        return orjson.loads(await body(request, most, "application/json"))
    except orjson.JSONDecodeError:
        raise HTTPException(400, "not JSON") from None


class Hosts:
    """The names that a request may give the server: its own, so that no other site reaches it by one (DNS rebinding).

    Args:
        host: that is listened on. Of 0.0.0.0 and ::, all addresses are its own, and no other name is.
        port: that is listened on.
    """

    def __init__(self, host: str, port: int) -> None:
        self._open = host in ("0.0.0.0", "::")
        self._names, self._port = {bracketed(host), "127.0.0.1", "localhost", "[::1]"}, port

    def check(self, request: Request) -> None:
        """Raises HTTPException: 403, another name."""
        name, _, port = request.headers.get("host", "").rpartition(":")
        if not name or port.endswith("]"):
            name, port = request.headers.get("host", ""), "80"
        if port != str(self._port) or not (name in self._names or (self._open and _is_address(name))):
            raise HTTPException(403, "another host's name; open the page by the address that the command printed")


def bracketed(host: str) -> str:
    """An address as a URL writes it."""
    return f"[{host}]" if ":" in host else host


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def fields(value: Any, allowed: tuple[str, ...]) -> dict[str, Any]:
    """A JSON object with some of the allowed keys. Raises HTTPException: 400, anything else."""
    if not isinstance(value, dict) or not set(value) <= set(allowed):
        raise HTTPException(400, f"send a JSON object with some of {', '.join(allowed)}")
    return value
