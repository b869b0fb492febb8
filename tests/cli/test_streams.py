"""Whatever a terminal can show, no command stops in the middle of its answer."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kmidi_lab import streams
from kmidi_lab.__main__ import main
from kmidi_lab.run_file import read, write
from kmidi_lab.run_record import Identity, RunRecord


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "bVII -> F#, 3 us ... \\u30e1\\u30ed \\udce9"),
        ("latin-1", "bVII -> F#, 3 µs ... \\u30e1\\u30ed \\udce9"),
        ("utf-8", "♭VII → F♯, 3 µs … メロ \\udce9"),
    ],
)
def test_any_text_can_be_printed(encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding=encoding))
    streams.make_safe()
    print("♭VII → F♯, 3 µs … メロ \udce9", flush=True)
    assert written.getvalue().decode(encoding) == shown + os.linesep


def test_no_stream_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for closed in (None, io.StringIO()):
        monkeypatch.setattr(sys, "stdout", closed)
        streams.make_safe()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk_that_the_output_goes_to_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["--version"]) == 1
    assert capsys.readouterr().err == "error: what is printed can't be written (No space left on device); free space\n"


def test_a_program_without_output_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a daemon's."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["--version"]) == 0


@pytest.mark.parametrize("words", [["--version"], ["model=harmony", "--cfg", "job"]])
def test_who_reads_the_beginning_only_is_told_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_logging: None, capsys
) -> None:
    """Such as `head`."""
    monkeypatch.chdir(tmp_path)
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert main(words) == 1
        streams.lose_output()
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_a_command_in_ascii_with_a_file_name_that_is_no_text(repo: Path, tmp_path: Path) -> None:
    """The log file, too, takes every letter."""
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
    }
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        environment.pop(key, None)
    words = ["task=predict", "predict.chords=Dm7 G7", "predict.key=Eb", f"models_root={repo / 'outputs/release'}"]
    command = [os.fsencode(word) for word in (sys.executable, "-m", "kmidi_lab", *words)]
    done = subprocess.run(
        [*command, b"paths.output_root=out\xe9"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%" in done.stdout and "Traceback" not in done.stderr and "Logging error" not in done.stderr


def test_a_record_with_a_name_that_is_no_text(tmp_path: Path) -> None:
    record = RunRecord(Identity(run_id="a", command="models_root=m\udce9 ♭"))
    write(record, tmp_path)
    assert read(tmp_path / "run.json") == record
    assert "♭" in (tmp_path / "run.json").read_text(encoding="utf-8")
