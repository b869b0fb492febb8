"""Unlabelled material of a folder and what a model makes of it: lines of text files, or recordings, as the model reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import ConfigError, UserError
from kmidi_lab.files import sha256_file
from kmidi_lab.inference.api import Request
from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.published import Published

_SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")


@dataclass(frozen=True)
class Item:
    """One thing to ask about: its SHA-256, where it lies in the folder, and the model's output `[M]`."""

    sha256: str
    source: str
    output: NDArray[np.float32]


def material(
    folder: Path, request: type[Request[Any]], published: Published, refuse: Callable[[str, str], None]
) -> Iterator[Item]:
    """What lies in a folder and below it, each once.

    Args:
        folder: is read through.
        request: how the model is asked.
        published: the model.
        refuse: is given what can't be read, and why.

    Raises:
        ConfigError: the model takes neither texts nor sound.
    """
    if published.table is not None:
        found = _texts(folder, published, refuse)
    elif issubclass(request, Listening):
        found = _sounds(folder, request, published, refuse)
    else:
        raise ConfigError(
            f"model={published.contract.model} can't be asked about a folder; choose one that takes texts or sound"
        )
    seen: set[str] = set()
    for item in found:
        if item.sha256 not in seen:
            seen.add(item.sha256)
            yield item


def _texts(folder: Path, published: Published, refuse: Callable[[str, str], None]) -> Iterator[Item]:
    assert published.table is not None
    for path in sorted(folder.rglob("*.txt")):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            refuse(str(path), f"no text in UTF-8: {error}")
            continue
        for number, line in enumerate(lines, start=1):
            if text := line.strip():
                output = published.call(published.table.vector(text)[None])[0]
                yield Item(hashlib.sha256(text.encode()).hexdigest(), f"{path.relative_to(folder)}:{number}", output)


def _sounds(
    folder: Path, request: type[Listening], published: Published, refuse: Callable[[str, str], None]
) -> Iterator[Item]:
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SOUNDS):
        try:
            output = request(path).output(published)
            if not np.isfinite(output).all():
                raise ConfigError("nothing to hear in it")
            yield Item(sha256_file(path), str(path.relative_to(folder)), output)
        except (UserError, OSError) as error:
            refuse(str(path), str(error))
