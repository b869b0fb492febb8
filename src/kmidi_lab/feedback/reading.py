"""Lines of feedback, read strictly: an event is wholly right or it is refused in one line that says why."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kmidi_lab.errors import DataError, one_of, reason, show
from kmidi_lab.feedback.event import ACTIONS, FIELDS, FORMAT, LONGEST_LINE, Event, to_line

MOST_NUMBERS, _MOST_CHOICES = 4096, 32
_LARGEST = 1e9
_FIRST_TIME, LAST_TIME = 1_577_836_800, 4_102_444_800
"""2020 to 2100."""
_NEEDED = ("event", "time", "use", "model", "action")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORD = re.compile(r"[A-Za-z0-9_#+./-]{1,64}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class EventError(DataError):
    """A line that is no event of this format."""


def parse(line: bytes) -> Event:
    """The event of a line, with or without its end.

    Raises:
        EventError: not UTF-8 or JSON, a key twice, one that no field has, a value out of its range …
    """
    if len(line) > LONGEST_LINE:
        raise EventError(f"the line has more than {LONGEST_LINE} bytes")
    try:
        held = json.loads(line.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise EventError(str(error) if isinstance(error, _FaultError) else "not a line of JSON") from None
    return from_json(held)


def from_json(held: Any) -> Event:
    """The event of a JSON object. Raises EventError, as `parse`."""
    if not isinstance(held, dict):
        raise EventError("not a JSON object")
    if held.get("format") != FORMAT:
        raise EventError(f"format is {show(held.get('format'))}, not {FORMAT!r}")
    values = {key: value for key, value in held.items() if key != "format" and value is not None}
    for key in values:
        if key not in FIELDS:
            raise EventError(one_of("key", key[:64], FIELDS))
    for key in _NEEDED:
        if key not in values:
            raise EventError(f"{key} is missing")
    for key, value in values.items():
        wanted, fits = _CHECKS[key]
        if not fits(value):
            raise EventError(f"{key} is {show(value)}; it must be {wanted}")
    event = Event(**values)
    _check_together(event)
    if len(to_line(event)) > LONGEST_LINE:
        raise EventError(f"written out it has more than {LONGEST_LINE} bytes")
    return event


def read_lines(path: Path, refuse: Callable[[int, str], None]) -> Iterator[Event]:
    """The events of a file; an empty line is none.

    Args:
        path: JSON lines.
        refuse: is given the number of a line, from 1, and why it is no event; the others are read all the same.

    Raises:
        DataError: the file can't be read.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                whole = line.endswith(b"\n")
                while not whole and (rest := file.readline(LONGEST_LINE)):
                    whole = rest.endswith(b"\n")
                if line.strip():
                    try:
                        yield parse(line)
                    except EventError as error:
                        refuse(number, str(error))
    except OSError as error:
        raise DataError(f"{path}: can't be read ({reason(error)}); name a file of feedback") from error


def _check_together(event: Event) -> None:
    if event.action == "rated" and event.rating is None:
        raise EventError("rating is missing; action 'rated' needs it")
    if event.action == "labelled" and (event.label is None or event.item is None):
        raise EventError("label or item is missing; action 'labelled' needs both")
    if event.action == "changed" and event.changed_to is None and event.label is None:
        raise EventError("changed_to and label are missing; action 'changed' needs one")


class _FaultError(ValueError):
    """Of JSON that Python would take."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) < len(pairs):
        raise _FaultError("a key stands twice")
    return held


def _no_constant(text: str) -> float:
    raise _FaultError(f"{text} is no number of JSON")


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _LARGEST and math.isfinite(value)


def _are_numbers(value: Any) -> bool:
    if isinstance(value, dict):
        return 0 < len(value) <= MOST_NUMBERS and all(_KEY.fullmatch(k) and _is_number(v) for k, v in value.items())
    return isinstance(value, list) and 0 < len(value) <= MOST_NUMBERS and all(map(_is_number, value))


def _are_choices(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= _MOST_CHOICES
        and all(_KEY.fullmatch(k) and isinstance(v, str) and _WORD.fullmatch(v) for k, v in value.items())
    )


_ID = ("32 hex digits", _matches(re.compile("[0-9a-f]{32}")))
_HASH = ("64 hex digits", _matches(re.compile("[0-9a-f]{64}")))
_NUMBERS = (f"1 to {MOST_NUMBERS} finite numbers of at most {_LARGEST:g}, or an object of them by name", _are_numbers)
_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "event": _ID,
    "use": _ID,
    "group": _ID,
    "artefact": _HASH,
    "item": _HASH,
    "time": ("whole seconds since 1970, of 2020 to 2099", _whole(_FIRST_TIME, LAST_TIME)),
    "model": ("a name of a-z, 0-9 and _ of at most 40", _matches(_NAME)),
    "action": (f"one of {', '.join(ACTIONS)}", lambda value: value in ACTIONS),
    "rating": ("1 to 5", _whole(1, 5)),
    "label": ("one word of at most 64 characters", _matches(_WORD)),
    "input": _NUMBERS,
    "output": _NUMBERS,
    "changed_to": _NUMBERS,
    "choices": (f"an object of at most {_MOST_CHOICES} words by name", _are_choices),
}
