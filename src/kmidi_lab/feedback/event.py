"""One feedback event, version 1: what a model was given, what it said and what the user did with it.

There is no place in it for sound, free text or a file name: numbers, hashes and single words are all it can hold.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

FORMAT = "kmidi-feedback-1"
ACTIONS = ("accepted", "changed", "rejected", "rated", "labelled")
LONGEST_LINE = 65_536
"""Bytes of a line, its end included."""
Numbers = Sequence[float] | Mapping[str, float]
"""A vector in the order of the model's contract, or some features by name."""


def new_id() -> str:
    """Thirty-two random hex digits, for an event or a use."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Event:
    """What a line holds; `reading.parse` checks every range.

    Args:
        use: 32 hex digits that stand for a user for a month at most (use_ids.py).
        model: the model's name, or of a page or program that asked several.
        action: one of `ACTIONS`. `changed` needs `changed_to` or `label`, `rated` a `rating`, `labelled` a `label`.
        event: 32 hex digits, unlike any other event's.
        time: seconds since 1970, UTC.
        artefact: SHA-256 of the file that answered.
        input: what the model was given.
        output: what it said.
        changed_to: what the user made of the output.
        label: the word that the user gave instead, or for unlabelled material.
        rating: 1, worst, to 5.
        item: SHA-256 of labelled material.
        group: 32 hex digits that events of one comparison share.
        choices: settings that are words, such as a style.
    """

    use: str
    model: str
    action: str
    event: str = field(default_factory=new_id)
    time: int = field(default_factory=lambda: int(time.time()))
    artefact: str | None = None
    input: Numbers | None = None
    output: Numbers | None = None
    changed_to: Numbers | None = None
    label: str | None = None
    rating: int | None = None
    item: str | None = None
    group: str | None = None
    choices: Mapping[str, str] = field(default_factory=dict)


FIELDS = tuple(f.name for f in fields(Event))


def to_line(event: Event) -> bytes:
    """The event as a line of a file, keys in the order of the fields, without those that say nothing."""
    held: dict[str, Any] = {"format": FORMAT}
    held |= {name: value for name in FIELDS if (value := getattr(event, name)) not in (None, {})}
    return orjson.dumps(held) + b"\n"
