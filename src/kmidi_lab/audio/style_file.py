"""The style file of `task=predict model=feel`, read strictly: it may have been edited, or be from somebody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.audio.style import KEY, SIGNED, VERSION, Style
from kmidi_lab.errors import ConfigError, one_line, one_of, reason, show

MOST_BYTES = 256 * 1024
"""Fifteen minutes at 400 beats a minute are a third of it."""
SLOWEST, FASTEST = 30.0, 300.0
"""Quarter notes a minute, as for a tempo that is typed."""
_MOST_BEATS, _LATEST_S = 10_000, 3600.0
_LONGEST_TEXT = 400
_MARK = b"\xef\xbb\xbf"
_TAKEN = "name the style.json of task=predict model=feel, or a recording"


def is_style_file(path: Path) -> bool:
    """Whether a file is JSON, by how it begins, whatever its name: no recording does so."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return begins_as_style(file.read(64))
    except OSError:
        return False


def begins_as_style(data: bytes) -> bool:
    """The same of what was read."""
    return data.removeprefix(_MARK).lstrip().startswith(b"{")


def read_style_file(path: Path) -> Style:
    """As `read_style`, of a file."""
    try:
        with path.open("rb") as file:
            return read_style(file.read(MOST_BYTES + 1), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({reason(error)}); {_TAKEN}") from None


def read_style(data: bytes, name: str) -> Style:
    """A style from the bytes of its file.

    Args:
        data: the file's.
        name: its name, for the message.

    Raises:
        ConfigError: too large, no JSON, another kind or version, or a value that is missing, unknown or out of range.
    """
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{name}: more than {MOST_BYTES >> 10} KiB, which no style has; {_TAKEN}")
    try:
        held = orjson.loads(data.removeprefix(_MARK))
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{name}: is not JSON ({reason(error)}); {_TAKEN}") from None
    return style_from(held, name)


def style_from(held: Any, name: str) -> Style:
    """The same from plain values. Raises ConfigError: as `read_style`."""
    if not isinstance(held, Mapping) or KEY not in held:
        raise ConfigError(f"{name}: is no style, which has {KEY}; {_TAKEN}")
    if type(held[KEY]) is not int or held[KEY] != VERSION:
        raise ConfigError(f"{name}: {KEY} is {show(held[KEY])}, and {VERSION} is read; {_TAKEN}")
    own = {field.name: field for field in fields(Style)}
    values = {key: value for key, value in held.items() if key != KEY}
    if odd := next((key for key in values if key not in own), None):
        raise ConfigError(one_line(f"{name}: {one_of('a value', odd, own)}"))
    if lacking := next((key for key, f in own.items() if f.default is MISSING and key not in values), None):
        raise ConfigError(f"{name}: {lacking} is missing; {_TAKEN}")
    return Style(**{key: _checked(key, value, name) for key, value in values.items()})


def _checked(key: str, value: Any, name: str) -> Any:
    """The value of a field. Raises ConfigError: another kind, or out of range."""
    read, told = _KINDS.get(key, _share)
    good = read(value)
    if good is None:
        raise ConfigError(f"{name}: {key} is {show(value)}, and must be {told}")
    return good


def _number(low: float, high: float) -> Callable[[Any], float | None]:
    def read(value: Any) -> float | None:
        return float(value) if type(value) in (int, float) and low <= value <= high else None

    return read


def _metre(value: Any) -> int | None:
    return value if type(value) is int and value in (3, 4) else None


def _text(value: Any) -> str | None:
    if value is None:
        return ""
    return one_line(value, _LONGEST_TEXT) if isinstance(value, str) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _seconds(value: Any) -> tuple[float, ...] | None:
    if not isinstance(value, list) or len(value) > _MOST_BEATS:
        return None
    if not all(type(v) in (int, float) and 0 <= v <= _LATEST_S for v in value):
        return None
    return tuple(map(float, value)) if value == sorted(value) else None


_share = _number(0.0, 1.0), "a number from 0 to 1"
_BEATS = _seconds, f"a list of at most {_MOST_BEATS:,} rising numbers from 0 to {_LATEST_S:g}, in seconds"
_KINDS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "tempo": (_number(SLOWEST, FASTEST), f"a number from {SLOWEST:g} to {FASTEST:g}"),
    "metre": (_metre, "3 or 4"),
    **dict.fromkeys((*SIGNED, "triple"), (_number(-1.0, 1.0), "a number from -1 to 1")),
    "unsure": (_text, "a text, or null"),
    "by_rule": (_flag, "true or false"),
    "beats": _BEATS,
    "downbeats": _BEATS,
}
"""How a field is read, None for what it can't be, and how that is said; all others are shares."""
