"""What each setting of a request may be."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from types import NoneType

from kmidi_lab.audio.style import Style
from kmidi_lab.errors import ConfigError, show
from kmidi_lab.song import SongIntent

_TEXT: tuple[type, ...] = (str, NoneType)
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("text", "example", "key", "sections", "style", "metre"), (_TEXT, "a text")),
    "emotion": (_TEXT, "a text, such as joyful or -0.5,0.2"),
    "intent": ((str, Path, NoneType), "the name of a file"),
    "audio": ((str, Path, Style, NoneType), "the name of a recording or a style file"),
    "chords": ((str, list, tuple, NoneType), "a text, or a list of texts, such as Am F C G"),
    "out": ((str, Path, NoneType), "the name of a file"),
    **dict.fromkeys(("sound", "ask"), ((bool,), "true or false")),
    "song": ((SongIntent, NoneType), "a SongIntent, as read_intent gives it"),
}
"""What each setting may be, and how that is said."""


def check_kinds(**values: object) -> None:
    """Raises ConfigError: a value of another kind."""
    for name, value in values.items():
        kinds, told = _KINDS[name]
        texts = all(isinstance(part, str) for part in value) if isinstance(value, list | tuple) else True
        if not (isinstance(value, kinds) and texts):
            raise ConfigError(f"compose.{name}={show(value)} must be {told}")


def check_number(name: str, value: object, kind: type, least: int, most: int) -> None:
    """Raises ConfigError: a number of another kind or out of range. None is none."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:  # type: ignore[operator]
        number = "a whole number" if kind is Integral else "a number"
        shown = show(value) if isinstance(value, str) else str(value)[:40]
        raise ConfigError(f"compose.{name}={shown} must be {number} from {least} to {most}, or left out")
