"""What files of others say in tables: no formula of a spreadsheet, no command of a terminal, and numbers as they were."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from datamodules.shared.library import Problem, write_problems
from kmidi_lab.report.bench import bench_csv
from kmidi_lab.report.formats import csv_text, printable, text_table

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =1", "＝1+1", "=HYPERLINK(\"http://x\";\"y\")", "-", "--1"]  # fmt: skip
ESCAPES = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "a\nb", "\tb", "\0", "\u202eabc", "\u2028", "\udc80"]


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text(text: str) -> None:
    assert read(csv_text([["name", text]])) == [["name", f"'{text}"]]


@pytest.mark.parametrize("text", ESCAPES)
def test_a_command_of_a_terminal_is_written_out(text: str) -> None:
    [[cell]] = read(csv_text([[text]]))
    table = text_table(("name",), [(text,)])
    for said in (cell, table.splitlines()[1], printable(text)):
        assert "\\" in said and said.isprintable()


@pytest.mark.parametrize(
    "value", [-1, 1.5, -1e-7, "-1.5", "+3", "-inf", "nan", "", None, True, "C#", "Ré", "メロディ", "1 - 2", "👩‍🎤"]
)
def test_what_is_harmless_stays(value: object) -> None:
    assert read(csv_text([["x", value]])) == [["x", "" if value is None else str(value)]]
    assert printable(str(value)) == str(value)


def test_the_labs_own_files(tmp_path: Path) -> None:
    write_problems([Problem("=cmd.mid", "@here", "broken", "-1+\x1b[31m")], tmp_path / "problems.csv")
    assert read((tmp_path / "problems.csv").read_text())[1] == ["'=cmd.mid", "'@here", "broken", "'-1+\\x1b[31m"]
    told = bench_csv({"machine": {"id": "m"}, "models": {}, "failed": {"=x": "\x1b[2J"}})
    assert read(told)[1][0] == "'=x" and read(told)[1][-1] == "\\x1b[2J"
