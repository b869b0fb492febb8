"""Data sets from the net: a download that goes on where it broke off."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from datamodules.shared.pace import Pace, open_url
from datamodules.shared.progress_bar import Advance, bar
from kmidi_lab.errors import DataError
from kmidi_lab.file_sets import alone_in
from kmidi_lab.files import sha256_file

_BLOCK = 1 << 20
_MD5 = "md5:"
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_USER_AGENT = "kmidi_lab"


def download(
    url: str,
    path: Path,
    sha256: str,
    size: int,
    attempts: int = 8,
    wait_s: float = 2.0,
    timeout_s: float = 60.0,
    progress: bool = False,
    pace: Pace | None = None,
) -> None:
    """Makes `path` the file with that SHA-256 and size in bytes; what is there already is checked and kept.

    Where a publisher tells only an MD5, `sha256` is that, as `md5:…`.

    A broken-off download stays as `<name>.part` and goes on there, in this call and the next. `wait_s` is the pause
    before another attempt, doubled each time; an attempt that brought bytes counts as the first again. `pace` is how
    slow the server may be, and how long all of it may take. Of two processes one fetches, and the other waits.

    Raises:
        DataError: the server can't be reached, refuses or is too slow, the disk is full, or the bytes are not the
            published ones.
    """
    if not url.startswith(("http://", "https://")):
        raise DataError(f"{url}: only http and https addresses can be fetched")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(path.parent):
            if path.is_file() and path.stat().st_size == size and _checksum(path, sha256) == sha256:
                return
            with bar(f"fetching {path.name}", progress) as advance:
                _fill(url, part, size, attempts, wait_s, timeout_s, advance, pace or Pace())
            checksum = _checksum(part, sha256)
            if checksum != sha256:
                part.unlink()
                raise DataError(f"{url}: checksum is {checksum}, published is {sha256}; thrown away, try again later")
            part.replace(path)
    except OSError as error:
        raise DataError(
            f"{path}: can't be written ({error.strerror or error}); free space or choose another folder"
        ) from error


def _checksum(path: Path, like: str) -> str:
    """Of the kind that `like` is."""
    if not like.startswith(_MD5):
        return sha256_file(path)
    with path.open("rb") as file:
        return _MD5 + hashlib.file_digest(file, "md5").hexdigest()


def _fill(
    url: str, part: Path, size: int, attempts: int, wait_s: float, timeout_s: float, advance: Advance, pace: Pace
) -> None:  # fmt: skip
    if part.is_file() and part.stat().st_size > size:
        part.unlink()
    left = attempts
    while (have := part.stat().st_size if part.is_file() else 0) < size or not part.is_file():
        try:
            fault = _attempt(url, part, have, size, timeout_s, advance, pace)
        except DataError as error:
            offset = part.stat().st_size if part.is_file() else 0
            raise DataError(
                f"{url}: {offset} of {size} bytes ({error}); run the same again to go on from there"
            ) from None
        offset = part.stat().st_size if part.is_file() else 0
        if offset >= size:
            return
        left = attempts - 1 if offset > have else left - 1
        if left <= 0 or (isinstance(fault, urllib.error.HTTPError) and 400 <= fault.code < 500):
            raise DataError(f"{url}: {offset} of {size} bytes ({fault}); run the same again to go on from there")
        time.sleep(wait_s * 2 ** (attempts - 1 - left))


def _attempt(
    url: str, part: Path, have: int, size: int, timeout_s: float, advance: Advance, pace: Pace
) -> object:  # fmt: skip
    """Bytes from `have` on, until the server ends; why it ended. The disk's errors and those of `pace` are raised."""
    pace.start(have)
    pace.check(have)
    headers = {"User-Agent": _USER_AGENT} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        reply = open_url(urllib.request.Request(url, headers=headers), timeout_s)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_REFUSED:
            part.unlink()
        return error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        return error
    with reply, part.open("ab" if reply.status == _PARTIAL and _starts_at(reply, have) else "wb") as out:
        done = out.tell()
        pace.start(done)
        while done <= size:
            try:
                block = reply.read1(_BLOCK)
            except (http.client.HTTPException, OSError) as error:
                return error
            if not block:
                break
            out.write(block)
            done += len(block)
            advance(done, size)
            pace.check(done)
    return "the connection ended early" if done < size else "more bytes than published"


def _starts_at(reply: Any, have: int) -> bool:
    return str(reply.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
