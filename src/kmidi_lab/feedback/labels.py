"""Labels that people gave: one of each rater for each item, from a page or a filled-in queue.csv; and how far raters agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import ConfigError
from kmidi_lab.feedback.event import FORMAT, Event
from kmidi_lab.feedback.reading import EventError, from_json
from kmidi_lab.feedback.store import Store

Rows = Sequence[tuple[int, Mapping[str, str]]]
"""Line and values of each row of a queue."""


class Labels:
    """The labels of a model that a store holds. A rater's last label for an item replaces the one before.

    Args:
        store: of the events.
        model: whose labels they are.
    """

    def __init__(self, store: Store, model: str) -> None:
        self._store, self._model, self._salt = store, model, store.salt
        self._events: dict[tuple[str, str], Event] = {}
        for event in store.events(model):
            if event.action == "labelled" and event.item:
                self._events[event.use, event.item] = event

    def rater(self, name: str) -> str:
        """The use id that stands for a rater's name, which is not kept; an empty one is `me`."""
        return _id(self._salt, "rater", name.strip() or "me")

    def put(self, use: str, item: str, label: str, now: int, **more: Any) -> bool:
        """Stores a label; returns, when it is on the disk, whether it says something new.

        Args:
            use: of the rater.
            item: SHA-256 of the material.
            label: a word.
            now: seconds since 1970, UTC.
            more: further fields of the event.

        Raises:
            EventError: no event can hold it, or the rater's events were deleted, so that none is taken again.
        """
        before = self._events.get((use, item))
        if before and before.label == label and (before.input is not None or "input" not in more):
            return False
        held = {"use": use, "model": self._model, "action": "labelled", "item": item, "label": label} | more
        identity = _id(self._salt, use, self._model, item, label)
        event = from_json({"format": FORMAT, "event": identity, "time": now} | held)
        added = self._store.add([event], [before.event] if before else [])
        if added.forgotten:
            raise EventError("this rater's events were deleted, and none is taken again; choose another name")
        self._events[use, item] = event
        return True

    def take_back(self, use: str, item: str) -> bool:
        """Removes a rater's label for an item; whether there was one."""
        event = self._events.get((use, item))
        if event is None:
            return False
        self._store.add([], [event.event])
        del self._events[use, item]
        return True

    def of(self, use: str) -> dict[str, str]:
        """Label by item of a rater."""
        return {item: event.label or "" for (rater, item), event in self._events.items() if rater == use}

    def items(self) -> set[str]:
        """What somebody has labelled."""
        return {item for _, item in self._events}

    def inputs(self, size: int) -> NDArray[np.float64]:
        """`[L, size]`, what the model was given of each labelled item whose label came with it."""
        of = {item: event.input for (_, item), event in self._events.items() if isinstance(event.input, Sequence)}
        return np.array([x for x in of.values() if len(x) == size], float).reshape(-1, size)

    def counts(self) -> dict[str, int]:
        """How many labels there are, and of how many items."""
        return {"labels": len(self._events), "items": len(self.items())}

    def agreement(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """For each two raters with items in common: their use ids, and the pairs of their labels."""
        of = {use: self.of(use) for use in sorted({use for use, _ in self._events})}
        common = [(a, b, sorted(of[a].keys() & of[b].keys())) for a, b in combinations(of, 2)]
        return [(a, b, [(of[a][item], of[b][item]) for item in items]) for a, b, items in common if items]


def take_in(
    path: Path, rows: Rows, labels: Labels, check: Callable[[str], str], now: int, more: Mapping[str, Mapping[str, Any]]
) -> tuple[int, int, list[str]]:
    """Stores the labels of a file: how many are new, how many were there, a line for each that is wrong.

    Args:
        path: of the file.
        rows: those that have a label.
        labels: where they go.
        check: gives a label as it is stored; raises ConfigError for what is none.
        now: seconds since 1970, UTC.
        more: further fields of the events, by item.

    Raises:
        DataError: the store can't be used; the rows before are stored.
    """
    new = there = 0
    faults = []
    several = any(row["rater"] for _, row in rows)
    for number, row in rows:
        try:
            if several and not row["rater"]:
                raise EventError("no rater, though other rows name one; fill in `rater`")
            fields = more.get(row["item"], {})
            if labels.put(labels.rater(row["rater"]), row["item"], check(row["label"]), now, **fields):
                new += 1
            else:
                there += 1
        except (ConfigError, EventError) as error:
            faults.append(f"{path}:{number}: {error}")
    return new, there, faults


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Agreement of pairs of labels beyond chance (Cohen, 1960), 1 where both always gave the same one."""
    same = sum(a == b for a, b in pairs) / len(pairs)
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    chance = sum(left.count(label) * right.count(label) for label in set(left)) / len(pairs) ** 2
    return 1.0 if chance == 1 else (same - chance) / (1 - chance)


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
