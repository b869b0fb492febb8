"""A song's files are replaced as a set: whatever kills a run, whoever else writes there, none is mistaken for one of
another song.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmidi_lab import file_sets
from kmidi_lab.errors import FileError
from kmidi_lab.midi import song_files
from kmidi_lab.midi.song_files import write_song

ALL = ("mine.html", "mine.json", "mine.mid", "mine.png", "mine.wav")


class Killed(BaseException):
    """What no code between expects."""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def write(tmp_path: Path, said: list[str]):
    """Writes a song whose files all hold its name; `mine.mid` beside `run/`."""

    def call(song: str, name: str = "mine.mid", sound: bool = True) -> list[Path]:
        data = song.encode()
        others = {".png": data, ".wav": data if sound else None, ".html": data}
        return write_song(tmp_path / name, data, others, {"song": song}, tmp_path / "run", said.append)

    return call


def _songs(folder: Path) -> dict[str, str]:
    """Of which song each file is; hidden ones, which a kill leaves, are not looked at."""
    files = sorted(path for path in folder.glob("[!.]*") if path.is_file())
    return {p.name: json.loads(p.read_text())["song"] if p.suffix == ".json" else p.read_text() for p in files}


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch):
    """Runs something that dies when it is about to rename or remove a file for the n-th time; a dead one cleans nothing
    up.
    """

    def call(at: int, work) -> bool:
        steps, dead = itertools.count(1), False

        def dying(of: str):
            real = getattr(Path, of)

            def step(self: Path, *args: object, **named: object) -> object:
                nonlocal dead
                mine = not (of == "unlink" and self.name.endswith((".new", ".tmp")))
                dead = dead or (mine and next(steps) == at)
                if dead:
                    raise Killed
                return real(self, *args, **named)

            return step

        with monkeypatch.context() as patched:
            for of in ("replace", "unlink"):
                patched.setattr(Path, of, dying(of))
            try:
                work()
            except Killed:
                return True
        return False

    return call


def _told_to_be_one(folder: Path) -> bool:
    trace = json.loads((folder / "mine.json").read_text())
    return "replacing" not in trace


def _is_one(folder: Path) -> bool:
    named = json.loads((folder / "mine.json").read_text())["files"]
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("mine.[!j]*")}
    return there == {name: of for name, of in named.items() if name != "mine.json"}


@pytest.mark.parametrize("at", range(1, 8))
@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
@pytest.mark.parametrize("sound", [True, False], ids=["sound", "silent"])
def test_a_run_that_is_killed_at_any_file_is_healed_by_the_next(
    write, killed_at, said: list[str], tmp_path: Path, first: bool, sound: bool, at: int
) -> None:
    if not first:
        write("ONE")
    # The trace twice, and each of the others once: its name taken, or the sound removed where there was one.
    steps = 2 + 4 - (first and not sound)
    assert killed_at(at, lambda: write("TWO", sound=sound)) == (at <= steps)
    if (tmp_path / "mine.json").exists() and _told_to_be_one(tmp_path):
        assert _is_one(tmp_path), "a mix that is told to be one song"
    assert killed_at(at, lambda: write("THREE")) == (at <= 6)
    write("FOUR")
    assert _songs(tmp_path) == dict.fromkeys(ALL, "FOUR")
    assert _told_to_be_one(tmp_path) and _is_one(tmp_path)
    left = [path.name for path in tmp_path.glob(".*")]
    assert all(name.startswith(".mine.json.") for name in left), "the sound is large; what a trace left is small"
    assert not (tmp_path / "run").exists() and not [line for line in said if "stay" in line]


def test_what_somebody_changed_after_a_kill_stays(write, killed_at, said: list[str], tmp_path: Path) -> None:
    write("ONE")
    assert killed_at(4, lambda: write("TWO"))
    (tmp_path / "mine.wav").write_text("mastered")
    write("THREE")
    assert (tmp_path / "mine.wav").read_text() == "mastered"
    assert "mine.wav was there before and stays" in said[-1]
    assert _songs(tmp_path / "run") == dict.fromkeys({*ALL} - {"mine.mid"}, "THREE")
    assert not _is_one(tmp_path) and not _told_to_be_one(tmp_path)


@pytest.mark.parametrize("other", ["mine.midi", "mine.MID"])
def test_a_file_of_another_ending_leaves_the_set_of_the_first_alone(
    write, said: list[str], tmp_path: Path, other: str
) -> None:
    write("ONE")
    written = write("TWO", other, sound=False)
    assert _songs(tmp_path) == {**dict.fromkeys(ALL, "ONE"), other: "TWO"}
    assert said == [
        f"beside {tmp_path / other}, mine.png, mine.wav, mine.html, mine.json were there before and stay; "
        f"what goes with the new {other} is in {tmp_path / 'run'}"
    ]
    assert written == [tmp_path / other, *(tmp_path / "run" / f"mine.{end}" for end in ("png", "html", "json"))]


def test_in_the_run_folder_itself_nothing_of_another_is_replaced_either(said: list[str], tmp_path: Path) -> None:
    def write_into_it(song: str, name: str) -> None:
        write_song(tmp_path / name, song.encode(), {".png": song.encode()}, {"song": song}, tmp_path, said.append)

    write_into_it("ONE", "mine.mid")
    with pytest.raises(FileError, match=r"mine\.midi: mine\.png, mine\.json beside it would be replaced"):
        write_into_it("TWO", "mine.midi")
    assert _songs(tmp_path) == dict.fromkeys(["mine.json", "mine.mid", "mine.png"], "ONE")
    write_into_it("THREE", "mine.mid")
    assert _songs(tmp_path) == dict.fromkeys(["mine.json", "mine.mid", "mine.png"], "THREE") and not said


def test_only_what_a_killed_run_left_is_removed(write, tmp_path: Path) -> None:
    left, others = (
        f".mine.wav.{'0' * 32}.new",
        [f".mine.wav.{'0' * 32}.tmp", ".mine.wav.new", f".other.wav.{'0' * 32}.new"],
    )
    for name in (left, *others):
        (tmp_path / name).write_text("half")
    write("ONE")
    assert sorted(path.name for path in tmp_path.glob(".*")) == sorted(others)


def test_a_sound_that_the_new_song_has_not_is_removed(write, said: list[str], tmp_path: Path) -> None:
    write("ONE")
    write("TWO", sound=False)
    assert _songs(tmp_path) == dict.fromkeys({*ALL} - {"mine.wav"}, "TWO")
    assert said == ["mine.wav of the song before is removed"]


@pytest.mark.parametrize("name", [name for name in ALL if name != "mine.mid"])
@pytest.mark.parametrize("kind", ["elsewhere", "away"])
def test_a_link_is_nobody_elses_to_replace(write, said: list[str], tmp_path: Path, name: str, kind: str) -> None:
    """Not one to a file that a run wrote and somebody moved, and not one to a disk that is away."""
    write("ONE")
    elsewhere = tmp_path / "disk" / name
    elsewhere.parent.mkdir()
    (tmp_path / name).rename(elsewhere)
    (tmp_path / name).symlink_to(elsewhere)
    if kind == "away":
        elsewhere = elsewhere.parent.rename(tmp_path / "away") / name
    held = elsewhere.read_bytes()
    write("TWO")
    assert (tmp_path / name).is_symlink() and elsewhere.read_bytes() == held
    assert name in said[-1] and _songs(tmp_path / "run") == dict.fromkeys({*ALL} - {"mine.mid"}, "TWO")


def test_a_folder_that_cannot_be_written_keeps_its_song(write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also if the disk is full at the last file."""
    write("ONE")
    real = file_sets.write_new

    def full(path: Path, data: bytes) -> None:
        if "html" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(file_sets, "write_new", full)
    with pytest.raises(FileError, match=r"mine\.html: can't be written \(No space left on device\); what was there is"):
        write("TWO")
    assert _songs(tmp_path) == dict.fromkeys(ALL, "ONE") and _is_one(tmp_path)
    assert not list(tmp_path.glob(".*")), "nothing is left behind"


@pytest.mark.parametrize(
    ("in_the_way", "new"), [(False, r"mine\.json is"), (True, r"mine\.wav, mine\.html, mine\.json are")]
)
def test_a_refused_name_is_told_with_what_is_new_by_then(write, tmp_path: Path, in_the_way: bool, new: str) -> None:
    (tmp_path / "mine.mid" / "full").mkdir(parents=True)  # no file takes the name of a folder
    if in_the_way:
        (tmp_path / "mine.png").write_text("drawn by hand")
    with pytest.raises(FileError, match=rf"mine\.mid: can't be written \(.*\), and of the files .* {new} new already"):
        write("ONE")


def test_what_is_changed_while_the_new_song_is_put_on_the_disk_stays(
    write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write("ONE")
    real = file_sets.write_new

    def slow(path: Path, data: bytes) -> None:
        real(path, data)
        (tmp_path / "mine.png").write_text("drawn by hand")

    monkeypatch.setattr(file_sets, "write_new", slow)
    write("TWO")
    assert (tmp_path / "mine.png").read_text() == "drawn by hand"
    assert _songs(tmp_path / "run")["mine.png"] == "TWO"


def test_of_two_runs_at_once_the_last_one_is_there_whole(
    write, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The second begins while the first renames; it waits, and replaces what the first has written as its own kind."""
    real, others = song_files.take_names, []

    def in_between(waiting: dict[Path, Path], before: list[Path]) -> None:
        head, *rest = waiting.items()
        real(dict([head]), before)
        if not others:
            others.append(threading.Thread(target=write, args=("TWO",)))
            others[0].start()
            others[0].join(0.3)
            assert others[0].is_alive(), "it waits"
        real(dict(rest), before)

    monkeypatch.setattr(song_files, "take_names", in_between)
    write("ONE")
    others[0].join(10)
    assert _songs(tmp_path) == dict.fromkeys(ALL, "TWO") and _is_one(tmp_path) and _told_to_be_one(tmp_path)
    assert not said and not list(tmp_path.glob(".*"))


def test_a_disk_without_locks_is_written_too(write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none(*_: object) -> Iterator[None]:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_sets.fcntl, "flock", none)
    left = tmp_path / f".mine.wav.{'0' * 32}.new"
    left.write_text("perhaps of a run that is alive")
    write("ONE")
    assert _is_one(tmp_path) and left.exists()
