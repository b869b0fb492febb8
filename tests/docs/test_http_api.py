"""docs/http_api.md names every route of the page with what it takes, and its commands are answered."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from kmidi_lab.serving.app import make_app
from kmidi_lab.serving.guards import Hosts
from kmidi_lab.serving.studio import SETTINGS, Studio


@pytest.fixture
def text(repo: Path) -> str:
    return (repo / "docs" / "http_api.md").read_text(encoding="utf-8")


@pytest.fixture
def client(repo: Path, tmp_path: Path) -> TestClient:
    studio = Studio(repo / "outputs" / "release", tmp_path, tmp_path / "cache")
    return TestClient(make_app(studio, Hosts("127.0.0.1", 8765), 0.5), base_url="http://127.0.0.1:8765")


def test_every_route_is_named(text: str, client: TestClient) -> None:
    routes = {
        (method, route.path) for route in client.app.routes if isinstance(route, APIRoute) for method in route.methods
    }
    assert set(re.findall(r"^\| (GET|POST) `(\S+)`", text, re.M)) == routes


def test_what_may_be_sent_is_named_and_nothing_else_is_taken(text: str, client: TestClient) -> None:
    rows = dict(re.findall(r"^\| POST `(\S+)` \| (.*?) \|", text, re.M))
    for route, sent in rows.items():
        if "file" in sent:
            assert client.post(route.format(model="harmony"), json={}).status_code == 415
            continue
        names = re.findall(r"`(\w+)`", sent)
        assert names
        refused = client.post(route.format(model="harmony"), json={"nonsense": 1})
        assert refused.status_code == 400
        assert all(name in refused.json()["error"] for name in names)
    assert all(f"`{name}`" in text for name in SETTINGS)


@pytest.mark.slow
def test_its_commands_are_answered(text: str, client: TestClient) -> None:
    commands = re.findall(r"curl -s -H 'Content-Type: (\S+)' -d '(.*)' http://127\.0\.0\.1:8765(\S+)", text)
    question, song, chords = (
        client.post(path, json=json.loads(sent), headers={"content-type": kind}).json() for kind, sent, path in commands
    )
    assert question["field"] == "core_event"
    assert set(song) == {"id", "title", "files", "trace", "remarks"}
    assert client.get(f"/api/song/{song['id']}.mid").content.startswith(b"MThd")
    assert max(chords["answer"], key=chords["answer"].get) == "Cmaj7"
