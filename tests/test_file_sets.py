"""Files that take their names together, and what is said where a folder refuses one of the names."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmidi_lab.errors import FileError
from kmidi_lab.file_sets import write_together


@pytest.mark.parametrize(
    ("refused", "said", "new"),
    [
        ("a.mid", r"a\.mid: can't be written \(.*\); what was there is as it was\.", []),
        ("b.wav", r"b\.wav: .*, and of the files that go together a\.mid is new already", ["a.mid"]),
        ("c.png", r"c\.png: .*, and of the files that go together a\.mid, b\.wav are new already", ["a.mid", "b.wav"]),
    ],
)
def test_a_refused_name_is_told_with_what_is_new_by_then(
    tmp_path: Path, refused: str, said: str, new: list[str]
) -> None:
    files = {tmp_path / name: b"new" for name in ("a.mid", "b.wav", "c.png")}
    for path in files:
        path.write_bytes(b"old")
    (tmp_path / refused).unlink()
    (tmp_path / refused / "full").mkdir(parents=True)  # no file takes the name of a folder
    with pytest.raises(FileError, match=said):
        write_together(files)
    assert [p.name for p in sorted(files) if p.is_file() and p.read_bytes() == b"new"] == new
    assert not list(tmp_path.glob(".*")), "nothing is left behind"
