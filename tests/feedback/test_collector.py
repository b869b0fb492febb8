"""The collector takes what is right and allowed, once, and survives everything else."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event as Signal

import pytest
from fastapi.testclient import TestClient

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.consent import Consent
from kmidi_lab.feedback.consent import to_line as consent_line
from kmidi_lab.feedback.event import Event, new_id, to_line
from kmidi_lab.feedback.store import Store
from kmidi_lab.serving.collector import DAY_S, Limits, make_collector
from kmidi_lab.serving.guards import Hosts
from kmidi_lab.tasks import collect

NOW = 1_790_000_000
TOKEN = "a-token-of-a-studio"
CONSENT = consent_line(Consent("all", "2026-01-01"))
HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/x-ndjson"}


class Collector:
    """A collector in this process, whose clock a test moves."""

    def __init__(self, folder: Path, **limits: float) -> None:
        self.now, self.store = float(NOW), Store(folder / "collected.db")
        chosen = Limits(**{"per_minute": 100_000, "upload_mb": 0.1, **limits})
        app = make_collector(self.store, Hosts("127.0.0.1", 8766), TOKEN, chosen, lambda: self.now)
        self.client = TestClient(app, base_url="http://127.0.0.1:8766", raise_server_exceptions=False)

    def send(self, data: bytes, path: str = "/v1/events", **headers: str):
        return self.client.post(path, content=data, headers=HEADERS | headers)


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    return Collector(tmp_path)


def event(**changes: object) -> Event:
    return replace(Event(use=new_id(), model="m", action="accepted", time=NOW, input=[0.5, -1.0]), **changes)


def test_what_is_acknowledged_is_stored_and_may_be_sent_again(collector: Collector) -> None:
    events = [event(), event()]
    data = CONSENT + b"".join(map(to_line, events))
    assert collector.send(data).json() == {"new": 2, "again": 0, "forgotten": 0, "old": 0}
    assert collector.send(data).json() == {"new": 0, "again": 2, "forgotten": 0, "old": 0}
    assert {e.event for e in collector.store.events()} == {e.event for e in events}
    assert collector.send(b"", f"/v1/forget/{events[0].use}").json() == {"deleted": 1}
    assert collector.send(data).json() == {"new": 0, "again": 1, "forgotten": 1, "old": 0}
    assert collector.send(b"", "/v1/forget/me").status_code == 400


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "1: not a line of JSON"),
        (to_line(event()), "1: no consent record"),
        (CONSENT, "1: no events"),
        (CONSENT + to_line(event()) + b"{}\n", "3: format is None"),
        (CONSENT + to_line(event())[:-1], "2: the last line has no end"),
        (consent_line(Consent("none", "2026-01-01")) + to_line(event()), "2: event"),
        (consent_line(Consent("actions", "2026-01-01")) + to_line(event()), "not covered by consent 'actions'"),
        (consent_line(Consent("all", "2027-01-01")) + to_line(event()), "not covered by consent"),
        (CONSENT + to_line(event(time=NOW + 2 * DAY_S)), "yet to come"),
    ],
)
def test_one_wrong_line_and_nothing_is_stored(collector: Collector, data: bytes, line: str) -> None:
    done = collector.send(data)
    assert (done.status_code, line in done.json()["error"]) == (400, True), done.text
    assert collector.store.size() == 0


def test_who_has_no_token_or_another_name_or_asks_too_often_is_refused(tmp_path: Path) -> None:
    collector = Collector(tmp_path, per_minute=20)
    right = CONSENT + to_line(event())
    for headers, code in (
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"host": "evil.example:8766"}, 403),
        ({"content-type": "text/plain"}, 415),
    ):
        assert collector.send(right, **headers).status_code == code
    assert collector.client.get("/v1/events", headers=HEADERS).status_code == 405
    assert collector.client.get("/docs", headers=HEADERS).status_code == 404
    assert collector.store.size() == 0
    codes = [collector.send(b"").status_code for _ in range(40)]
    assert codes.count(429) >= 20 and codes[-1] == 429
    collector.now += 120
    assert collector.send(right).status_code == 200


def test_a_full_store_takes_no_more(tmp_path: Path) -> None:
    collector = Collector(tmp_path, most_events=3)
    assert collector.send(CONSENT + to_line(event()) + to_line(event())).status_code == 200
    assert collector.send(CONSENT + to_line(event()) + to_line(event())).status_code == 507
    assert collector.store.size() == 2


@pytest.mark.slow
def test_five_hundred_hostile_requests_store_nothing_and_break_nothing(collector: Collector) -> None:
    """Malformed, oversized, replayed and hostile, each drawn anew; the figure of docs/privacy.md."""
    first = event()
    assert collector.send(CONSENT + to_line(first)).status_code == 200
    draw = random.Random(0)
    codes = [collector.send(CONSENT + _hostile(draw, first)).status_code for _ in range(500)]
    assert set(codes) <= {400, 413}, codes
    assert list(collector.store.events()) == [first]
    assert collector.send(CONSENT + to_line(event())).json()["new"] == 1


def _hostile(draw: random.Random, stored: Event) -> bytes:
    held = json.loads(to_line(event()))
    match draw.randrange(9):
        case 0:  # random bytes
            return draw.randbytes(draw.randrange(1, 300)) + b"\n"
        case 1:  # cut short, its end put back
            return to_line(event())[: draw.randrange(1, 200)] + b"\n"
        case 2:  # oversized: a line or the whole
            return json.dumps(held | {"input": [1.5] * draw.choice([5000, 20_000, 60_000])}).encode() + b"\n"
        case 3:  # replayed under the same id, saying something else
            return to_line(replace(stored, action="rejected", rating=draw.randint(1, 5)))
        case 4:  # a use id, model or word that would reach further
            key, bad = draw.choice(["use", "model", "label", "artefact", "event"]), draw.choice(_INJECTED)
            return json.dumps(held | {key: bad}).encode() + b"\n"
        case 5:  # a key that the format does not have
            return json.dumps(held | {draw.choice(["text", "audio", "file", "__proto__"]): "x"}).encode() + b"\n"
        case 6:  # values of another type, or out of range
            key = draw.choice(["time", "rating", "input", "output", "choices", "action"])
            return (
                json.dumps(held | {key: draw.choice([True, -1, 1e300, "x", [[]], {"a": {}}, [None]])}).encode() + b"\n"
            )
        case 7:  # deep, or a number that only a lax reader takes
            return draw.choice([b"[" * 5000, b'{"a":' * 5000, to_line(stored).replace(b"0.5", b"NaN")]) + b"\n"
        case _:  # twice the same key
            return to_line(event()).replace(b'"use"', b'"use":"0","use"')


_INJECTED = ["'; DROP TABLE events; --", "../../etc/passwd", "\u0000", "\ud800", "a" * 10_000, "<script>", "%s%n", "❤"]


@pytest.mark.slow
def test_what_a_killed_collector_acknowledged_is_there(repo: Path) -> None:
    done = subprocess.run(
        [sys.executable, repo / "benchmarks" / "collector_kills.py", "--kills", "10"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 kills" in done.stdout and " 0 of them lost" in done.stdout


@pytest.mark.slow
def test_the_task_checks_its_numbers_and_keeps_a_token_for_its_owner(job, tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(ConfigError, match=r"collect.keep_days=0 must be 1 to 3650"):
        job("task=collect", "collect.keep_days=0")
    served = []
    monkeypatch.setattr("uvicorn.Server.run", lambda server: served.append(server))
    Store(tmp_path / "outputs" / "collected.db").add([event(time=1_600_000_000), event(time=int(time.time()))])
    job("task=collect")
    token = tmp_path / "outputs" / "collect.token"
    assert token.stat().st_mode & 0o777 == 0o600 and len(token.read_text().strip()) > 30
    assert Store(tmp_path / "outputs" / "collected.db").size() == 1
    assert served[0].config.host == "127.0.0.1"
    token.write_text("short")
    with pytest.raises(ConfigError, match="a token is 16 or more"):
        job("task=collect")


def test_events_that_are_too_old_are_counted_and_the_others_stored(collector: Collector) -> None:
    old, new = event(time=NOW - 400 * DAY_S), event()
    consent = consent_line(Consent("all", "2020-01-01"))
    answer = collector.send(consent + to_line(old) + to_line(new)).json()
    assert answer == {"new": 1, "again": 0, "forgotten": 0, "old": 1}
    assert collector.send(consent + to_line(old)).json()["old"] == 1
    assert list(collector.store.events()) == [new]


def test_retention_goes_on_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, calls = Signal(), []

    class Faulty:
        def keep_since(self, when: int) -> int:
            calls.append(when)
            if len(calls) == 3:
                ended.set()
            raise [DataError("another program reads"), sqlite3.OperationalError("locked"), DataError("x")][
                len(calls) - 1
            ]

    monkeypatch.setattr(collect, "_HOUR_S", 0)
    collect._keep(Faulty(), DAY_S, ended)
    assert len(calls) == 3
