"""The YAML files of a run or a sweep from someone else: what no run writes is not read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kmidi_lab import go_on, resume, run_config
from kmidi_lab.errors import DataError, LabError
from kmidi_lab.feedback.queue import read_rows
from kmidi_lab.inference.questions import read_text
from kmidi_lab.report.leaderboard import leaderboard
from kmidi_lab.song.reading import read_intent

LAUGHS = "\n".join(["- &a0 [ha]", *(f"- &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9))])
"""A billion words where it is written out."""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    (tmp_path / "0" / ".hydra").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- model=harmony\n- seed=1\n", ["model=harmony", "seed=1"]), ("", []), ("model: harmony", []), ("- [a]\n- 3\n- seed=1", ["seed=1"]),
        (LAUGHS, []), ("[" * 100_000, []), ("- seed=1\n" * 100_000, []), ("- \xff".encode("latin-1"), []), ("a: b: c", []),
    ],
    ids=["plain", "empty", "block", "kinds", "laughs", "deep", "long", "latin", "broken"],
)  # fmt: skip
def test_the_words_of_a_job(sweep: Path, text: str | bytes, words: list[str]) -> None:
    (sweep / "0/.hydra/overrides.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    assert run_config.overrides(sweep / "0") == words
    assert "no result" in leaderboard(sweep)[0]
    assert len("".join(go_on.rest_of_sweep(sweep, []))) < 5_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_waited_for(sweep: Path) -> None:
    for name in ("0/.hydra/overrides.yaml", "config.yaml", "x.ckpt", "queue.csv", "song.yaml"):
        os.mkfifo(sweep / name)
    assert run_config.overrides(sweep / "0") == []
    assert resume.read(sweep / "x.ckpt") is None
    for read, name, error in (
        (run_config.read, "config.yaml", "not a plain file"),
        (lambda path: next(read_rows(path, ("source",))), "queue.csv", "not a plain file"),
        (read_text, "queue.csv", "not a plain file"),
        (read_intent, "song.yaml", "is not a file"),
    ):
        with pytest.raises(LabError, match=error) as refused:
            read(sweep / name)
        assert "_Unreadable" not in str(refused.value)


@pytest.mark.parametrize(
    ("read", "mebibytes"),
    [(lambda path: next(read_rows(path, ("source",))), 64), (read_text, 16)],
    ids=["queue", "text"],
)
def test_a_file_of_too_many_bytes_is_to_be_divided(
    tmp_path: Path, read: Callable[[Path], object], mebibytes: int
) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.truncate((mebibytes << 20) + 1)
    with pytest.raises(DataError, match=f"larger than {mebibytes} MiB; divide"):
        read(path)
