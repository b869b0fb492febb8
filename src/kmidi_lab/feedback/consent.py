"""What a user allows to leave their machine: nothing, until they say otherwise; kept with the date of saying so."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.errors import DataError, one_of, show
from kmidi_lab.feedback.event import Event
from kmidi_lab.feedback.reading import EventError
from kmidi_lab.files import write_atomic
from kmidi_lab.overrides import quoted

FILE = "consent.json"
FORMAT = "kmidi-consent-1"
SCOPES = ("none", "actions", "all")
"""`actions`: model, artefact, action, rating. `all`: what was given, said and made of it, too."""


@dataclass(frozen=True)
class Consent:
    """A scope and when it was given, UTC, as 2026-11-29 or 2026-11-29T10:00:00Z."""

    scope: str = "none"
    date: str = "1970-01-01"

    @property
    def since(self) -> int:
        """That moment, or when that day began, in seconds since 1970."""
        return int(datetime.fromisoformat(self.date[:19]).replace(tzinfo=UTC).timestamp())

    def allowed(self, event: Event) -> Event | None:
        """What may leave of an event; nothing of one from before the consent."""
        if self.scope == "none" or event.time < self.since:
            return None
        if self.scope == "all":
            return event
        bare = replace(event, input=None, output=None, changed_to=None, label=None, choices={}, group=None, item=None)
        # A correction without what it was corrected to says that it was rejected.
        return (
            replace(bare, action="rejected")
            if bare.action == "changed"
            else bare
            if bare.action != "labelled"
            else None
        )

    def check(self, event: Event) -> None:
        """Raises EventError: the event holds more than the consent covers."""
        if self.allowed(event) != event:
            raise EventError(f"event {event.event} is not covered by consent {self.scope!r} of {self.date}")


def read_consent(folder: Path) -> Consent:
    """What is kept in a folder; nothing is `none`. Raises DataError: the file is broken."""
    path = folder / FILE
    if not path.is_file():
        return Consent()
    try:
        return from_json(orjson.loads(path.read_bytes()))
    except (ValueError, OSError, EventError) as error:
        raise DataError(
            f"{path}: no consent record ({error}); type task=feedback feedback.consent=none "
            f"paths.output_root={quoted(path.parent)}"
        ) from error


def keep_consent(folder: Path, scope: str) -> Consent:
    """Keeps a scope from now on; one that stands already keeps its date. Raises DataError: no such scope."""
    if scope not in SCOPES:
        raise DataError(one_of("feedback.consent", scope, SCOPES))
    try:
        consent = read_consent(folder)
    except DataError:  # a broken record is no consent, and is replaced
        consent = Consent()
    if consent.scope != scope:
        consent = Consent(scope, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    write_atomic(folder / FILE, to_line(consent), mode=0o600)
    return consent


def to_line(consent: Consent) -> bytes:
    """The record as a line, as it stands before events that are sent."""
    return orjson.dumps({"format": FORMAT} | asdict(consent)) + b"\n"


def from_json(held: Any) -> Consent:
    """A record of a JSON object. Raises EventError: it is none."""
    if not isinstance(held, dict) or set(held) != {"format", "scope", "date"} or held["format"] != FORMAT:
        raise EventError(f"no consent record: {show(held)}")
    if held["scope"] not in SCOPES:
        raise EventError(one_of("scope", held["scope"], SCOPES))
    if not isinstance(held["date"], str) or not re.fullmatch(
        r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", held["date"], re.ASCII
    ):
        raise EventError(f"date is {show(held['date'])}; it must be as 2026-11-29")
    try:
        datetime.fromisoformat(held["date"])
    except ValueError:
        raise EventError(f"date is {show(held['date'])}, which is no moment") from None
    return Consent(held["scope"], held["date"])
