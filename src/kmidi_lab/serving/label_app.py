"""The HTTP of the page of `task=label`: each route checks what came in and hands it to the desk."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, Response

from kmidi_lab.errors import LabError, first_line
from kmidi_lab.serving.guards import Hosts, fields, json_body
from kmidi_lab.serving.labelling import Desk
from kmidi_lab.serving.server import PAGE_FAULT, PAGE_HEADERS, guard

_MOST_BYTES = 4 * 1024


def make_label_app(desk: Desk, hosts: Hosts) -> FastAPI:
    """The application.

    Args:
        desk: does the work.
        hosts: whose requests are answered.
    """
    app = FastAPI(title="kmidi_lab labels", docs_url=None, redoc_url=None, openapi_url=None)
    guard(app, hosts.check, PAGE_HEADERS, PAGE_FAULT)

    @app.exception_handler(LabError)
    async def wrong(request: Request, error: LabError) -> JSONResponse:
        return JSONResponse({"error": first_line(error)}, 400)

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(files("kmidi_lab.serving").joinpath("label_page.html").read_text(encoding="utf-8"))

    @app.get("/api/queue")
    def queue() -> dict[str, Any]:
        return desk.queue()

    @app.get("/api/item/{number}")
    def item(number: str) -> dict[str, Any]:
        return desk.item(_number(number))

    @app.get("/api/item/{number}/sound")
    def sound(number: str, label: str = "") -> Response:
        return Response(desk.sound(_number(number), label), media_type="audio/wav")

    @app.post("/api/rater")
    async def rater(request: Request) -> dict[str, Any]:
        [name] = await _words(request, "name")
        return await run_in_threadpool(desk.rater, name)

    @app.post("/api/item/{number}/label")
    async def label(number: str, request: Request) -> dict[str, Any]:
        name, given = await _words(request, "name", "label")
        return await run_in_threadpool(desk.label, name, _number(number), given)

    @app.post("/api/item/{number}/undo")
    async def undo(number: str, request: Request) -> dict[str, Any]:
        [name] = await _words(request, "name")
        return await run_in_threadpool(desk.undo, name, _number(number))

    return app


def _number(text: str) -> int:
    """Raises HTTPException: 404, no number of a question."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(404, "a question is asked for by its number")
    return int(text)


async def _words(request: Request, *names: str) -> list[str]:
    """Texts of a JSON object. Raises HTTPException: one is missing or no text."""
    asked = fields(await json_body(request, _MOST_BYTES), names)
    for name in names:
        if not isinstance(asked.get(name), str):
            raise HTTPException(400, f"{name} must be a text")
    return [asked[name] for name in names]
