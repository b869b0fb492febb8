"""Prepared data on disk, found again by what it was made of: files by content, code by its text."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from datamodules.shared import stored
from kmidi_lab.files import write_atomic

log = logging.getLogger(__name__)
T = TypeVar("T")
_DIGITS = 16


def cached(path: Path, kind: type[T], make: Callable[[], T]) -> T:
    """The `kind` that lies at `path`, else what `make` gives, which is kept there; a file cut short is a miss."""
    try:
        found = stored.read(path)
        if isinstance(found, kind):
            return found
    except FileNotFoundError:
        pass
    except Exception:  # a cache from other code or cut short is no more than a miss
        with suppress(OSError):  # what can't be written either is said below
            path.unlink(missing_ok=True)
    log.info("preparing %s, once; kept in %s", path.parent.name.replace("_", " "), path.parent)
    made = make()
    try:
        data = stored.dumps(made)
    except TypeError as error:
        log.warning("prepared data are not kept, so they are prepared again next time: %s", error)
    else:
        write_atomic(path, data)
    return made


def data_version(settings: object, contents: Iterable[tuple[str, Path] | bytes]) -> str:
    """Of settings and of files by name and content, whatever the version of the code; an unreadable one counts as its error.

    Bytes stand for content that is no file of the data root, such as a package's version.
    """
    digest = hashlib.sha256(repr(settings).encode())
    for content in contents:
        if isinstance(content, bytes):
            digest.update(content)
            continue
        name, path = content
        digest.update(name.encode(errors="surrogateescape") + b"\0")
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            digest.update(repr(error).encode())
    return digest.hexdigest()[:_DIGITS]


def files_below(root: Path, files: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Each file with its name below `root`, for `data_version`."""
    return ((path.relative_to(root).as_posix(), path) for path in files)
