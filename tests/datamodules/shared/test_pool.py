"""Many files: whatever one does to its worker, the others are read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.bad_midi import CASES
from support.extracts import by_name, note_count, slow
from support.smf import song

from datamodules.shared import pool as pool_module
from datamodules.shared.midi_reading import extracting, read_many
from datamodules.shared.pool import Readers, TaskResult
from kmidi_lab.errors import ConfigError, LabError

pytestmark = pytest.mark.usefixtures("spawned")
REPO = Path(__file__).parents[3]
DEEDS = {
    "abort": "worker died",
    "kill": "worker died",
    "exit": "worker died",
    "hang": "timeout",
    "hog": "memory",
    "raise": "extract failed",
    "unpicklable": "extract failed",
    "refuse": "not wanted",
}


def write(folder: Path, titles: list[str]) -> list[Path]:
    paths = [folder / f"{i:03}-{title}.mid" for i, title in enumerate(titles)]
    for path, title in zip(paths, titles, strict=True):
        path.write_bytes(song(title))
    return paths


def outcomes(reads: Iterator[TaskResult[Path, int]]) -> dict[str, int | str]:
    return {read.task.name: read.reason if read.value is None else read.value for read in reads}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_each_evil_file_costs_one_file(tmp_path: Path, workers: int) -> None:
    titles = [t for deed in DEEDS for t in ("good", deed, "good", "good")]
    paths = write(tmp_path, titles)
    read = outcomes(read_many(paths, by_name, workers, timeout_s=3, memory_mb=256))
    assert read == {p.name: DEEDS.get(t, 16) for p, t in zip(paths, titles, strict=True)}


@pytest.mark.slow
def test_the_corpus_of_bad_files_gives_its_table(tmp_path: Path) -> None:
    expected = {}
    for i, (make, outcome) in enumerate(CASES.values()):
        path = tmp_path / f"{i}.mid"
        path.write_bytes(make())
        expected[path.name] = outcome
    (tmp_path / "folder.mid").mkdir()
    (tmp_path / "dangling.mid").symlink_to(tmp_path / "nowhere")
    expected |= {"folder.mid": "not a file", "dangling.mid": "cannot be read"}
    assert outcomes(read_many(sorted(tmp_path.iterdir()), note_count)) == expected


@pytest.mark.slow
def test_a_worker_killed_from_outside_costs_at_most_one_file(tmp_path: Path) -> None:
    paths = write(tmp_path, ["good"] * 40)
    reads = []
    for read in read_many(paths, slow, workers=2):
        if len(reads) in (3, 20):
            victim = next(c for c in psutil.Process().children() if "spawn_main" in " ".join(c.cmdline()))
            os.kill(victim.pid, signal.SIGKILL)
        reads.append(read)
    count = Counter(read.reason for read in reads)
    assert len(reads) == 40
    assert len({read.task for read in reads}) == 40
    assert count["worker died"] <= 2
    assert count[""] == 40 - count["worker died"]


@pytest.mark.slow
def test_a_caller_who_pauses_loses_nothing(tmp_path: Path) -> None:
    reads = []
    for read in read_many(write(tmp_path, ["good"] * 40), note_count, timeout_s=2):
        if len(reads) == 5:
            time.sleep(3)
        reads.append(read.value)
    assert reads == [16] * 40


def test_what_came_during_a_pause_is_heard_before_a_worker_is_called_silent() -> None:
    """The one that answered while the caller paused at the other's answer was not in what `wait` had seen."""

    class Pipe:
        def __init__(self, answers: list[object]) -> None:
            self.answers = answers

        def poll(self) -> bool:
            return bool(self.answers)

        def recv(self) -> object:
            return self.answers.pop(0)

    pool: Readers[str, int] = Readers(note_count, workers=2, timeout_s=0.05)
    first, second = (SimpleNamespace(ready=True, since=time.monotonic(), tasks=deque([n]), start_mb=0.0) for n in "ab")
    first.pipe, second.pipe = Pipe([(1, "", "")]), Pipe([])
    pool._workers = [first, second]  # type: ignore[list-item]
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_module, "wait", lambda pipes, _: [p for p in pipes if p.poll()])
        patch.setattr(pool_module, "resident_mb", lambda _: 0.0)
        for result in pool.read([]):
            results.append((result.task, result.value, result.reason))
            if result.task == "a":
                time.sleep(0.2)
                second.pipe.answers.append((2, "", ""))
    assert results == [("a", 1, ""), ("b", 2, "")]


def test_leaving_early_leaves_no_process(tmp_path: Path) -> None:
    before = {c.pid for c in psutil.Process().children()}
    with Readers(extracting(slow)) as readers:
        reads = readers.read(write(tmp_path, ["good"] * 40))
        assert next(reads).value == 16
        mine = {c.pid for c in psutil.Process().children()} - before
        assert mine
    # Python's own resource tracker, started with the first worker, stays for the life of the test run.
    left = [c for c in psutil.Process().children() if c.pid in mine and "spawn_main" in " ".join(c.cmdline())]
    assert left == []


def test_the_progress_bar_counts_failures(tmp_path: Path) -> None:
    paths = [*write(tmp_path, ["good"] * 3), tmp_path / "missing.mid"]
    reasons = Counter(r.reason for r in read_many(paths, note_count, progress=True, text="reading these"))
    assert reasons == {"": 3, "cannot be read": 1}
    assert list(read_many([], note_count, progress=True)) == []


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    write(tmp_path, ["good"] * 200)
    job = subprocess.Popen([sys.executable, "-c", _ENDLESS, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=REPO)
    assert job.stdout is not None
    assert job.stdout.readline() == "reading\n"
    workers = psutil.Process(job.pid).children(recursive=True)
    assert workers
    job.kill()
    job.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


_ENDLESS = """
import sys
from pathlib import Path
sys.path[:0] = ["tests", "."]
from support.extracts import slow
from datamodules.shared import pool as pool_module
from datamodules.shared.midi_reading import read_many
if __name__ == "__main__":
    for read in read_many(sorted(Path(sys.argv[1]).iterdir()), slow):
        print("reading", flush=True)
"""


def test_no_files_start_no_worker() -> None:
    assert list(read_many([], note_count)) == []


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_mutated_files_never_end_the_job(tmp_path: Path, seed: int) -> None:
    rng, good = random.Random(seed), song(notes=40)
    paths = []
    for i in range(250):
        data = bytearray(good)
        for _ in range(rng.randint(1, 12)):
            at = rng.randrange(len(data))
            deed = rng.randrange(4)
            if deed == 0:
                data[at] = rng.randrange(256)
            elif deed == 1:
                del data[at : at + rng.randint(1, 9)]
            elif deed == 2:
                data[at:at] = rng.randbytes(rng.randint(1, 9))
            else:
                data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"MTrk"])
            if not data:
                break
        paths.append(tmp_path / f"{i}.mid")
        paths[-1].write_bytes(data)
    reads = list(read_many(paths, note_count, timeout_s=10))
    assert {read.task for read in reads} == set(paths)
    assert len(reads) == len(paths)
    assert all(read.reason or read.value for read in reads)
    assert not any(read.reason == "extract failed" for read in reads)


@pytest.mark.slow
def test_workers_that_cannot_start_are_an_error_not_a_loop(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="end before they start"):
        list(read_many(write(tmp_path, ["good"] * 3), _Unloadable()))


class _Unloadable:
    """Pickles here and fails to unpickle in the worker."""

    def __call__(self, piece: object) -> int:
        return 0

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return int, ("no number",)  # type: ignore[return-value]


@pytest.mark.parametrize("bad", [{"workers": 0}, {"timeout_s": 0}, {"memory_mb": 1}])
def test_bad_limits_are_said(bad: dict[str, float]) -> None:
    [(name, value)] = bad.items()
    with pytest.raises(ConfigError, match=rf"data\.{name}={value} must be .*, such as data\.{name}="):
        Readers(extracting(note_count), **bad)  # type: ignore[arg-type]
