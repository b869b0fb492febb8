from __future__ import annotations

import errno
import hashlib
import os
import resource
import signal
from pathlib import Path

import pytest

from kmidi_lab.errors import FileError
from kmidi_lab.files import sha256_file, write_atomic


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "kept.json"
    path.write_bytes(b"old")
    return path


def test_writes_and_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_other_users_may_read_it(tmp_path):
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_write_that_stops_half_way_keeps_the_old_file(old):
    """A real failure of write(): the process may write no file longer than 1,000 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(FileError, match=r"kept\.json: can't be written \(File too large\)"):
            write_atomic(old, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert old.read_bytes() == b"old"
    assert list(old.parent.iterdir()) == [old]


def test_a_full_disk_keeps_the_old_file(old, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left on device") as caught:
        write_atomic(old, b"new")
    assert "\n" not in str(caught.value)
    assert old.read_bytes() == b"old"
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("at_once", [False, True])
def test_last_words_are_seen_before_a_busy_disk_has_them(old, monkeypatch, at_once):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append(old.read_bytes()))
    write_atomic(old, b"stopped", at_once=at_once)
    assert seen == [b"stopped" if at_once else b"old", b"stopped"]
    assert [path.name for path in old.parent.iterdir()] == [old.name]


def test_a_file_in_the_place_of_a_folder(old):
    with pytest.raises(FileError, match="can't be written"):
        write_atomic(old / "below.json", b"")


def test_hash_of_a_file(old):
    assert sha256_file(old) == hashlib.sha256(b"old").hexdigest()
