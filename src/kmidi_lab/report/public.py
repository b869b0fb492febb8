"""A run record that can be published: it tells nothing of where the files of its machine lie."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from kmidi_lab.run_file import parse
from kmidi_lab.run_record import RunRecord
from kmidi_lab.typed_json import to_json

# An absolute path of two parts or more, POSIX or Windows; not the inside of a URL or of a relative path.
_ABSOLUTE = re.compile(r"(?<![\w.:/\\$…])(?:/|[A-Za-z]:[\\/])(?:[^\s'\",;:)\]\\/]+[\\/])+[^\s'\",;:)\]\\/]*")

WHERE = ("paths.", "models_root=", "hydra.", "retrain.feedback=", "retrain.recordings=")
"""Settings that say where files lie: they are another machine's, and the names of folders may tell of people."""


def public(run: RunRecord) -> RunRecord:
    """A copy whose paths are told by their setting ($DATA_ROOT) or by their last part; the command names none."""
    plain = to_json(run)
    roots = _roots(run.config)
    shown = _without_paths(plain, roots)
    shown["identity"]["command"] = _command(run.identity.command, roots)
    return parse(shown)


def _roots(config: Mapping[str, Any]) -> dict[str, str]:
    """Folder → the setting that named it, the longest first, so that a folder inside another keeps its own name."""
    paths = config.get("paths")
    named = dict(paths) if isinstance(paths, Mapping) else {}
    roots = {str(folder): f"${key.upper()}" for key, folder in named.items() if folder and str(folder).startswith("/")}
    return dict(sorted(roots.items(), key=lambda item: -len(item[0])))


def _without_paths(value: Any, roots: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _text(value, roots)
    if isinstance(value, dict):
        return {_text(k, roots): _without_paths(v, roots) for k, v in value.items()}
    return [_without_paths(v, roots) for v in value] if isinstance(value, list) else value


def _text(text: str, roots: Mapping[str, str]) -> str:
    for folder, name in roots.items():
        # No setting's name holds a backslash, which a replacement would read.
        text = re.sub(rf"(?<![\w./]){re.escape(folder.rstrip('/'))}(?![\w.-])", name, text)
    return _ABSOLUTE.sub(lambda match: "…/" + re.split(r"[\\/]", match.group().rstrip("/\\"))[-1], text)


def _command(command: str | None, roots: Mapping[str, str]) -> str | None:
    """The command without the settings that say where files lie."""
    if command is None:
        return None
    words = shlex.split(command)
    shown = [w for w in words if not w.lstrip("+").startswith(WHERE)]
    return " ".join(word if word.startswith("$") else shlex.quote(word) for word in (_text(w, roots) for w in shown))
