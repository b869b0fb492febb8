"""The plugin's header: compiled without a warning, run under sanitizers, and its file read back."""

from __future__ import annotations

import fcntl
import resource
import shutil
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from kmidi_lab.feedback.consent import Consent, from_json
from kmidi_lab.feedback.importing import import_file
from kmidi_lab.feedback.reading import read_lines
from kmidi_lab.feedback.store import AdditionCounts, Store
from kmidi_lab.inference.published import release_root

HERE = Path(__file__).parent
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wold-style-cast",
    "-Werror",
]
FLAGS = ["-std=c++17", "-O1", "-g", *WARNINGS, "-pthread"]
CONSENT = '{"format":"kmidi-consent-1","scope":"all","date":"2020-02-29T00:00:00Z"}\n'
pytestmark = [
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler"),
    pytest.mark.slow,
]


@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
def test_a_plugin_records_without_a_race_and_its_file_is_taken_in(sanitizer: str, tmp_path: Path) -> None:
    program, path = tmp_path / "pushes", tmp_path / "feedback.jsonl"
    sources = ["-I", str(release_root()), str(HERE / "pushes.cpp"), "-o", str(program)]
    subprocess.run(["g++", *FLAGS, f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", *sources], check=True)
    path.write_bytes(b'{"format":"kmidi-feedback-1","ev')  # a line that a crash cut short
    totals = []
    for capacity in (1024, 4):
        done = subprocess.run([program, path, "600", str(capacity)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        totals.append([int(word) for word in done.stdout.split()])
    for pushed, written, dropped, refused, failed in totals:
        assert (written + refused, refused, failed) == (pushed, 3, 0)
        assert pushed + dropped == 603
    assert totals[0][2] == 0 < totals[1][2]
    faults: list[int] = []
    events = list(read_lines(path, lambda number, why: faults.append(number)))
    assert faults == [1] and len(events) == totals[0][1] + totals[1][1]
    assert [e.output for e in events[:600]] == [[i] for i in range(600)]
    assert events[0].input == pytest.approx([0.1, -2.5, 1e-7], rel=1e-7)
    assert {e.rating for e in events} == {None, 4} and len({e.use for e in events}) == 1
    assert import_file(Store(tmp_path / "feedback.db"), path)[0] == AdditionCounts(new=len(events))
    assert (tmp_path / "feedback.jsonl.use").read_text().split()[0] == events[0].use
    assert _consent(path).scope == "none", "the program takes it back at its end"


def _compiled(folder: Path, name: str) -> Path:
    sources = ["-I", str(release_root()), str(HERE / f"{name}.cpp"), "-o", str(folder / name)]
    subprocess.run(["g++", *FLAGS, *sources], check=True)
    return folder / name


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _compiled(tmp_path_factory.mktemp("program"), "pushes")


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _compiled(tmp_path_factory.mktemp("program"), "instances")


def test_recorders_of_one_file_share_the_consent(instances: Path, tmp_path: Path) -> None:
    path = tmp_path / "f"
    done = subprocess.run([instances, path], timeout=60)
    assert done.returncode == 0, "the number of the step that went wrong, see instances.cpp"
    events = list(read_lines(path, lambda *fault: pytest.fail(str(fault))))
    assert [event.label for event in events] == ["Dm7", "Dm7", "Dm7", None, None, "Dm7"]
    assert _consent(path).scope == "all"
    listed = [line.split()[0] for line in (tmp_path / "f.use").read_text().splitlines()]
    assert {event.use for event in events} <= {*listed}
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}


def test_a_host_that_ends_does_not_wait_for_who_holds_the_file(instances: Path, tmp_path: Path) -> None:
    with (tmp_path / "f").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert subprocess.run([instances, tmp_path / "f", "held"], timeout=20).returncode == 0
    assert (tmp_path / "f").stat().st_size == 0


@pytest.mark.parametrize(("room", "listed"), [(1500, True), (20, False)], ids=["of events", "of the id"])
def test_a_full_disk_leaves_no_half_line(program: Path, tmp_path: Path, room: int, listed: bool) -> None:
    """A limit of a file's size falls amid a line, or amid the list of ids: no event without an id that is listed there."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    path = tmp_path / "f"
    path.with_name("f.consent").write_text(CONSENT)
    done = subprocess.run([program, path, "20", "64", "given"], stdout=subprocess.PIPE, timeout=60, preexec_fn=limit)
    pushed, written, dropped, refused, failed = (int(word) for word in done.stdout.split())
    assert (pushed, dropped, refused, written + failed) == (23, 0, 3, 20) and failed > 0
    whole = list(read_lines(path, lambda *fault: pytest.fail(str(fault)))) if path.exists() else []
    assert len(whole) == written
    assert bool((tmp_path / "f.use").read_bytes()) == listed


def test_a_disk_that_takes_nothing_is_counted(program: Path, tmp_path: Path) -> None:
    done = subprocess.run([program, tmp_path / "none" / "f", "20", "64"], capture_output=True, text=True, timeout=60)
    assert [int(word) for word in done.stdout.split()] == [23, 0, 0, 3, 20]


def test_a_writer_without_memory_counts_and_does_not_end_the_host(program: Path, tmp_path: Path) -> None:
    command = [program, tmp_path / "f", "20", "64", "starved"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    pushed, written, dropped, refused, failed = (int(word) for word in done.stdout.split())
    assert (pushed, written, dropped, refused + failed) == (23, 0, 0, 23) and failed >= 20


def test_a_writer_waits_for_another_that_holds_the_file(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        running = subprocess.Popen([program, path, "20", "64"], stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.7)
        assert path.stat().st_size == 0
    assert [int(word) for word in running.communicate(timeout=60)[0].split()] == [23, 20, 0, 3, 0]


def _consent(path: Path) -> Consent:
    """The record beside a file of events, as the lab reads its own."""
    [line] = path.with_name(f"{path.name}.consent").read_bytes().splitlines()
    return from_json(orjson.loads(line))


def _run(program: Path, path: Path, *word: str) -> list[int]:
    done = subprocess.run([program, path, "20", "64", *word], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


def test_consent_is_kept_with_its_scope_and_date_and_the_same_one_keeps_its_date(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert _run(program, path, "given")[1] == 20
    kept = _consent(path)
    assert kept.scope == "all" and abs(kept.since - datetime.now(UTC).timestamp()) < 60
    assert all(event.time >= kept.since for event in read_lines(path, lambda *fault: pytest.fail(str(fault))))
    record, old = tmp_path / "f.consent", CONSENT.encode()
    record.write_bytes(old)
    _run(program, path, "given")
    assert record.read_bytes() == old
    _run(program, path, "actions")
    assert _consent(path).scope == "none" and _consent(path).since >= kept.since
    record.write_bytes(b'{"format":"kmidi-consent-1","scope":"all"')
    _run(program, path, "given")
    assert _consent(path).scope == "all", "a broken record is no consent, and is replaced"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f", "f.consent", "f.use"]


def test_consent_to_actions_writes_what_that_scope_of_the_lab_covers(program: Path, tmp_path: Path) -> None:
    _run(program, tmp_path / "whole", "given")
    _run(program, tmp_path / "bare", "actions")
    refuse = lambda *fault: pytest.fail(str(fault))
    whole, bare = (list(read_lines(tmp_path / name, refuse)) for name in ("whole", "bare"))
    assert {event.label for event in whole} == {"Dm7"} and all(event.input and event.output for event in whole)
    covered = [Consent("actions", "2020-01-01").allowed(event) for event in whole]
    same = lambda events: [(e.action, e.rating, e.artefact, e.input, e.output, e.label) for e in events]
    assert same(bare[:20]) == same(covered) and len(covered) == 20
    assert len(bare) == 21, "of the refused event that is no number in its vector, which is left out"


def test_without_a_record_of_the_consent_nothing_is_written(program: Path, tmp_path: Path) -> None:
    (tmp_path / "f.consent").mkdir()
    assert _run(program, tmp_path / "f", "given") == [23, 0, 0, 3, 20]
    assert sorted(p.name for p in tmp_path.iterdir() if p.stat().st_size and p.is_file()) in ([], ["f.use"])
