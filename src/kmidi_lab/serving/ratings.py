"""Which of two songs a person liked better, as events of the store; and those that the page kept in `ratings.jsonl` before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.errors import one_line, reason
from kmidi_lab.feedback.event import FORMAT, Event, new_id
from kmidi_lab.feedback.reading import EventError, from_json
from kmidi_lab.feedback.store import Store
from kmidi_lab.feedback.use_ids import use_id
from kmidi_lab.files import write_atomic

OLD, REFUSED = "ratings.jsonl", "ratings_refused.jsonl"
_PAGE = "page"
_ACTIONS = {"first": ("accepted", "rejected"), "second": ("rejected", "accepted"), "same": ("accepted", "accepted")}


def rated_song(trace: Mapping[str, Any]) -> dict[str, Any]:
    """What a rating tells of a song, from what made it: no word of its maker."""
    told = {key: trace[key] for key in ("seed", "mood", "key", "tempo", "style", "models")}
    told["mood"] = {k: v for k, v in told["mood"].items() if k != "words"}
    told["models"] = {m["model"]: m["sha256"] for m in told["models"]}
    return told


def compared(
    songs: Sequence[Mapping[str, Any]], better: str, use: str, at: int | None = None, ids: Sequence[str] = ()
) -> list[Event]:
    """Two events of one group: the better song is accepted, the other rejected; of the same, both are accepted.

    Args:
        songs: two, each with `seed`, `tempo`, `mood` (numbers and words), `key`, `style`, and `models`, their hashes by
            name.
        better: `first`, `second` or `same`.
        use: the id of the rater.
        at: seconds since 1970; None is now.
        ids: of the group and its two events; none are random ones.

    Raises:
        EventError: a song holds what an event can't.
    """
    at = int(time.time()) if at is None else at
    group, *events = ids or [new_id() for _ in range(3)]
    try:
        both = zip(songs, _ACTIONS[better], events, strict=True)
        return [_event(song, action, use, at, group, event) for song, action, event in both]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EventError(f"no rating of the page: {reason(error)}") from None


def _event(song: Mapping[str, Any], action: str, use: str, at: int, group: str, event: str) -> Event:
    mood = song["mood"] or {}
    numbers = {"tempo": song["tempo"]}
    numbers |= {f"mood_{name}": value for name, value in mood.items() if isinstance(value, int | float)}
    words = {"seed": song["seed"], "key": song["key"], "style": song["style"]} | {
        f"model_{m}": h for m, h in song["models"].items()
    }
    words |= {f"mood_{name}": value for name, value in mood.items() if isinstance(value, str)}
    choices = {name: str(word).replace(" ", "_") for name, word in words.items() if word is not None}
    held = {"format": FORMAT, "event": event, "time": at, "use": use, "model": _PAGE, "action": action}
    return from_json(held | {"group": group, "input": numbers, "choices": choices})


def take_in_old(folder: Path, store: Store) -> None:
    """Stores what `ratings.jsonl` holds, once, and removes it; a line that is no rating goes to `ratings_refused.jsonl`.

    Raises:
        DataError, FileError: a file can't be used; it is as it was.
    """
    path = folder / OLD
    if not path.is_file():
        return
    refused = []
    for number, line in enumerate(path.read_bytes().splitlines()):
        # The same ids again, should the machine stop before the file is removed.
        ids = [sha256(f"{store.salt} {number} {part} ".encode() + line).hexdigest()[:32] for part in range(3)]
        try:
            held = orjson.loads(line)
            events = compared(held["songs"], held["better"], use_id(folder), held["time"], ids)
        except (ValueError, KeyError, TypeError, EventError) as error:
            refused.append(orjson.dumps({"why": one_line(reason(error)), "line": line.decode("utf-8", "replace")}))
            continue
        if not store.has(events[0].event):
            store.add(events)
    if refused:
        write_atomic(folder / REFUSED, b"\n".join([*refused, b""]))
    path.unlink()
