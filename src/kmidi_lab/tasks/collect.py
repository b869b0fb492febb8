"""task=collect: takes feedback that users allow to be collected, on this machine or in a studio's network. Needs the
extra `demo`.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, UserError
from kmidi_lab.feedback.store import Store
from kmidi_lab.files import write_atomic
from kmidi_lab.serving.server import check_free, check_packages, listen
from kmidi_lab.streams import say

log = logging.getLogger(__name__)
FILE, TOKEN = "collected.db", "collect.token"
_HOUR_S, _MOST_AT_ONCE = 3600, 100
"""Seconds, and connections."""
_RANGES = {
    "port": (1, 65_535),
    "upload_mb": (0.001, 64),
    "per_minute": (1, 100_000),
    "keep_days": (1, 3650),
    "most_events": (1, 100_000_000),
}


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Collects until Ctrl-C; what is older than `collect.keep_days` is deleted at the start and each hour.

    Raises:
        UserError: the packages are not installed. ConfigError: a number out of range, or the address is taken.
    """
    check_packages("collect")
    options = cfg.collect
    for key, (low, high) in _RANGES.items():
        if not low <= options[key] <= high:
            raise ConfigError(f"collect.{key}={options[key]} must be {low} to {high}")
    check_free("collect", str(options.host), int(options.port))
    from kmidi_lab.serving.collector import DAY_S, Limits, make_collector
    from kmidi_lab.serving.guards import Hosts, bracketed

    folder, host, port = Path(cfg.paths.output_root), str(options.host), int(options.port)
    store, token = Store(folder / FILE), _token(folder / TOKEN)
    limits = Limits(options.upload_mb, options.per_minute, options.most_events, options.keep_days)
    app = make_collector(store, Hosts(host, port), token, limits)
    ended = Event()
    keeper = Thread(target=_keep, args=(store, limits.keep_days * DAY_S, ended), daemon=True)
    keeper.start()
    say(f"http://{bracketed(host)}:{port}/v1/events - Ctrl-C ends it; events are kept in {store.path}")
    say(f"senders need the token in {folder / TOKEN}")
    if host not in ("127.0.0.1", "localhost", "::1"):
        say(f"{host} can be reached from other machines, and what is sent there is not encrypted; see docs/privacy.md")
    try:
        listen(app, "collect", host, port, proxy_headers=False, limit_concurrency=_MOST_AT_ONCE)
    finally:
        ended.set()
        keeper.join()


def _keep(store: Store, lasts_s: int, ended: Event) -> None:
    """Deletes what is older than `lasts_s` seconds, each hour until `ended`; a fault of the store is tried again then."""
    while True:
        try:
            store.keep_since(int(time.time()) - lasts_s)
        except (UserError, sqlite3.Error) as error:
            log.error("old events could not be deleted, which is tried again in an hour: %s", error)
        if ended.wait(_HOUR_S):
            return


def _token(path: Path) -> str:
    """The token kept in a file that its owner alone may read; a new one where there is none."""
    if not path.is_file():
        write_atomic(path, f"{secrets.token_urlsafe(32)}\n".encode(), mode=0o600)
    token = path.read_text(encoding="utf-8", errors="replace").strip()
    if len(token) < 16 or not token.isascii() or not token.isprintable():
        raise ConfigError(
            f"{path}: a token is 16 or more characters in one line; delete the file, and a new one is made"
        )
    return token
