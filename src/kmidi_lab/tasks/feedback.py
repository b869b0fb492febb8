"""task=feedback: what is stored of users' feedback; imports, exports and deletes it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from omegaconf import DictConfig

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.anonymous import anonymous_counts, counts_table
from kmidi_lab.feedback.consent import Consent, from_json, keep_consent, read_consent
from kmidi_lab.feedback.consent import to_line as consent_line
from kmidi_lab.feedback.event import to_line
from kmidi_lab.feedback.importing import import_file
from kmidi_lab.feedback.reading import EventError
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.feedback.use_ids import renew, use_ids
from kmidi_lab.files import write_atomic
from kmidi_lab.streams import say
from kmidi_lab.wording import many, others_are

_MINE = "mine"
_MOST_SHOWN = 20
_MOST_BYTES = 1_000_000
"""Of a file that is shared: the collector takes no more at once."""
_LONGEST_CONSENT = 1000


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Does what is asked, in the order consent, import, export, share, counts, forget, and says what is there then.

    Raises:
        ConfigError: no use id. DataError: lines of the import were refused; the others are stored.
    """
    options, root = cfg.feedback, Path(cfg.paths.output_root)
    uses = _uses(options.forget, root)
    if options.consent:
        keep_consent(root, options.consent)
    consent = read_consent(root)
    store = Store(Path(options.store) if options.store else root / FILE)
    refused = _import(store, Path(options["import"]), context["folder"]) if options["import"] else ""
    if options.export:
        lines = [to_line(event) for event in store.events()]
        write_atomic(Path(options.export), b"".join(lines), mode=0o600)
        say(f"written: {options.export}, {many(len(lines), 'event')}")
    if options.share:
        _share(store, consent, Path(options.share))
    if options.anonymous:
        counts = anonymous_counts(store.events(), float(options.epsilon))
        write_atomic(Path(options.anonymous), counts_table(counts))
        say(
            f"written: {options.anonymous}, {many(len(counts.cells), 'cell')}; {counts.left_out} have too few users to be shown"
        )
    if options.forget:
        _forget(store, uses)
        renew(root, uses)
    _show(store)
    given = "nothing" if consent.scope == "none" else f"{consent.scope!r}, since {consent.date}"
    say(f"allowed to leave this machine: {given}")
    if refused:
        raise DataError(refused)


def _share(store: Store, consent: Consent, path: Path) -> None:
    """Writes files that the collector takes, each with the consent: `path`, and `-2`, `-3` … behind its name.

    Those of an earlier time that are more are removed: they may hold what was forgotten, or is allowed no more.

    Raises:
        ConfigError: nothing is allowed.
    """
    if consent.scope == "none":
        raise ConfigError("feedback.share: nothing is allowed to leave; type feedback.consent=actions or all first")
    lines = [to_line(shared) for event in store.events() if (shared := consent.allowed(event))]
    parts = [consent_line(consent)]
    for line in lines:
        if len(parts[-1]) + len(line) >= _MOST_BYTES:
            parts.append(consent_line(consent))
        parts[-1] += line
    for number, part in enumerate(parts, start=1):
        name = _part(path, number)
        write_atomic(name, part, mode=0o600)
        say(f"written: {name}")
    number = len(parts) + 1
    while _is_shared(left := _part(path, number)):
        left.unlink()
        say(f"removed: {left}, of an earlier time")
        number += 1
    say(f"{many(len(lines), 'event')} as consent {consent.scope!r} of {consent.date} allows; nothing is sent")


def _part(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_stem(f"{path.stem}-{number}")


def _is_shared(path: Path) -> bool:
    """Whether a file begins with a consent, as those do that are shared."""
    try:
        with path.open("rb") as file:
            from_json(orjson.loads(file.readline(_LONGEST_CONSENT)))
    except (OSError, ValueError, EventError):
        return False
    return True


def _forget(store: Store, uses: list[str]) -> None:
    """Deletes the events of some uses, and says which."""
    counts = Counter((event.model, event.action) for event in store.events() if event.use in uses)
    gone = store.forget(uses)
    if not gone:
        say(
            f"deleted: nothing; {store.path} holds no event of {'this machine' if len(uses) != 1 else f'use {uses[0]}'}"
        )
        return
    say(f"deleted: {many(gone, 'event')} of {many(len(uses), 'use id')}, which are taken no more")
    for (model, action), count in sorted(counts.items()):
        say(f"  {model:<20} {action:<9} {count:>7}")


def _uses(wanted: str | None, root: Path) -> list[str]:
    if not wanted:
        return []
    if wanted == _MINE:
        return [use for use, _ in use_ids(root)]
    if not re.fullmatch("[0-9a-f]{32}", wanted):
        raise ConfigError(f"feedback.forget={wanted} must be 32 hex digits, as task=feedback lists them, or {_MINE}")
    return [wanted]


def _import(store: Store, path: Path, folder: Path) -> str:
    """The line that says what was refused."""
    added, faults = import_file(store, path)
    say(
        f"{path}: {many(added.new, 'new event')}, {added.again} there before, {added.forgotten} of who asked to be forgotten"
    )
    if not faults:
        return ""
    whole, there = folder / "refused.txt", added.new + added.again
    write_atomic(whole, "\n".join([*faults, ""]).encode("utf-8", "backslashreplace"), mode=0o600)
    for fault in faults[:_MOST_SHOWN]:
        say(fault)
    return f"{path}: {many(len(faults), 'line')} refused, each with its reason in {whole}; {others_are(there)}"


def _show(store: Store) -> None:
    counts, uses = store.counts(), store.uses()
    say(f"{store.path}: {many(sum(row[2] for row in counts), 'event')} of {many(len(uses), 'use id')}")
    for model, action, count, first, last in counts:
        say(f"  {model:<20} {action:<9} {count:>7}  {_day(first)} to {_day(last)}")
    for use, count, first, last in uses[:_MOST_SHOWN]:
        say(f"  use {use} {count:>7}  {_day(first)} to {_day(last)}")
    if len(uses) > _MOST_SHOWN:
        say(f"  and {many(len(uses) - _MOST_SHOWN, 'more use id')}")


def _day(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"
