"""Prepared data on disk, found again by what it was made of: files by content, code by its text.

The version of code is computed from what it imports: no list to keep, none to forget.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from datamodules.shared import stored
from kmidi_lab.files import check_writable, write_atomic

log = logging.getLogger(__name__)
T = TypeVar("T")
_DIGITS = 16
_OWN = ("kmidi_lab", "datamodules")
_CODE_DIGITS = 16


def cached(path: Path, kind: type[T], make: Callable[[], T]) -> T:
    """The `kind` that lies at `path`, else what `make` gives, which is kept there; a file cut short is a miss.

    Raises:
        FileError: it could not be kept, which is known before `make` is called.
    """
    try:
        value = stored.read(path)
        if isinstance(value, kind):
            return value
    except FileNotFoundError:
        pass
    except Exception:  # a cache from other code or cut short is no more than a miss
        with suppress(OSError):  # what can't be written either is said below
            path.unlink(missing_ok=True)
    log.info("preparing %s, once; kept in %s", path.parent.name.replace("_", " "), path.parent)
    check_writable(path.parent)  # what can't be kept is not worked out for hours first
    value = make()
    try:
        data = stored.dumps(value)
    except TypeError as error:
        log.warning("prepared data are not kept, so they are prepared again next time: %s", error)
    else:
        write_atomic(path, data)
    return value


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


def code_version(*modules: str) -> str:
    """16 hex digits over the code that `modules` (dotted names) reach by importing, whatever its order.

    Of the lab's own modules and the data files beside them that they name, the bytes count; of other packages the
    installed version. A change to what all readers import, such as `kmidi_lab.errors`, prepares all data anew: minutes,
    where a stale cache would cost a wrong result.
    """
    files, packages = closure(*modules)
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for package in sorted(packages):
        digest.update(f"{package}={_version(package)}\0".encode())
    return digest.hexdigest()[:_CODE_DIGITS]


def closure(*modules: str) -> tuple[dict[str, Path], set[str]]:
    """(name to file of the lab's own modules and data files, top names of other packages) that `modules` import.

    Imports inside functions count, too: they run when data are prepared.
    """
    files: dict[str, Path] = {}
    packages: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        if name.split(".")[0] not in _OWN:
            packages.add(name.split(".")[0])
        elif path := _file_of(name):
            files[name] = path
            names, beside = _reads(path)
            waiting += names
            # A package's own code runs before its modules'; the two at the top hold nothing that prepares data.
            waiting += [parent for parent in [name.rpartition(".")[0]] if "." in parent]
            files |= {f"{name}:{p.name}": p for p in beside}
    return files, packages


@cache
def _reads(path: Path) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """(modules that a file imports, data files beside it that it names)."""
    tree = ast.parse(path.read_bytes())
    return tuple(_imported(tree)), tuple(p for p in _named(tree, path.parent) if p.is_file())


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            yield node.module
            if node.module.split(".")[0] in _OWN:  # what is imported may be a module itself
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _named(tree: ast.Module, folder: Path) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith((".yaml", ".json")):
            yield folder / Path(node.value).name


@cache
def _file_of(name: str) -> Path | None:
    """The Python file of a module, found without importing it; None for what is no module."""
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top)
    for folder in spec.submodule_search_locations or () if spec else ():
        base = Path(folder, *rest)
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


@cache
def _version(package: str) -> str:
    """Of an installed package by its top name; empty for the standard library's and for what is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        names = _distributions().get(package, ())
        return ",".join(importlib.metadata.version(name) for name in sorted(set(names)))


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
