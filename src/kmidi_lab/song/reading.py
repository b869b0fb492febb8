"""Song intents from files and to files: KmiDi's JSON and YAML, read within limits.

Nothing in a file can name a class, refer to another place of it or grow: YAML is read with JSON's types only, without
anchors, aliases and merges, and a key that stands twice is a fault.
"""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kmidi_lab.errors import first_line, one_line, one_of, reason, show
from kmidi_lab.files import write_atomic
from kmidi_lab.song.checking import BLOCK_NAMES, DEEPEST, from_plain, to_plain
from kmidi_lab.song.intent import IntentError, SongIntent

MAX_BYTES = 256 * 1024
MAX_EVENTS = 20_000
"""Keys, values and brackets of a YAML file."""
_EXAMPLES = "examples"
_BLOCKS = tuple(name for names in BLOCK_NAMES.values() for name in names)
_SUFFIXES = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}


def read_intent(source: Path | str | bytes, example: str | None = None) -> SongIntent:
    """A song intent from a file, or from the file's content.

    Args:
        source: a file that ends in .json, .yaml or .yml, as a Path; or its text or bytes, where text that begins with
            `{` is JSON and all other YAML.
        example: which one, of a file that holds several, as KmiDi's examples and its schema do.

    Raises:
        IntentError: missing, too large, not JSON or YAML, or with values that are not allowed.
    """
    name = str(source) if isinstance(source, Path) else ""
    try:
        value = _value(source)
    except _UnreadableError as error:
        raise IntentError((one_line(str(error)),), name) from None
    return from_plain(_chosen(value, example, name), name)


def write_intent(path: Path, song: SongIntent) -> None:
    """Writes a file that ends in .json, .yaml or .yml.

    Raises:
        IntentError: another ending, or an intent that is not allowed.
        FileError: the file can't be written.
    """
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise IntentError(("its name must end in .json, .yaml or .yml",), str(path))
    text = to_json(song) if kind == "json" else to_yaml(song)
    read_intent(text)
    write_atomic(path, text.encode())


def to_json(song: SongIntent) -> str:
    """As KmiDi's program writes it."""
    return json.dumps(to_plain(song), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_yaml(song: SongIntent) -> str:
    """The same as YAML, which a person edits more easily."""
    return yaml.safe_dump(to_plain(song), sort_keys=False, allow_unicode=True, width=120)


class _UnreadableError(ValueError):
    """No JSON or YAML of this kind; the text says why."""


def _chosen(value: Any, example: str | None, name: str) -> Any:
    if not isinstance(value, Mapping) or any(block in value for block in _BLOCKS):
        if example is not None:
            raise IntentError((f"holds one song intent, so there is no example {show(example)}; leave it out",), name)
        return value
    inside = value.get(_EXAMPLES, value)
    several = {
        key: part
        for key, part in (inside.items() if isinstance(inside, Mapping) else ())
        if isinstance(key, str) and isinstance(part, Mapping) and any(block in part for block in _BLOCKS)
    }
    if not several:
        raise IntentError((f"holds no song intent: none of {', '.join(_BLOCKS)} is there",), name)
    if example not in several:
        what = "holds several song intents; example"
        raise IntentError((one_of(what, example, [one_line(key, 80) for key in several]),), name)
    return several[example]


def _value(source: Path | str | bytes) -> Any:
    kind = None
    if isinstance(source, Path):
        kind = _SUFFIXES.get(source.suffix.lower())
        if kind is None:
            raise _UnreadableError("its name must end in .json, .yaml or .yml")
        source = _bytes(source)
    if len(source) > MAX_BYTES:
        raise _UnreadableError(f"has {len(source) >> 10} KiB; a song intent has {MAX_BYTES >> 10} at most")
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise _UnreadableError("is not UTF-8 text; save it as UTF-8") from None
    if not source.strip():
        raise _UnreadableError("is empty; write song_root, song_intent, …")
    is_json = kind == "json" if kind else source.lstrip()[0] == "{"
    return _json(source) if is_json else _yaml(source)


def _bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _UnreadableError("is not a file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except _UnreadableError:
        raise
    except (OSError, ValueError) as error:
        raise _UnreadableError(f"can't be read ({reason(error)})") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise _UnreadableError(f"lies deeper than {DEEPEST} levels; make it flatter") from None
    except json.JSONDecodeError as error:
        raise _UnreadableError(f"is not JSON ({error.msg} at line {error.lineno}, column {error.colno})") from None
    except _UnreadableError:
        raise
    except ValueError as error:
        raise _UnreadableError(f"is not JSON ({first_line(error)})") from None


def _no_number(text: str) -> Any:
    raise _UnreadableError(f"holds {text}; write a finite number")


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise _UnreadableError(f"has the key {show(key)} {count} times in one place; keep one")
    return dict(pairs)


class _Loader(yaml.SafeLoader):
    """YAML with JSON's types: dates, yes and no, sexagesimals and merges are texts."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        return _once(
            [(self.construct_object(key, True), self.construct_object(part, True)) for key, part in node.value]
        )


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?[0-9]{1,300}\.[0-9]{0,300}([eE][-+][0-9]{1,4})?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def _yaml(text: str) -> Any:
    try:
        _check_events(text)
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _UnreadableError(f"is not YAML ({error.problem or error.context}{where})") from None
    except _UnreadableError:
        raise
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise _UnreadableError(f"is not YAML ({first_line(error)})") from None


def _check_events(text: str) -> None:
    """Refuses what could grow or run deep before anything is built of it."""
    depth, documents = 0, 0
    for count, event in enumerate(yaml.parse(text, yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        for is_so, why in (
            (
                isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None),
                "has anchors or aliases (& and *); write values out",
            ),
            (getattr(event, "tag", None) not in (None, "!"), "has tags (!); leave them out"),
            (depth > DEEPEST + 1, f"lies deeper than {DEEPEST} levels; make it flatter"),
            (documents > 1, "holds several documents; keep one"),
            (count > MAX_EVENTS, f"holds more than {MAX_EVENTS} values; a song intent is small"),
        ):
            if is_so:
                raise _UnreadableError(why)
