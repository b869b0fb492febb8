"""A studio's own collector of feedback, `task=collect`: it takes events that their users allow, and says so when they are on the disk.

A request holds a consent record and events, a line each, as `task=feedback feedback.share=FILE` writes them. All of it
is stored or, where one line is wrong, nothing.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from kmidi_lab.errors import UserError, first_line
from kmidi_lab.feedback.consent import from_json
from kmidi_lab.feedback.event import Event
from kmidi_lab.feedback.reading import EventError, parse
from kmidi_lab.feedback.store import AdditionCounts, Store
from kmidi_lab.serving.guards import MEGABYTE, Hosts, body
from kmidi_lab.serving.server import guard

LINES = "application/x-ndjson"
DAY_S = 86_400
_MOST_ADDRESSES = 10_000
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Limits:
    """Megabytes of a request, requests a minute of an address, events in all, and days for which an event is kept."""

    upload_mb: float = 1.0
    per_minute: int = 60
    most_events: int = 1_000_000
    keep_days: int = 365


def make_collector(
    store: Store, hosts: Hosts, token: str, limits: Limits, clock: Callable[[], float] = time.time
) -> FastAPI:
    """The application.

    Args:
        store: of the events.
        hosts: whose requests are answered.
        token: that a request must carry, `Authorization: Bearer …`.
        limits: of requests and of the store.
        clock: seconds since 1970.
    """
    app = FastAPI(title="kmidi_lab collector", docs_url=None, redoc_url=None, openapi_url=None)
    rate = Rate(limits.per_minute, clock)

    def check(request: Request) -> None:
        hosts.check(request)
        rate.check(request.client.host if request.client else "")
        # Bytes: a text that is not ASCII can't be compared in constant time.
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if not secrets.compare_digest(given, f"Bearer {token}".encode()):
            raise HTTPException(401, "send the header Authorization: Bearer and the collector's token")

    guard(app, check, _HEADERS, "a fault of the collector; nothing is stored, send it again")

    @app.exception_handler(UserError)
    async def wrong(request: Request, error: UserError) -> JSONResponse:
        code = 400 if isinstance(error, EventError) else 503
        return JSONResponse(
            {"error": first_line(error) if code == 400 else "the store can't be used; send it later"}, code
        )

    @app.post("/v1/events")
    async def take(request: Request) -> dict[str, int]:
        data = await body(request, int(limits.upload_mb * MEGABYTE), LINES)
        added, old = await run_in_threadpool(_store, store, data, limits, clock())
        return {"new": added.new, "again": added.again, "forgotten": added.forgotten, "old": old}

    @app.post("/v1/forget/{use}")
    async def forget(use: str) -> dict[str, int]:
        if len(use) != 32 or set(use) - set("0123456789abcdef"):
            raise HTTPException(400, "a use id is 32 hex digits")
        return {"deleted": await run_in_threadpool(store.forget, [use])}

    return app


def _store(store: Store, data: bytes, limits: Limits, now: float) -> tuple[AdditionCounts, int]:
    """What was stored, and how many events were too old for it."""
    events, old = _events(data, now - limits.keep_days * DAY_S, now + DAY_S)
    if len(events) + store.size() > limits.most_events:
        raise HTTPException(507, f"the collector holds {limits.most_events} events at most; tell who runs it")
    return store.add(events), old


def _events(data: bytes, earliest: float, latest: float) -> tuple[list[Event], int]:
    """The events of a request, and how many more are from before `earliest`. Raises EventError, with the line's number."""
    lines = data.split(b"\n")
    if lines[-1]:
        raise EventError(f"{len(lines)}: the last line has no end, so it may be cut short")
    try:
        consent = from_json(json.loads(lines[0]))
    except EventError as error:
        raise EventError(f"1: {error}") from None
    except (ValueError, RecursionError):
        raise EventError("1: not a line of JSON; the first is a consent record") from None
    events: list[Event] = []
    old = 0
    try:
        for line in lines[1:-1]:
            event = parse(line)
            consent.check(event)
            if event.time > latest:
                raise EventError(f"time is {event.time}, which is yet to come")
            if event.time < earliest:
                old += 1
            else:
                events.append(event)
    except EventError as error:
        raise EventError(f"{len(events) + old + 2}: {error}") from None
    if not events and not old:
        raise EventError("1: no events behind the consent record")
    return events, old


class Rate:
    """Requests of an address in this minute and the last, weighed by how much of it is in the past 60 s."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = per_minute, clock
        self._seen: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def check(self, address: str) -> None:
        """Counts one. Raises HTTPException: 429, too many."""
        now = self._clock()
        minute, share = int(now // 60), now % 60 / 60
        last, this, before = self._seen.pop(address, (minute, 0, 0))
        if last != minute:
            this, before = 0, this if last == minute - 1 else 0
        full = this + before * (1 - share) >= self._most
        self._seen[address] = (minute, this if full else this + 1, before)
        while len(self._seen) > _MOST_ADDRESSES:
            self._seen.popitem(last=False)
        if full:
            raise HTTPException(429, f"more than {self._most} requests a minute; wait one")
