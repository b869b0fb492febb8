"""Kills the collector of feedback again and again while events are sent to it, and looks for what it had acknowledged.

    python benchmarks/collector_kills.py --kills 1000

Each collector is a fork of this process that serves on a port of its own and is ended by SIGKILL up to 60 ms after its
first answer. A kill is no power cut: what the system has taken outlives it, and only a full sync, which the store asks
for, outlives the other. Exit code 1: an acknowledged event is missing, one is there that was never sent, or the file is
broken.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn

from kmidi_lab.feedback.consent import Consent
from kmidi_lab.feedback.consent import to_line as consent_line
from kmidi_lab.feedback.event import Event, new_id, to_line
from kmidi_lab.feedback.store import Store
from kmidi_lab.serving.collector import Limits, make_collector
from kmidi_lab.serving.guards import Hosts

TOKEN = "a-token-of-a-studio"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
CONSENT = consent_line(Consent("all", "2026-01-01"))


def serve(path: Path, door: socket.socket) -> None:
    app = make_collector(
        Store(path), Hosts("127.0.0.1", door.getsockname()[1]), TOKEN, Limits(per_minute=100_000, most_events=10**8)
    )
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[door])


def one_life(path: Path, delay_s: float, sent: set[str], acknowledged: set[str]) -> None:
    """A collector from its start to its kill."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        pid = os.fork()
        if pid == 0:
            serve(path, door)
            os._exit(0)
        port = door.getsockname()[1]
        first = threading.Event()

        def kill() -> None:
            first.wait(60)
            time.sleep(delay_s)
            os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        door.close()
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            while True:
                events = [Event(use=new_id(), model="m", action="accepted", input=[1.0] * 50) for _ in range(3)]
                ids = {event.event for event in events}
                sent |= ids
                client.request("POST", "/v1/events", CONSENT + b"".join(map(to_line, events)), HEADERS)
                answer = client.getresponse()
                if answer.status != 200 or json.loads(answer.read())["new"] != 3:
                    raise SystemExit(f"the collector refused what is right: {answer.status}")
                acknowledged |= ids
                first.set()
        except (OSError, http.client.HTTPException, ValueError):
            first.set()
        killer.join()
        os.waitpid(pid, 0)
        client.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=1000)
    kills = parser.parse_args().kills
    draw, sent, acknowledged = random.Random(0), set(), set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "collected.db"
        Store(path)
        for _ in range(kills):
            one_life(path, draw.uniform(0, 0.06), sent, acknowledged)
        stored = {event.event for event in Store(path).events()}
        [whole] = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()
    lost, foreign = len(acknowledged - stored), len(stored - sent)
    unacknowledged = len(stored - acknowledged)
    print(
        f"{kills} kills: {len(acknowledged)} events acknowledged, {lost} of them lost; {unacknowledged} stored whose answer "
        f"did not arrive, {foreign} never sent; file: {whole}"
    )
    return int(bool(lost or foreign or whole != "ok" or not acknowledged))


if __name__ == "__main__":
    sys.exit(main())
