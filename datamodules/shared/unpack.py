"""Archives as folders: all of one or nothing, and nothing that an archive says is trusted."""

from __future__ import annotations

import lzma
import re
import shutil
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from datamodules.shared.progress_bar import bar
from kmidi_lab.errors import DataError
from kmidi_lab.file_sets import alone_in

MAX_MEMBERS = 2_000_000
_BLOCK = 1 << 20


def unpack(archive: Path, folder: Path, max_bytes: int, progress: bool = False) -> None:
    """Unpacks a tar (any compression) or zip as `folder`, all of it or nothing; a `folder` that is there is left alone.

    Of two processes one unpacks, and the other waits. What one that was killed has left is removed.

    Raises:
        DataError: the archive is broken, unpacks to more than `max_bytes` or two million files, or holds anything but
            plain files and folders below itself: links, devices, absolute paths, `..`.
    """
    if folder.exists():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: can't be made ({error.strerror or error}); choose another folder") from error
    with alone_in(folder.parent) as alone:
        if alone:
            _remove_left(folder)
        if not folder.exists():
            _unpack(archive, folder, max_bytes, progress)


def _remove_left(folder: Path) -> None:
    left = re.compile(re.escape(f".{folder.name}.") + r"[0-9a-f]{32}\.part")
    for other in [path for path in folder.parent.iterdir() if left.fullmatch(path.name)]:
        shutil.rmtree(other, ignore_errors=True)


def _unpack(archive: Path, folder: Path, max_bytes: int, progress: bool) -> None:
    temp = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    try:
        temp.mkdir()
        with bar(f"unpacking {archive.name}", progress) as advance:
            written = 0
            for number, (name, size, source) in enumerate(_members(archive)):
                target = temp / _safe(name, archive)
                written += size
                if written > max_bytes or number >= MAX_MEMBERS:
                    raise DataError(
                        f"{archive}: unpacks to more than {max_bytes} bytes or {MAX_MEMBERS} files; refused"
                    )
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("xb") as out:
                    _copy(source, out, size, archive)
                advance(written, 0)
        temp.replace(folder)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise DataError(f"{archive}: can't be unpacked ({type(error).__name__}: {error}); fetch it again") from error
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def _copy(source: IO[bytes], out: IO[bytes], size: int, archive: Path) -> None:
    """`size` bytes and no more: a zip's directory may lie about what a member inflates to."""
    left = size
    while block := source.read(min(_BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            raise DataError(f"{archive}: a file in it is larger than it says; refused")
        out.write(block)
    if left:
        raise DataError(f"{archive}: a file in it is cut short; fetch it again")


def _members(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and bytes of every plain file."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                kind = info.external_attr >> 28
                if kind not in (0, 4, 8):
                    raise DataError(f"{archive}: {info.filename!r} is a link or a device; refused")
                if not info.is_dir():
                    yield info.filename, info.file_size, packed.open(info)
        return
    with tarfile.open(archive, "r|*") as tar:
        for member in tar:
            if not (member.isreg() or member.isdir()):
                raise DataError(f"{archive}: {member.name!r} is a link or a device; refused")
            source = tar.extractfile(member)
            if source is not None:
                yield member.name, member.size, source


def _safe(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or any(c in name for c in "\\:\0"):
        raise DataError(f"{archive}: {name!r} would be written outside its folder; refused")
    return path
