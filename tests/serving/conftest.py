"""The page's application over the released models, with its own folder for ratings."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from kmidi_lab.inference.published import release_root
from kmidi_lab.serving.app import make_app
from kmidi_lab.serving.guards import Hosts
from kmidi_lab.serving.studio import Studio

HOST = "127.0.0.1:8765"


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A song's picture takes half a second; the tests of the page see real ones, by a server in a process of its own."""
    monkeypatch.setattr("kmidi_lab.serving.studio.song_picture", lambda *_: b"\x89PNG\r\n\x1a\n")


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    root = release_root()
    assert root is not None
    app = make_app(Studio(root, tmp_path, tmp_path / "cache"), Hosts("127.0.0.1", 8765), 0.5)
    return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)
