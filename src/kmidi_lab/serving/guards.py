"""What a page from elsewhere, or too much of anything, is refused by before it reaches a model."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

from fastapi import HTTPException, Request

MEGABYTE = 2**20


class Shelf:
    """The last results, in memory, by names that the server makes. No path from a client reaches the disk.

    Args:
        most: results that are kept; the oldest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._files: OrderedDict[str, Mapping[str, bytes]] = OrderedDict()

    def put(self, files: Mapping[str, bytes]) -> str:
        """Keeps files by their endings, such as `mid`; gives the name to ask for them."""
        name = secrets.token_hex(8)
        with self._lock:
            self._files[name] = files
            while len(self._files) > self._most:
                self._files.popitem(last=False)
        return name

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


def check_host(request: Request, hosts: tuple[str, ...]) -> None:
    """Refuses a name that isn't the server's own, by which another site could reach it (DNS rebinding)."""
    if request.headers.get("host", "") not in hosts:
        raise HTTPException(403, "another host's name; open the page by the address that the command printed")


def fields(value: Any, allowed: tuple[str, ...]) -> dict[str, Any]:
    """A JSON object with some of the allowed keys. Raises HTTPException: 400, anything else."""
    if not isinstance(value, dict) or not set(value) <= set(allowed):
        raise HTTPException(400, f"send a JSON object with some of {', '.join(allowed)}")
    return value
