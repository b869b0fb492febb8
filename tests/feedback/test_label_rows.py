"""Rows of a filled-in queue.csv: who gave a label."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmidi_lab.errors import DataError
from kmidi_lab.feedback.labels import Labels, take_in
from kmidi_lab.feedback.queue import LABELLED, read_rows
from kmidi_lab.feedback.store import FILE, Store

HEADER = "rank,source,score,guess,chance,label,rater,item"


def taken(path: Path, labels: Labels, *raters: str) -> tuple[int, int, list[str]]:
    path.write_text("\n".join([HEADER, *(f"{i},x,0,a,0,joy,{r},{i:064x}" for i, r in enumerate(raters, 1))]))
    return take_in(path, list(read_rows(path, LABELLED)), labels, str, 1_800_000_000, {})


def test_a_row_without_a_rater_is_nobodys_where_others_have_one(tmp_path: Path) -> None:
    labels = Labels(Store(tmp_path / FILE), "intent")
    new, there, faults = taken(tmp_path / "a.csv", labels, "ann", "", "me", " ")
    assert (new, there, len(faults)) == (2, 0, 2)
    assert all("no rater" in fault for fault in faults) and ":3:" in faults[0] and ":5:" in faults[1]


def test_semicolons_divide_columns_too(tmp_path: Path) -> None:
    """As spreadsheets write where a comma is the decimal mark; a value may hold a comma then."""
    path = tmp_path / "a.csv"
    path.write_text(f"source;score;label;rater;item\na, b;0,5;joy;ann;{1:064x}\n")
    assert list(read_rows(path, LABELLED, ("source",))) == [
        (2, {"item": f"{1:064x}", "label": "joy", "rater": "ann", "source": "a, b"})
    ]
    path.write_text("item\tlabel\trater\n")
    with pytest.raises(DataError, match=r"no column item, label, rater \(commas or semicolons divide columns\)"):
        list(read_rows(path, LABELLED))


def test_without_any_rater_one_person_labelled(tmp_path: Path) -> None:
    labels = Labels(Store(tmp_path / FILE), "intent")
    assert taken(tmp_path / "a.csv", labels, "", "") == (2, 0, [])
