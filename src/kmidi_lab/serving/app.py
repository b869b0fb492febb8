"""The page's HTTP: each route checks what came in and hands it to the studio."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, Response

from kmidi_lab.audio.style_file import MOST_BYTES
from kmidi_lab.composition.bands import bands
from kmidi_lab.composition.form import KINDS
from kmidi_lab.composition.metres import METRES
from kmidi_lab.errors import UserError, first_line
from kmidi_lab.serving.asking import ways
from kmidi_lab.serving.guards import MEGABYTE, Hosts, body, fields, json_body
from kmidi_lab.serving.server import PAGE_FAULT, PAGE_HEADERS, guard
from kmidi_lab.serving.speech import page_line
from kmidi_lab.serving.studio import SETTINGS, Studio

_TEXT_BYTES = 64 * 1024
_KINDS = {
    "mid": "audio/midi",
    "wav": "audio/wav",
    "png": "image/png",
    "json": "application/json",
    "intent": "application/json",
}


def make_app(studio: Studio, hosts: Hosts, upload_mb: float) -> FastAPI:
    """The application.

    Args:
        studio: does the work.
        hosts: whose requests are answered.
        upload_mb: megabytes of a file that may be sent.
    """
    app = FastAPI(title="kmidi_lab", docs_url=None, redoc_url=None, openapi_url=None)

    guard(app, hosts.check, PAGE_HEADERS, PAGE_FAULT)

    @app.exception_handler(UserError)
    async def wrong(request: Request, error: UserError) -> JSONResponse:
        return JSONResponse({"error": page_line(first_line(error))}, 400)

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse(files("kmidi_lab.serving").joinpath("page.html").read_text(encoding="utf-8"))

    _add_lists(app)
    _add_songs(app, studio)
    _add_models(app, studio, int(upload_mb * MEGABYTE))
    return app


def _add_lists(app: FastAPI) -> None:
    """What the page lets choose from."""

    @app.get("/api/styles")
    def styles() -> list[str]:
        return list(bands())

    @app.get("/api/metres")
    def metres() -> list[str]:
        return list(METRES)

    @app.get("/api/models")
    def models() -> list[dict[str, str]]:
        return ways()

    @app.get("/api/kinds")
    def kinds() -> list[str]:
        return list(KINDS)


def _add_songs(app: FastAPI, studio: Studio) -> None:
    """Questions, songs, their files and ratings."""

    @app.post("/api/question")
    async def question(request: Request) -> Any:
        asked = fields(await json_body(request, _TEXT_BYTES), ("answers", "thorough"))
        return await run_in_threadpool(studio.question, asked.get("answers", []), asked.get("thorough") is True)

    @app.post("/api/compose")
    async def compose(request: Request) -> Any:
        held = await json_body(request, _TEXT_BYTES + MOST_BYTES)
        asked = fields(held, ("answers", "seed", "reference", *SETTINGS))
        answers, seed, reference = asked.pop("answers", []), asked.pop("seed", 1), asked.pop("reference", None)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise HTTPException(400, "seed must be a whole number")
        for name, value in asked.items():
            if name not in ("bars", "tempo") and not isinstance(value, str | None):
                raise HTTPException(400, f"{name} must be a text")
        return await run_in_threadpool(studio.compose, answers, asked, seed, reference)

    @app.get("/api/song/{name}.{ending}")
    def song(name: str, ending: str) -> Response:
        if ending not in _KINDS:
            raise HTTPException(404, f"no .{ending} of a song; ask for one of its files")
        data = studio.shelf.get(name, ending)
        shown = "inline" if ending in ("png", "wav") else "attachment"
        file = "intent.json" if ending == "intent" else f"song.{ending}"
        return Response(data, media_type=_KINDS[ending], headers={"Content-Disposition": f'{shown}; filename="{file}"'})

    @app.post("/api/rate")
    async def rate(request: Request) -> dict[str, str]:
        asked = fields(await json_body(request, _TEXT_BYTES), ("first", "second", "better"))
        await run_in_threadpool(studio.rate, *(str(asked.get(k, "")) for k in ("first", "second", "better")))
        return {"kept": "on this machine only"}


def _add_models(app: FastAPI, studio: Studio, most_bytes: int) -> None:
    """What single models make of a file, of at most so many bytes, or of what was typed."""

    async def uploaded(request: Request) -> bytes:
        return await body(request, most_bytes, "application/octet-stream")

    @app.post("/api/reference")
    async def reference(request: Request) -> Any:
        return await run_in_threadpool(studio.reference, await uploaded(request))

    @app.post("/api/ask/{model}")
    async def ask(model: str, request: Request) -> Any:
        return await run_in_threadpool(studio.ask, model, await uploaded(request))

    @app.post("/api/tell/{model}")
    async def tell(model: str, request: Request) -> Any:
        asked = fields(await json_body(request, _TEXT_BYTES), ("text",))
        if not isinstance(asked.get("text"), str):
            raise HTTPException(400, "text must be a text")
        return await run_in_threadpool(studio.tell, model, asked["text"])
