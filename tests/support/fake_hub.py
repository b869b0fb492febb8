"""A Hugging Face Hub on loopback: the routes that a push and a pull use, and what can go wrong at each."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest
from support.loopback import Answer, serve

TOKEN = "hf_theTokenThatNobodyMaySee"
LARGE = 4096
"""Bytes from which on a file is stored as LFS does."""


@dataclass
class Repo:
    """Commits, oldest first: (sha, content by path)."""

    private: bool
    kind: str = "model"
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    def add(self, files: dict[str, bytes]) -> str:
        sha = hashlib.sha1(f"{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits.append((sha, files))
        return sha

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1][1]


@dataclass
class FakeHub:
    """`instead` answers before any route does: a request's method and path to an answer, None to go on."""

    address: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    instead: Callable[[str, str], Answer | None] = lambda method, path: None
    listed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda files: files
    asked: list[str] = field(default_factory=list)

    def env(self, token: str | None = TOKEN) -> dict[str, str]:
        return {"HF_ENDPOINT": self.address, **({"HF_TOKEN": token} if token else {})}

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        self.asked.append(f"{method} {path}")
        put_wrong = self.instead(method, path)
        if put_wrong:
            return put_wrong
        allowed = headers.get("Authorization") == f"Bearer {TOKEN}"
        if headers.get("Authorization") and not allowed:
            return refused(401, "Invalid credentials in Authorization header")
        for kind, pattern, act in self._routes():
            match = re.fullmatch(pattern, path.partition("?")[0])
            if kind == method and match:
                return act(allowed, body, *map(unquote, match.groups()))
        return refused(404, f"no route {method} {path}")

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        repo = r"([\w.-]+/[\w.-]+)"
        return [
            ("GET", rf"/api/models/{repo}", self._info),
            ("GET", rf"/api/models/{repo}/revision/([^/]+)", self._info),
            ("GET", rf"/{repo}/resolve/([^/]+)/(.+)", self._file),
            ("POST", r"/api/repos/create", self._create),
            ("POST", r"/api/validate-yaml", lambda allowed, body: said({"errors": [], "warnings": []})),
            ("POST", rf"/api/models/{repo}/preupload/main", self._preupload),
            ("POST", rf"/{repo}\.git/info/lfs/objects/batch", self._batch),
            ("PUT", r"/lfs/(\w+)", self._store),
            ("POST", rf"/api/models/{repo}/commit/main", self._commit),
        ]

    def _seen(self, allowed: bool, name: str) -> Repo | Answer:
        repo = self.repos.get(name)
        if repo is None or repo.kind != "model" or (repo.private and not allowed):
            return refused(404 if allowed else 401, "Repository not found", "RepoNotFound")
        return repo

    def _info(self, allowed: bool, body: bytes, name: str, revision: str = "main") -> Answer:
        repo = self._seen(allowed, name)
        if isinstance(repo, Answer):
            return repo
        commit = next((c for c in repo.commits if c[0] == revision), repo.commits[-1] if revision == "main" else None)
        if commit is None:
            return refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        files = []
        for path, data in commit[1].items():
            lfs = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 130}
            files.append({"rfilename": path, "size": len(data), **({"lfs": lfs} if len(data) > LARGE else {})})
        return said({"id": name, "sha": commit[0], "private": repo.private, "siblings": self.listed(files)})

    def _file(self, allowed: bool, body: bytes, name: str, revision: str, path: str) -> Answer:
        repo = self._seen(allowed, name)
        if isinstance(repo, Answer):
            return repo
        files = next(files for sha, files in repo.commits if sha == revision)
        return Answer(200, files[path]) if path in files else refused(404, "Entry not found", "EntryNotFound")

    def _create(self, allowed: bool, body: bytes) -> Answer:
        if not allowed:
            return refused(401, "Invalid username or password.")
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] != "me":
            return refused(403, f'You don\'t have the rights to create a model under the namespace "{name}"')
        if name in self.repos:
            return refused(409, "You already created this model repo")
        self.repos[name] = Repo(asked.get("visibility") == "private")
        self.repos[name].add({".gitattributes": b"*.onnx filter=lfs\n"})
        return said({"url": f"{self.address}/{name}"})

    def _preupload(self, allowed: bool, body: bytes, name: str) -> Answer:
        files = [
            {"path": f["path"], "uploadMode": "lfs" if f["size"] > LARGE else "regular", "shouldIgnore": False}
            for f in json.loads(body)["files"]
        ]
        return said({"files": files})

    def _batch(self, allowed: bool, body: bytes, name: str) -> Answer:
        objects = [
            {"oid": o["oid"], "size": o["size"], "actions": {"upload": {"href": f"{self.address}/lfs/{o['oid']}"}}}
            for o in json.loads(body)["objects"]
        ]
        return said({"transfer": "basic", "objects": objects})

    def _store(self, allowed: bool, body: bytes, oid: str) -> Answer:
        self.large[oid] = body
        return said({})

    def _commit(self, allowed: bool, body: bytes, name: str) -> Answer:
        repo = self._seen(allowed, name)
        if isinstance(repo, Answer):
            return repo
        lines = [json.loads(line) for line in body.splitlines()]
        if lines[0]["value"].get("parentCommit") not in (None, repo.commits[-1][0]):
            return refused(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repo.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.large[value["oid"]]
            else:
                del files[value["path"]]
        sha = repo.add(files)
        return said({"commitUrl": f"{self.address}/{name}/commit/{sha}", "commitOid": sha})


def said(content: Any) -> Answer:
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def refused(status: int, why: str, code: str | None = None) -> Answer:
    headers = {"X-Error-Message": why, **({"X-Error-Code": code} if code else {})}
    return Answer(status, json.dumps({"error": why}).encode(), {"Content-Type": "application/json", **headers})


@pytest.fixture
def fake_hub(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    """The server, with no login on this machine, no wait between tries, and LFS in place of Xet."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path_factory.mktemp("login") / "token"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub = FakeHub()

    with serve(hub.answer) as hub.address:
        yield hub
