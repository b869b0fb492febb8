"""Downloads against a server that breaks off, and archives that an enemy packed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import socket
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from datamodules.shared.fetch import download
from datamodules.shared.pace import Pace
from datamodules.shared.unpack import unpack
from kmidi_lab.errors import DataError

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves CONTENT, a reply of at most `cut` bytes, or 2000 bytes each `drip_s` seconds; notes the `Range` of every request."""

    def __init__(self) -> None:
        self.cut: int | None = None
        self.drip_s = 0.0
        self.ranges, self.status, self.content = True, 200, CONTENT
        self.from_start = False  # whatever part is asked for, as some proxies answer
        self.asked: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                outer.asked.append(wanted)
                if outer.status != 200:
                    self.send_error(outer.status)
                    return
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and outer.ranges else 0
                start, partial = 0 if outer.from_start else start, start > 0
                body = outer.content[start:]
                self.send_response(206 if partial else 200)
                self.send_header("Content-Length", str(len(body)))
                if partial:
                    self.send_header("Content-Range", f"bytes {start}-{len(outer.content) - 1}/{len(outer.content)}")
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a client that has seen enough hangs up
                    for at in range(0, len(body), 2000) if outer.drip_s else ():
                        self.wfile.write(body[at : at + 2000])
                        time.sleep(outer.drip_s)
                    if not outer.drip_s:
                        self.wfile.write(body if outer.cut is None else body[: outer.cut])

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/set.tar.gz"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def get(server: Server, path: Path, sha256: str = SHA256, size: int = len(CONTENT), attempts: int = 3) -> None:
    download(server.url, path, sha256, size, attempts, wait_s=0.01, timeout_s=5)


def test_a_download_that_keeps_breaking_off_goes_on(server: Server, tmp_path: Path) -> None:
    server.cut = 70_000
    get(server, tmp_path / "new" / "set")
    assert (tmp_path / "new" / "set").read_bytes() == CONTENT
    assert server.asked == [None, *(f"bytes={70_000 * i}-" for i in range(1, 5))]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["set"]


def test_of_two_that_fetch_and_unpack_the_same_one_does_and_the_other_waits(server: Server, tmp_path: Path) -> None:
    packed = tar(tmp_path / "made", (member("a.mid"), CONTENT[:50_000])).read_bytes()
    server.content, server.drip_s = packed, 0.005

    def both(_: int) -> None:
        get(server, tmp_path / "set", hashlib.sha256(packed).hexdigest(), len(packed))
        unpack(tmp_path / "set", tmp_path / "out", 1_000_000)

    with ThreadPoolExecutor(2) as jobs:
        list(jobs.map(both, range(2)))
    assert server.asked == [None] and (tmp_path / "out" / "a.mid").read_bytes() == CONTENT[:50_000]


def test_what_a_killed_process_has_unpacked_is_removed(tmp_path: Path) -> None:
    left, mine = tmp_path / f".out.{'0a' * 16}.part", tmp_path / ".out.mine.part"
    for folder in (left, mine):
        folder.mkdir()
        (folder / "half").touch()
    unpack(tar(tmp_path / "made", (member("a.mid"), b"a")), tmp_path / "out", 1_000_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.mine.part", "made", "out"]


def test_the_next_call_goes_on_where_the_last_gave_up(server: Server, tmp_path: Path) -> None:
    server.cut = 0
    (tmp_path / "set.part").write_bytes(CONTENT[:123_456])
    with pytest.raises(DataError, match=r"123456 of 300000 bytes .*run the same again"):
        get(server, tmp_path / "set")
    server.cut, server.asked = None, []
    get(server, tmp_path / "set")
    assert server.asked == ["bytes=123456-"]
    assert (tmp_path / "set").read_bytes() == CONTENT


@pytest.mark.parametrize("answer", ["all of it", "a part from the start"])
def test_a_server_that_gives_no_part_as_asked_starts_over(server: Server, tmp_path: Path, answer: str) -> None:
    server.ranges, server.from_start = answer != "all of it", answer != "all of it"
    (tmp_path / "set.part").write_bytes(b"x" * 1000)
    get(server, tmp_path / "set")
    assert (tmp_path / "set").read_bytes() == CONTENT and server.asked == ["bytes=1000-"]


def test_what_is_there_is_checked_not_fetched(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set").write_bytes(CONTENT)
    get(server, tmp_path / "set")
    assert server.asked == []
    (tmp_path / "set").write_bytes(CONTENT[:-1] + b"?")
    get(server, tmp_path / "set")
    assert (tmp_path / "set").read_bytes() == CONTENT


OTHERS = {"one byte": CONTENT[:-1] + b"?", "more": CONTENT + b"more", "much more": b"x" * 5_000_000}


@pytest.mark.parametrize("case", OTHERS)
def test_other_bytes_are_never_kept(server: Server, tmp_path: Path, case: str) -> None:
    server.content = OTHERS[case]
    with pytest.raises(DataError, match="checksum is"):
        get(server, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, 3)])
def test_a_refusal_is_one_line(server: Server, tmp_path: Path, status: int, requests: int) -> None:
    server.status = status
    with pytest.raises(DataError, match=f"0 of 300000 bytes .HTTP Error {status}"):
        get(server, tmp_path / "set")
    assert len(server.asked) == requests


@pytest.mark.parametrize(
    ("pace", "says"),
    [
        (Pace(slowest=200_000, window_s=0.2), r"only \d+ bytes a second over 0 s, 200000 is the least"),
        (Pace(slowest=0, longest_s=0.3), r"not done after 0\.3 s"),
    ],
)
def test_a_server_that_drips_is_given_up_and_gone_on_with(
    server: Server, tmp_path: Path, pace: Pace, says: str
) -> None:
    server.drip_s = 0.05
    with pytest.raises(DataError, match=rf"\d+ of 300000 bytes \({says}\); run the same again"):
        download(server.url, tmp_path / "set", SHA256, len(CONTENT), pace=replace(pace))
    kept = (tmp_path / "set.part").stat().st_size
    assert 0 < kept < len(CONTENT) and len(server.asked) == 1
    server.drip_s = 0
    get(server, tmp_path / "set")
    assert server.asked[-1] == f"bytes={kept}-"


def test_attempts_share_one_total_time(server: Server, tmp_path: Path) -> None:
    """A server that gives a little each time and hangs up."""
    server.cut = 100
    with pytest.raises(DataError, match="not done after"):
        download(server.url, tmp_path / "set", SHA256, len(CONTENT), wait_s=0.05, pace=Pace(longest_s=0.3))


def test_headers_that_never_end_are_hung_up_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def drip() -> None:
            with contextlib.suppress(OSError):
                line, _ = door.accept()
                line.sendall(b"HTTP/1.1 200 OK\r\n")
                while True:
                    line.sendall(b"X: y\r\n")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{door.getsockname()[1]}/x"
        with pytest.raises(DataError, match="0 of 9 bytes"):
            download(url, tmp_path / "x", SHA256, 9, attempts=1, timeout_s=0.3)


def test_every_download_has_a_floor_and_an_end() -> None:
    assert 0 < Pace().slowest < 100_000 and Pace().window_s == 60 and 3600 < Pace().longest_s < float("inf")


def test_no_server_and_no_http(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 of 9 bytes"):
        download("http://127.0.0.1:9/x", tmp_path / "x", SHA256, 9, attempts=2, wait_s=0.01)
    with pytest.raises(DataError, match="only http"):
        download("file:///etc/passwd", tmp_path / "x", SHA256, 9)


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="can't be written"):
        get(server, tmp_path / "file" / "set")


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o6777
    return info


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_good_tar_is_unpacked(tmp_path: Path, mode: str) -> None:
    path = tar(tmp_path / "a", (member("top", tarfile.DIRTYPE), b""), (member("./top/b.mid"), b"abc"), mode=mode)
    unpack(path, tmp_path / "out", 1000)
    assert (tmp_path / "out" / "top" / "b.mid").read_bytes() == b"abc"
    assert (tmp_path / "out" / "top" / "b.mid").stat().st_mode & 0o6111 == 0
    path.unlink()
    unpack(path, tmp_path / "out", 1000)  # there already


def test_a_good_zip_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as out:
        out.mkdir("top")
        out.writestr("top/b.mid", b"abc")
    unpack(tmp_path / "a", tmp_path / "out", 1000)
    assert (tmp_path / "out" / "top" / "b.mid").read_bytes() == b"abc"


EVIL_MEMBERS = {
    "parent": member("../evil"),
    "deep parent": member("a/../../evil"),
    "absolute": member("/tmp/evil"),
    "drive": member("C:\\evil"),
    "symlink": member("link", tarfile.SYMTYPE, "/etc"),
    "hard link": member("link", tarfile.LNKTYPE, "/etc/passwd"),
    "device": member("zero", tarfile.CHRTYPE),
    "pipe": member("pipe", tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("case", EVIL_MEMBERS)
def test_an_evil_tar_leaves_nothing(tmp_path: Path, case: str) -> None:
    path = tar(tmp_path / "a", (member("good.mid"), b"abc"), (EVIL_MEMBERS[case], b""))
    with pytest.raises(DataError, match="refused"):
        unpack(path, tmp_path / "in" / "out", 1000)
    assert [p.name for p in tmp_path.rglob("*")] in (["a", "in"], ["in", "a"])


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])
def test_an_evil_zip_leaves_nothing(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as out:
        out.writestr(name, b"abc")
    with pytest.raises(DataError, match="outside its folder"):
        unpack(tmp_path / "a", tmp_path / "out", 1000)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a", "w") as out:
        out.writestr(info, "/etc")
    with pytest.raises(DataError, match="a link or a device"):
        unpack(tmp_path / "a", tmp_path / "out", 1000)


def test_bombs_are_refused(tmp_path: Path) -> None:
    path = tar(tmp_path / "t", *((member(f"{i}"), bytes(100_000)) for i in range(20)))
    with zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", bytes(2_000_000))
    for archive in (path, tmp_path / "z"):
        with pytest.raises(DataError, match="unpacks to more than 1000000 bytes"):
            unpack(archive, tmp_path / "out", 1_000_000)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t", "z"]


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", bytes(50_000))
    data = (tmp_path / "a").read_bytes().replace((50_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataError):
        unpack(tmp_path / "a", tmp_path / "out", 1000)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "damage", [lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"rubbish" * 99], ids=["cut", "empty", "rubbish"]
)
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_broken_archive_leaves_nothing(tmp_path: Path, mode: str, damage) -> None:
    path = tar(tmp_path / "a", (member("b.mid"), CONTENT[:50_000]), mode=mode)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError):
        unpack(path, tmp_path / "out", 100_000)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
