"""Labels that people gave, from the CSV file that `task=queue` wrote: `item`, `label`, `rater`; and how far raters agree."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from kmidi_lab.errors import DataError, one_of, reason
from kmidi_lab.feedback.event import FORMAT, Event
from kmidi_lab.feedback.reading import EventError, from_json

NEEDED = ("item", "label", "rater")
MOST_BYTES = 64 * 2**20


def read_labels(path: Path, model: str, allowed: Sequence[str], salt: str, now: int) -> tuple[list[Event], list[str]]:
    """Events of the rows with a label, and a line for each row that is wrong. An empty rater is `me`.

    Args:
        path: CSV with a header.
        model: whose labels they are.
        allowed: labels.
        salt: a secret of the store, which ids are made of, so that the same row is the same event.
        now: seconds since 1970, UTC.

    Raises:
        DataError: the file can't be read, or lacks a column.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: more than {MOST_BYTES // 2**20} MB; divide it")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"label.file={path}: can't be read ({reason(error)}); name the queue.csv you filled in"
        ) from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    lacking = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if lacking:
        raise DataError(f"{path}: no column {', '.join(lacking)}; fill in the queue.csv that task=queue wrote")
    events, faults = [], []
    try:
        for row in rows:
            label, rater = (row["label"] or "").strip(), (row["rater"] or "").strip() or "me"
            if not label:
                continue
            try:
                if label not in allowed:
                    raise EventError(one_of("label", label[:64], allowed))
                use = _id(salt, "rater", rater)
                held = {"use": use, "model": model, "action": "labelled", "item": row["item"], "label": label}
                identity = _id(salt, use, model, row["item"] or "", label)
                events.append(from_json({"format": FORMAT, "event": identity, "time": now} | held))
            except EventError as error:
                faults.append(f"{path}:{rows.line_num}: {error}")
    except csv.Error as error:
        raise DataError(f"{path}:{rows.line_num}: no CSV ({error})") from error
    return events, faults


def agreement(events: Sequence[Event]) -> list[tuple[str, str, int, float]]:
    """For each two raters with items in common: their use ids, how many items, and Cohen's kappa, 1 for full agreement."""
    of_use: dict[str, dict[str, str]] = defaultdict(dict)
    for event in events:
        if event.item and event.label:
            of_use[event.use][event.item] = event.label
    out = []
    for a, b in combinations(sorted(of_use), 2):
        both = sorted(of_use[a].keys() & of_use[b].keys())
        if both:
            pairs = [(of_use[a][item], of_use[b][item]) for item in both]
            out.append((a, b, len(both), kappa(pairs)))
    return out


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Agreement of pairs of labels beyond chance (Cohen, 1960), 1 where both always gave the same one."""
    same = sum(a == b for a, b in pairs) / len(pairs)
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    chance = sum(left.count(label) * right.count(label) for label in set(left)) / len(pairs) ** 2
    return 1.0 if chance == 1 else (same - chance) / (1 - chance)


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
