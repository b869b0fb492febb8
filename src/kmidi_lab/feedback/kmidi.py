"""Feedback from KmiDi's own files: the `MidiGenerationEvent`s of its user preferences (`~/.kelly/user_preferences.json`).

A file holds one profile, several by user, a list of events, or an event a line. What a user wrote (`intent_text`) is
never read, and no fault repeats what an event holds. An event that nobody accepted, rejected or changed is no feedback.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from kmidi_lab.errors import DataError
from kmidi_lab.feedback.event import FORMAT, Event
from kmidi_lab.feedback.reading import EventError, from_json

MOST_BYTES = 64 * 2**20
_MODEL = "kmidi"
_EVENTS = "midi_generations"
_NAME = re.compile("[A-Za-z0-9_-]{1,64}")
_WORD = re.compile("[A-Za-z]{1,64}")


def read_kmidi(data: bytes, salt: str, refuse: Callable[[int, str], None]) -> Iterator[Event]:
    """Events with feedback in a file of KmiDi; the same file gives the same ids again.

    Args:
        data: of the file.
        salt: a secret of the store, which ids are made of.
        refuse: is given the number of an event, from 1, and what is wrong with it.

    Raises:
        DataError: the file is none of KmiDi's.
    """
    for number, (user, held) in enumerate(_all(data), start=1):
        try:
            event = _event(user, _snake(held), salt)
        except (EventError, AttributeError, TypeError, ValueError, KeyError):
            refuse(number, f"generation {_name(held)} is no MidiGenerationEvent with numbers as parameters and a time")
            continue
        if event is not None:
            yield event


def _all(data: bytes) -> list[tuple[str, Any]]:
    """(user, event) of each."""
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            whole = [orjson.loads(line) for line in data.splitlines() if line.strip()]
        except orjson.JSONDecodeError:
            raise DataError(
                "neither feedback nor a file of KmiDi: it is no JSON; name a file of task=feedback feedback.export, or "
                "KmiDi's user_preferences.json"
            ) from None
    if isinstance(whole, list):
        return [("default", event) for event in whole]
    if isinstance(whole, dict) and "generation_id" in _snake(whole):
        return [("default", whole)]
    profiles = [whole] if isinstance(whole, dict) and _EVENTS in _snake(whole) else _values(whole)
    profiles = [_snake(profile) for profile in profiles if isinstance(profile, dict)]
    profiles = [profile for profile in profiles if isinstance(profile.get(_EVENTS), list)]
    if not profiles:
        raise DataError(
            f"neither feedback nor a file of KmiDi: no line has format {FORMAT!r}, and no {_EVENTS} is there"
        )
    return [(str(profile.get("user_id", "default")), event) for profile in profiles for event in profile[_EVENTS]]


def _values(whole: Any) -> list[Any]:
    return list(whole.values()) if isinstance(whole, dict) else []


def _event(user: str, held: Mapping[str, Any], salt: str) -> Event | None:
    changes = [_snake(change) for change in held.get("modifications") or []]
    accepted = held.get("accepted")
    if accepted is None and not changes:
        return None
    if accepted not in (True, False, None):
        raise EventError("accepted must be true, false or null")
    action = "changed" if changes else "accepted" if accepted else "rejected"
    identity = (held["generation_id"], held["timestamp"], action, len(changes))
    breaks = {f"rule_break_{n}": rule for n, rule in enumerate(held.get("rule_breaks") or [], start=1)}
    # Several words may be a sentence of the user's.
    emotion = held.get("emotion")
    choices = breaks | ({"emotion": emotion} if isinstance(emotion, str) and _WORD.fullmatch(emotion) else {})
    return from_json(
        {
            "format": FORMAT,
            "event": _id(salt, user, *identity),
            "use": _id(salt, user),
            "model": _MODEL,
            "action": action,
            "time": int(datetime.fromisoformat(held["timestamp"]).timestamp()),
            "input": held["parameters"] or None,
            "changed_to": {c["parameter_name"]: c["new_value"] for c in changes} or None,
            "choices": choices,
        }
    )


def _name(held: Any) -> str:
    """The id of a generation, or a mark where it has none that is surely no text."""
    name = _snake(held).get("generation_id") if isinstance(held, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "?"


def _id(salt: str, *parts: object) -> str:
    return hashlib.sha256(orjson.dumps([salt, *map(str, parts)])).hexdigest()[:32]


def _snake(held: Mapping[str, Any]) -> dict[str, Any]:
    """KmiDi's C++ side names the same fields in camel case."""
    return {re.sub("(?<=[a-z])([A-Z])", r"_\1", key).lower(): value for key, value in held.items()}
