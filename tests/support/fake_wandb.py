"""A server of Weights & Biases on loopback: as much of its GraphQL and file stream as an online run speaks, kept to be
read.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.loopback import Answer, serve

KEY = "0123456789abcdef" * 2 + "01234567"

_NEEDLESS = ("RunResumeStatus", "OrganizationCoreWeaveOrganizationID")
"""What a run asks and does without: whether it was there before, and of a service of the owner's."""


@dataclass
class SentRun:
    """What a run has sent; `summary` is the last one, `history` its rows in the order of their steps."""

    name: str
    about: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    exit_code: int | None = None


@dataclass
class SentArtifact:
    """`used` says that it is an input of its run, not what the run made."""

    kind: str
    name: str
    aliases: list[str]
    metadata: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    committed: bool = False
    used: bool = False


class FakeWandb:
    """Answers a run; what it does not know, it answers with nothing and notes in `unknown`."""

    def __init__(self) -> None:
        self.address = ""
        self.runs: dict[str, SentRun] = {}
        self.artifacts: dict[str, SentArtifact] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.unknown: list[str] = []

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if path.endswith("/graphql"):
            asked = json.loads(body)
            operation = re.search(r"(?:query|mutation)\s+(\w+)", asked["query"])
            name = operation[1] if operation else "?"
            act: Callable[..., Any] | None = getattr(self, f"_{name}", None)
            if act is None and name not in _NEEDLESS:
                self.unknown.append(name)
            try:
                data = act(**_lower(asked.get("variables") or {})) if act else {}
            except Exception as error:
                self.unknown.append(f"{name} {asked.get('variables')}: {error}")
                data = {}
            return Answer(200, json.dumps({"data": data}).encode(), {"Content-Type": "application/json"})
        if stream := re.fullmatch(r"/files/me/[^/]+/([^/]+)/file_stream", path):
            self._streamed(self.runs[stream[1]], json.loads(body))
        elif stored := re.fullmatch(r"/storage/(run|artifact)/([^/]+)/(.+)", path):
            owner = self.runs[stored[2]] if stored[1] == "run" else self.artifacts[stored[2]]
            owner.files[stored[3]] = body
        return Answer(200, b"{}", {"Content-Type": "application/json"})

    def _streamed(self, run: SentRun, sent: dict[str, Any]) -> None:
        files = sent.get("files") or {}
        run.history += [json.loads(line) for line in files.get("wandb-history.jsonl", {}).get("content", [])]
        for line in files.get("wandb-summary.json", {}).get("content", []):
            run.summary = json.loads(line)
        run.exit_code = sent.get("exitcode", run.exit_code) if sent.get("complete") else run.exit_code

    def _upsertView(self, id: str | None = None, **view: Any) -> dict[str, Any]:  # noqa: N802
        """Of a report."""
        key = id or b64encode(f"View:{len(self.views)}".encode()).decode()
        inserted = key not in self.views
        self.views[key] = {**self.views.get(key, {}), **view}
        return {"upsertView": {"view": self._view(key), "inserted": inserted}}

    _UpsertView2 = _upsertView  # of a workspace

    def _View(self, view_type: str, view_name: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        return self._listed(
            key for key, one in self.views.items() if (one["type"], one["name"]) == (view_type, view_name)
        )

    def _ProjectViews(self, **_: Any) -> dict[str, Any]:  # noqa: N802
        return self._listed(key for key, one in self.views.items() if one["type"] == "runs")

    def _GetDefaultEntity(self) -> dict[str, Any]:  # noqa: N802
        return {"viewer": {"__typename": "User", "id": "V", "entity": "me"}}

    def _GetProjects(self, **_: Any) -> dict[str, Any]:  # noqa: N802
        node = {"__typename": "Project", "id": "P", "name": "p", "entityName": "me", "createdAt": "2026-01-01T00:00:00",
                "isBenchmark": False, "user": None}  # fmt: skip
        info = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        return {"models": {"edges": [{"node": node}], "pageInfo": info}}

    def _SpecificReport(self, report_id: str) -> dict[str, Any]:  # noqa: N802
        return {"view": self._view(report_id)}

    def _listed(self, keys: Iterable[str]) -> dict[str, Any]:
        edges = [{"node": self._view(key), "cursor": key} for key in keys]
        return {"project": {"allViews": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}}

    def _view(self, key: str) -> dict[str, Any]:
        one = self.views[key]
        project = {"id": "P", "name": one["project_name"], "entityName": one["entity_name"]}
        day = "2026-01-01T00:00:00"
        return {"id": key, "type": one["type"], "name": one["name"], "displayName": one["display_name"], "user": None,
                "description": one["description"], "project": project, "spec": one["spec"],
                "createdAt": day, "updatedAt": day}  # fmt: skip

    def _Viewer(self) -> dict[str, Any]:  # noqa: N802  the operations' own names
        return {"viewer": {"id": "V", "entity": "me", "username": "me", "flags": "{}", "teams": {"edges": []}}}

    def _ServerFeaturesQuery(self) -> dict[str, Any]:  # noqa: N802
        return {"serverInfo": {"features": []}}

    def _UpsertBucket(self, name: str, config: str | None, **about: Any) -> dict[str, Any]:  # noqa: N802
        run = self.runs.setdefault(name, SentRun(name))
        run.about |= {key: value for key, value in about.items() if value is not None}
        if config:
            run.config = {key: one["value"] for key, one in json.loads(config).items()}
        project = {"id": "P", "name": about["project"], "entity": {"id": "E", "name": "me"}}
        bucket = {"id": f"id-{name}", "name": name, "displayName": name, "description": "", "config": "{}",
                  "sweepName": None, "historyLineCount": 0, "project": project}  # fmt: skip
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}

    def _CreateRunFiles(self, run: str, files: list[str], **_: Any) -> dict[str, Any]:  # noqa: N802
        told = [{"name": name, "uploadUrl": f"{self.address}/storage/run/{run}/{name}"} for name in files]
        return {"createRunFiles": {"runID": f"id-{run}", "uploadHeaders": [], "files": told}}

    def _ArtifactType(self, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"project": {"artifact": None}}

    def _CreateArtifact(self, input: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        key = f"A{len(self.artifacts)}"
        aliases = [one["alias"] for one in input["aliases"] or []]
        facts = json.loads(input["metadata"] or "{}")
        self.artifacts[key] = SentArtifact(input["artifactTypeName"], input["artifactCollectionName"], aliases, facts)
        sequence = {"id": f"S-{key}", "latestArtifact": None}
        return {"createArtifact": {"artifact": {"id": key, "state": "PENDING", "artifactSequence": sequence}}}

    def _CreateArtifactManifest(self, artifact_id: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"createArtifactManifest": {"artifactManifest": self._manifest(artifact_id)}}

    def _UpdateArtifactManifest(self, artifact_manifest_id: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"updateArtifactManifest": {"artifactManifest": self._manifest(artifact_manifest_id.removeprefix("M-"))}}

    def _manifest(self, key: str) -> dict[str, Any]:
        url = f"{self.address}/storage/artifact/{key}/wandb_manifest.json"
        return {"id": f"M-{key}", "file": {"id": f"F-{key}", "uploadUrl": url, "uploadHeaders": []}}

    def _CreateArtifactFiles(self, input: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        edges = [
            {"node": {
                "storagePath": f"{file['artifactID']}/{file['name']}", "uploadHeaders": [], "uploadMultipartUrls": None,
                "uploadUrl": f"{self.address}/storage/artifact/{file['artifactID']}/{file['name']}",
                "artifact": {"id": file["artifactID"]},
            }}
            for file in input["artifactFiles"]
        ]  # fmt: skip
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _ArtifactByID(self, id: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        one = self.artifacts[id]
        project = {"id": "P", "internalId": "P", "name": "p", "entity": {"name": "me"}}
        return {"artifact": {
            "__typename": "Artifact", "id": id, "versionIndex": 0, "artifactType": {"name": one.kind}, "aliases": [],
            "artifactSequence": {"__typename": "ArtifactSequence", "name": one.name, "project": project},
            "description": None, "metadata": json.dumps(one.metadata), "ttlDurationSeconds": -2, "ttlIsInherited": False,
            "tags": [], "historyStep": None, "state": "COMMITTED", "size": 1, "digest": "x", "commitHash": "c",
            "fileCount": len(one.files), "createdAt": "2026-01-01T00:00:00", "updatedAt": None,
        }}  # fmt: skip

    def _CommitArtifact(self, artifact_id: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        self.artifacts[artifact_id].committed = True
        return {"commitArtifact": {"artifact": {"id": artifact_id, "digest": "x"}}}

    def _UseArtifact(self, input: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        artifact_id = input["artifactID"]
        self.artifacts[artifact_id].used = True
        return {"useArtifact": {"artifact": {"id": artifact_id, "digest": "x"}}}


def _lower(variables: Mapping[str, Any]) -> dict[str, Any]:
    """artifactID as artifact_id."""
    return {re.sub(r"([a-z])([A-Z]+)", r"\1_\2", key).lower(): value for key, value in variables.items()}


@pytest.fixture
def fake_wandb(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeWandb]:
    """The server, to which this process is logged in; nothing of wandb's own lies outside the test's folder."""
    import wandb

    wandb.teardown()  # what this process has asked before was asked of another server
    server, home = FakeWandb(), tmp_path_factory.mktemp("wandb")
    with serve(server.answer) as server.address:
        for key, value in (
            ("BASE_URL", server.address), ("API_KEY", KEY), ("SILENT", "true"), ("MODE", "online"), ("CONSOLE", "off"),
            *((name, str(home / name)) for name in ("DIR", "CONFIG_DIR", "CACHE_DIR", "DATA_DIR")),
        ):  # fmt: skip
            monkeypatch.setenv(f"WANDB_{key}", value)
        yield server
        wandb.teardown()  # its service keeps the address of this server, and would send the next test's runs there
