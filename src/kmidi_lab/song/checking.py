"""From plain values, such as a JSON file holds them, to a `SongIntent` and back; each fault is a line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kmidi_lab.chords.chord import MODES
from kmidi_lab.errors import one_line, show
from kmidi_lab.song.fields import CHECKS, WrongError, declined, text_faults, text_of
from kmidi_lab.song.intent import BLOCKS, FIELDS, SCHEMA_VERSION, IntentError, SongIntent, key_mode, named_mode

DEEPEST = 16
"""Levels of lists and objects within each other."""
BLOCK_NAMES = {
    "root": ("song_root",),
    "intent": ("song_intent",),
    "constraints": ("technical_constraints", "song_technical_constraints"),
    "directive": ("system_directive",),
}
_OWN = ("title", "created", "declined", "schema_version")


def from_plain(value: Any, source: str = "") -> SongIntent:
    """A song intent from plain values.

    Args:
        value: what a JSON file of one intent holds.
        source: its name, for the message.

    Raises:
        IntentError: anything in it is not allowed.
    """
    intent, faults = _read(value)
    if faults:
        raise IntentError(tuple(faults), source)
    return intent


def faults(value: Any) -> tuple[str, ...]:
    """What is wrong with a `SongIntent`, or with plain values of one: a line each, none where all is well."""
    return tuple(_read(to_plain(value) if isinstance(value, SongIntent) else value)[1])


def to_plain(song: SongIntent) -> dict[str, Any]:
    """As a JSON file holds it. Unknown texts are empty, as KmiDi's program writes them; what it has defaults for is left out."""
    out: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "title": song.title, "created": song.created}
    for block in BLOCKS:
        name = song.constraints_key if block == "constraints" else BLOCK_NAMES[block][0]
        part = getattr(song, block)
        values = {field: getattr(part, field) for field, own in FIELDS.items() if own == block}
        if not values.get("vulnerability_scale", True):
            del values["vulnerability_scale"]
        out[name] = {field: _plain(value) for field, value in values.items() if value is not None} | dict(part.extra)
    if song.declined:
        out["declined"] = list(song.declined)
    return out | dict(song.extra)


def checked(field: str, value: Any) -> Any:
    """A field's value as it is kept: names as the schema writes them.

    Raises:
        IntentError: it is not allowed.
        KeyError: no such field.
    """
    try:
        return CHECKS[field](value)
    except WrongError as wrong:
        raise IntentError((f"{field} {wrong}",)) from None


def _plain(value: Any) -> Any:
    """Tempos as a list, whole ones as such: a file that says 95 says 95 again."""
    if isinstance(value, tuple):
        return [int(tempo) if tempo.is_integer() else tempo for tempo in value]
    return value


def _read(value: Any) -> tuple[SongIntent, list[str]]:
    if not isinstance(value, Mapping):
        return SongIntent(), [f"a song intent is an object with song_root, song_intent, …, not {show(value)}"]
    wrong = list(_version(value))
    parts: dict[str, Any] = {}
    for block, kind in BLOCKS.items():
        present = [name for name in BLOCK_NAMES[block] if name in value]
        if len(present) > 1:
            wrong.append(f"{' and '.join(present)} are two names of one block; keep one")
        if not present:
            continue
        if block == "constraints":
            parts["constraints_key"] = present[0]
        parts[block], more = _block(block, kind, value[present[0]], present[0])
        wrong += more
    for name in ("title", "created"):
        parts[name] = _take(text_of, value.get(name), name, wrong, "")
    parts["declined"] = _take(declined, value.get("declined"), "declined", wrong, ())
    field_names = {*_OWN, *(name for names in BLOCK_NAMES.values() for name in names)}
    extra = {name: part for name, part in value.items() if name not in field_names}
    song = SongIntent(**parts, extra=extra)
    wrong += _loose(extra)
    return song, wrong or list(_together(song))


def _block(block: str, kind: type, value: Any, name: str) -> tuple[Any, list[str]]:
    if value is None:
        return kind(), []
    if not isinstance(value, Mapping):
        return kind(), [f"{name} must be an object, not {show(value)}"]
    wrong: list[str] = []
    own = {field: part for field, part in value.items() if FIELDS.get(field) == block}
    values = {field: _take(CHECKS[field], part, f"{name}.{field}", wrong, None) for field, part in own.items()}
    values = {field: part for field, part in values.items() if part is not None}
    extra = {field: part for field, part in value.items() if field not in own}
    return kind(**values, extra=extra), [*wrong, *_loose(extra, name)]


def _take(check: Callable[[Any], Any], value: Any, name: str, wrong: list[str], default: Any) -> Any:
    if value is None:
        return default
    try:
        return check(value)
    except WrongError as error:
        wrong.append(f"{name} {error}")
        return default


def _together(song: SongIntent) -> Iterable[str]:
    """Faults of fields that don't go together."""
    constraints = song.constraints
    by_key, by_mode = key_mode(constraints.technical_key), named_mode(constraints.technical_mode)
    if by_key and by_mode and MODES[by_key] != MODES[by_mode]:
        yield (
            f"technical_key {show(constraints.technical_key)} and technical_mode {show(constraints.technical_mode)} "
            "disagree; change one, or write the key as its tonic alone"
        )


def _version(value: Mapping[Any, Any]) -> Iterable[str]:
    version = value.get("schema_version", SCHEMA_VERSION)
    if not isinstance(version, str | int | float) or str(version).split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        yield f"schema_version {show(version)} is not known; this kmidi_lab reads {SCHEMA_VERSION.split('.')[0]}.x"


def _loose(value: Any, place: str = "", depth: int = 0) -> Iterable[str]:
    """Faults of what the schema does not name and a file keeps all the same."""
    where = one_line(place, 80) or "the whole"
    if depth > DEEPEST:
        yield f"{where} lies deeper than {DEEPEST} levels; make it flatter"
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if not isinstance(key, str) or any(text_faults(key)):
                yield f"{where} has the key {show(key)}; keys are texts without control characters"
            else:
                yield from _loose(part, f"{place}.{key}" if place else key, depth + 1)
    elif isinstance(value, list | tuple):
        for at, part in enumerate(value):
            yield from _loose(part, f"{place}[{at}]", depth + 1)
    elif isinstance(value, str):
        yield from (f"{where} {fault}" for fault in text_faults(value))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where} is {value}; write a finite number"
    elif not isinstance(value, bool | int | float | None):
        yield f"{where} is {show(value)}; write texts, numbers, lists and objects"
